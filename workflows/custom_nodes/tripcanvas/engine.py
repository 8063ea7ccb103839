"""The two places where a node talks back to the engine that runs it: progress and interruption.

Both are looked up in the running process, never imported: importing ``comfy`` outside a ComfyUI server would load
torch, and the nodes also run where there is no ComfyUI.
"""

from __future__ import annotations

import sys
import time
from typing import Any

#: How long an interruption by the designer may go unnoticed.
_GLANCE_S = 0.25


def stop_if_interrupted() -> None:
    """Raise ComfyUI's ``InterruptProcessingException`` when the designer has pressed cancel."""
    model_management: Any = sys.modules.get("comfy.model_management")
    if model_management is not None:
        model_management.throw_exception_if_processing_interrupted()


def pause(seconds: float) -> None:
    """Sleep, waking up often enough that an interruption is honoured at once."""
    end = time.monotonic() + seconds
    while True:
        stop_if_interrupted()
        left = end - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, _GLANCE_S))


class Progress:
    """The bar under a node in ComfyUI's page; silent where there is no ComfyUI."""

    def __init__(self, total: int = 100) -> None:
        comfy_utils: Any = sys.modules.get("comfy.utils")
        self._bar: Any = None if comfy_utils is None else comfy_utils.ProgressBar(total)

    def show(self, value: int) -> None:
        """Move the bar to `value` out of its total."""
        if self._bar is not None:
            self._bar.update_absolute(value)
