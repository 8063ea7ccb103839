"""A message that is worked on stays hidden from other workers, however long that takes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from shared.clouds.messages import Messages, QueuedMessage
from shared.errors import TripcanvasError
from shared.telemetry import log

#: A queue must hide what is received for longer than this, in seconds: most messages are done before the first call.
FIRST_S = 15.0
#: How long a message is hidden by each further call, and how long before the next one, in seconds.
HIDDEN_S, AGAIN_S = 60, 20.0
_AFTER_TROUBLE_S = 3.0


class Held:
    """Keeps one message hidden while the block runs, for at most `longest_s`; `message` has the newest receipt.

    A thread of its own with a client of its own: neither the SDK nor the work can be interrupted. A worker that
    outlives `longest_s` is about to be ended, and its message must be free for another by then.
    """

    def __init__(
        self,
        queue: str,
        message: QueuedMessage,
        connect: Callable[[], Messages],
        longest_s: float,
        *,
        first_s: float = FIRST_S,
    ) -> None:
        self.message: QueuedMessage | None = message
        self._queue = queue
        self._connect = connect
        self._longest_s = longest_s
        self._first_s = first_s
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._extend, daemon=True)

    def __enter__(self) -> Held:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _extend(self) -> None:
        messages: Messages | None = None
        pause_s, held_s = self._first_s, 0.0
        while not self._done.wait(pause_s) and self.message is not None:
            held_s += pause_s
            if held_s >= self._longest_s:
                return
            try:
                messages = messages or self._connect()
                self.message = messages.hide(self._queue, self.message, HIDDEN_S)
                pause_s = AGAIN_S
            except TripcanvasError as error:
                log("trouble", during="holding", code=type(error).__name__)
                pause_s = _AFTER_TROUBLE_S
        if self.message is None:
            # Somebody else has it now; the ledger keeps the two from doing anything twice.
            log("message_lost", source=self._queue)
