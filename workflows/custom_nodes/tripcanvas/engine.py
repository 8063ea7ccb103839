"""The two places where a node talks back to the engine that runs it: progress and interruption.

Both are looked up in the running process, never imported: importing ``comfy`` outside a ComfyUI server would load
torch, and the nodes also run where there is no ComfyUI.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")

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


def attended(work: Callable[[], _Result], until: float) -> _Result:
    """Do `work` in a thread, and notice an interruption, or the moment `until` (`time.monotonic`), meanwhile.

    For requests that can't be broken off from outside: whoever cancels gets the queue back at once, and the answer is
    thrown away when it comes. Raises `TimeoutError` at `until`, ComfyUI's exception on interruption, and what `work`
    raises.
    """
    errand = _Errand(work)
    errand.start()
    # A first look without a pause: most answers on this machine come within it.
    wait_s = 0.05
    while True:
        errand.join(min(wait_s, max(0.0, until - time.monotonic())))
        if not errand.is_alive():
            return errand.result()
        stop_if_interrupted()
        if time.monotonic() >= until:
            raise TimeoutError
        wait_s = _GLANCE_S


class _Errand(threading.Thread, Generic[_Result]):
    def __init__(self, work: Callable[[], _Result]) -> None:
        super().__init__(name="tripcanvas request", daemon=True)
        self._work = work
        self._result: _Result | None = None
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._result = self._work()
        # Raised again in the thread that waits.
        except BaseException as error:  # noqa: BLE001
            self._error = error

    def result(self) -> _Result:
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]


class Progress:
    """The bar under a node in ComfyUI's page; silent where there is no ComfyUI."""

    def __init__(self, total: int = 100) -> None:
        comfy_utils: Any = sys.modules.get("comfy.utils")
        self._bar: Any = None if comfy_utils is None else comfy_utils.ProgressBar(total)

    def show(self, value: int) -> None:
        """Move the bar to `value` out of its total."""
        if self._bar is not None:
            self._bar.update_absolute(value)


def painting(progress: Progress) -> Callable[[str], None]:
    """What to tell of a painting task's states: how far it is, nobody says.

    The bar moves while the task runs, and waits below what is left to do afterwards.
    """
    reached = 10

    def on_state(state: str) -> None:
        nonlocal reached
        if state == "RUNNING":
            reached = min(reached + 5, 80)
        progress.show(reached)

    return on_state
