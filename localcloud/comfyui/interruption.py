"""Cancelling a graph that runs: the hook that nodes look for in a ComfyUI process.

Each graph runs in a thread of its own, so the flag is the thread's.
"""

from __future__ import annotations

import sys
import threading
import types

_of_thread = threading.local()


class InterruptProcessingException(Exception):
    """Somebody cancelled the graph that this thread runs; ComfyUI's name for it."""


def watch(flag: threading.Event) -> None:
    """Have `flag` cancel what this thread runs from now on."""
    _of_thread.flag = flag


def stop_if_interrupted() -> None:
    """Raise `InterruptProcessingException`, once for each time the flag was set."""
    flag: threading.Event | None = getattr(_of_thread, "flag", None)
    if flag is not None and flag.is_set():
        flag.clear()
        raise InterruptProcessingException


def offer_to_nodes() -> None:
    """Put the hook where nodes look for it: ``comfy.model_management`` of the running process."""
    module = types.ModuleType("comfy.model_management")
    vars(module).update(
        throw_exception_if_processing_interrupted=stop_if_interrupted,
        InterruptProcessingException=InterruptProcessingException,
    )
    sys.modules.setdefault("comfy.model_management", module)
