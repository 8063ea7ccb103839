"""Scripted trouble: what a test, or a curious user, can make this service do wrong on purpose.

``POST /-/faults`` with a JSON object adds one fault; it is met by the next `times` calls it fits and is then used up.
``GET /-/faults`` lists what is left, ``DELETE /-/faults`` forgets all. Faults live in memory: a restart forgets them.

==========  =========================================================================================
`call`      which calls it waits for
==========  =========================================================================================
`text`      text generation
`vision`    the multimodal path: a word about a picture, or pictures painted at once
`image`     creating picture tasks, in both protocols
`task`      asking for a task (modes of every call, and `unknown`), or what becomes of the next task
            that is created (`failed`, `partial`, `never`, `slow`)
`picture`   downloading a picture
`uploads`   asking for leave to upload, and uploading
==========  =========================================================================================

============  =======================================================================================
`mode`        what happens
============  =======================================================================================
`answer`      after `delay_s`: refused with `status`, `code` and `message`; without a `code`, answered as usual
`drop`        after `delay_s`: the connection is closed without a byte
`html`        a web page, as a gateway sends it (`status`, 502 if 0)
`no_output`   200, but nothing in it besides the request id
`says`        the text or vision model answers with `text`, whatever it was asked
`unknown`     the task is not known (any more)
`failed`      the task ends as FAILED with `code` and `message`
`partial`     the last picture of the task fails, the others are painted
`never`       the task stays RUNNING for ever
`slow`        the task runs for `delay_s` before it is painted
============  =======================================================================================
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

import msgspec
from starlette.responses import HTMLResponse, Response

from localcloud.dashscope.wire import Refusal, encoded, request_id
from localcloud.faults import connection

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

Call = Literal["text", "vision", "image", "task", "picture", "uploads"]
#: Modes that decide what becomes of a task; the others decide how a request is answered.
FATES = ("failed", "partial", "never", "slow")

_OF_ONE_CALL = {"says": ("text", "vision"), "unknown": ("task",), **dict.fromkeys(FATES, ("task",))}


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One scripted fault; the module's docstring explains the fields."""

    call: Call
    mode: Literal["answer", "drop", "html", "no_output", "says", "unknown", "failed", "partial", "never", "slow"] = (
        "answer"
    )
    status: int = 0
    code: str = ""
    message: str = ""
    text: str = ""
    times: int = 1
    delay_s: float = 0.0

    def __post_init__(self) -> None:
        if self.call not in _OF_ONE_CALL.get(self.mode, (self.call,)):
            raise ValueError(f"mode {self.mode} does not go with call {self.call}")
        if self.times < 1 or self.delay_s < 0:
            raise ValueError("times is at least 1 and delay_s not negative")


class Faults:
    """The faults that wait to be met, oldest first."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let `fault` happen."""
        self._waiting.append(fault)

    def clear(self) -> None:
        """Forget every fault."""
        self._waiting.clear()

    def listing(self) -> list[Fault]:
        """What is still waiting; `times` says how often."""
        return list(self._waiting)

    def met_by(self, call: Call, *, fate: bool = False) -> Fault | None:
        """Use up one occurrence of the oldest fault that fits, if there is one; `fate` asks for a task's fate."""
        for place, fault in enumerate(self._waiting):
            if fault.call == call and (fault.mode in FATES) == fate:
                if fault.times == 1:
                    del self._waiting[place]
                else:
                    self._waiting[place] = msgspec.structs.replace(fault, times=fault.times - 1)
                return fault
        return None


async def meet(request: Request, fault: Fault | None) -> Response | None:
    """What the caller gets for `fault`, after its delay; None when the call is to go on as usual.

    A fault that is the handler's own business (`says`, `unknown`) is left with the request for `words` and `is_gone`.
    Raises `Refusal` in mode `answer` with a code.
    """
    request.state.fault = fault
    if fault is None:
        return None
    await asyncio.sleep(fault.delay_s)
    if fault.mode == "drop":
        return Dropped()
    if fault.mode == "html":
        return HTMLResponse("<html><body><h1>Bad Gateway</h1></body></html>", fault.status or 502)
    if fault.mode == "no_output":
        return encoded({"request_id": request_id()}, fault.status or 200)
    if fault.mode == "answer" and fault.code:
        raise Refusal(fault.status or 500, fault.code, fault.message or "Scripted fault.")
    return None


def words(request: Request) -> str | None:
    """What the model was scripted to say to this request."""
    fault: Fault | None = request.state.fault
    return fault.text if fault and fault.mode == "says" else None


def is_gone(request: Request) -> bool:
    """Whether the task of this request was scripted to be unknown."""
    fault: Fault | None = request.state.fault
    return fault is not None and fault.mode == "unknown"


class Dropped(Response):
    """No response: the connection is closed without a byte."""

    async def __call__(self, scope: Scope, receive: Receive, _: Send) -> None:
        """Close the connection, and wait until the server has noticed."""
        connection.close(scope)
        await connection.ended(receive)
