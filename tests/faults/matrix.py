"""Every outward call of the functions times every fault: recorded first, then told one after the other."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import multiprocessing.util
import os
import re
import signal
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from localcloud.faults.tap import Strike
from tests.faults.stories import STORIES, Story

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.faults.stage import Stage
    from tests.faults.telling import Told

_PR_SET_PDEATHSIG = 1
_NUMBER = re.compile(r"\d+")
#: Longer than a struck call waits.
_HANG_S = 0.4


@dataclass(frozen=True)
class Fault:
    """A column of the matrix.

    One that needs an `effect` is told of writing calls only: reading has none. One that is `like` another differs for
    the client, which has to tell it from others, and for nobody behind it.
    """

    name: str
    means: str
    kill: str = ""
    order: dict[str, object] = field(default_factory=dict)
    effect: bool = False
    like: str = ""


FAULTS = (
    Fault("kill-before", "the process is killed before the call", kill="before"),
    Fault("kill-after", "the process is killed after the effect, before it has seen the answer", "after", effect=True),
    Fault("500", "answered 500, nothing done", order={"do": "status", "status": 500}),
    Fault("504-after", "done, but answered 504", order={"do": "status", "status": 504, "after_effect": True}),
    Fault("429", "answered 429, nothing done", order={"do": "status", "status": 429}),
    Fault("hang", "no answer in time, nothing done", order={"do": "hang", "seconds": _HANG_S}, like="500"),
    Fault(
        "hang-after", "done, but no answer in time",
        order={"do": "hang", "seconds": _HANG_S, "after_effect": True}, effect=True, like="504-after",
    ),
    Fault("reset", "the connection breaks, nothing done", order={"do": "reset"}, like="500"),
    Fault(
        "reset-after", "done, but the connection breaks",
        order={"do": "reset", "after_effect": True}, effect=True, like="504-after",
    ),
    Fault("garbage", "something else answers with 200, nothing done", order={"do": "garbage"}, like="500"),
    Fault(
        "garbage-after", "done, but the answer is another thing's",
        order={"do": "garbage", "after_effect": True}, effect=True, like="504-after",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One recorded call: the `number`-th of the `invocation`-th invocation of a function in a story.

    `is_first`: no earlier row is of this function's call of this name.
    """

    story: str
    function: str
    invocation: int
    number: int
    call: str
    occurrence: int
    is_first: bool = True

    @property
    def id(self) -> str:
        """By which `--only` names it."""
        again = f".{self.invocation}" if self.invocation > 1 else ""
        return f"{self.story}/{self.function}{again}#{self.number}"

    def is_meant_by(self, pattern: str) -> bool:
        """Whether `--only` means this row: its whole id, or the id without the story, as a glob."""
        return fnmatchcase(self.id, pattern) or fnmatchcase(self.id.partition("/")[2], pattern)


@dataclass(frozen=True)
class Cell:
    """What became of one row under one fault."""

    row: Row
    fault: str
    struck: bool
    sweeps: int
    violations: tuple[str, ...]

    @property
    def text(self) -> str:
        """As it stands in the table."""
        if self.violations:
            return "FAIL"
        if not self.struck:
            return "-"
        return str(self.sweeps) if self.sweeps else "ok"


class Workers:
    """Processes with an embedded cloud each; a context manager."""

    def __init__(self, number: int) -> None:
        # Clean processes without threads: each invocation is a fork of one of them.
        self._pool = ProcessPoolExecutor(number, multiprocessing.get_context("spawn"), initializer=_open_stage)

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def record(self, stories: Iterable[Story]) -> dict[str, Told]:
        """Every story without a fault, by its name."""
        told = {story.name: self._pool.submit(_tell, story) for story in stories}
        return {name: future.result() for name, future in told.items()}

    def cells(
        self, plan: Iterable[tuple[Row, Fault]], recorded: dict[str, Told], *, broken: str = ""
    ) -> Iterator[Cell]:
        """Every planned telling, in the order in which they end; `broken` is a function of `tests.faults.broken`."""
        stories = {story.name: story for story in STORIES}
        running: dict[Future[Told], tuple[Row, Fault]] = {}
        for row, fault in plan:
            future = self._pool.submit(_tell, stories[row.story], row, fault, broken)
            running[future] = (row, fault)
        for future in as_completed(running):
            row, fault = running[future]
            error = future.exception()
            if error is not None:
                yield Cell(
                    row, fault.name, struck=True, sweeps=0, violations=(f"the harness itself failed: {error!r}",)
                )
                continue
            told = future.result()
            violations = list(told.violations)
            allowed = recorded[row.story].renders + 1
            if told.renders > allowed:
                violations.append(f"{told.renders} renders, at most {allowed} allowed")
            yield Cell(row, fault.name, told.struck, told.sweeps, tuple(violations))


def rows_of(recorded: dict[str, Told]) -> list[Row]:
    """The calls to strike, each in every context in which a story makes it.

    The context of a reading call is all that its invocation did before, but of a command's (a person repeats it) what
    that wrote before and how the call is named. That of a writing one is what was written before; numbers of attempts
    and entries are no difference there.
    """
    from tests.faults.invoking import FUNCTIONS

    rows: list[Row] = []
    contexts, names = set(), set()
    for story, told in recorded.items():
        for function, invocations in told.calls.items():
            for invocation, calls in enumerate(invocations, 1):
                done, written = [function], [function]
                for number, seen in enumerate(calls, 1):
                    done.append(seen.call)
                    name = _NUMBER.sub("<n>", seen.call)
                    if not is_read(name):
                        written.append(name)
                    if is_read(name):
                        context = tuple(done) if function in FUNCTIONS else (*written, name)
                    else:
                        context = tuple(written)
                    if context in contexts:
                        continue
                    contexts.add(context)
                    is_first = (function, name) not in names
                    names.add((function, name))
                    rows.append(Row(story, function, invocation, number, seen.call, seen.occurrence, is_first))
    return rows


def is_read(call: str) -> bool:
    """Whether a call has no effect that a fault could come before or after."""
    return call.startswith(("GET ", "HEAD "))


def plan_of(rows: Iterable[Row], faults: Iterable[Fault], *, every: bool = False) -> list[tuple[Row, Fault]]:
    """What to tell: every row under every fault that means something for it.

    How a client reads an answer does not depend on the context: of faults that are alike, all are told of the first
    row of a call and one of the others, unless `every` is asked for.
    """
    return [
        (row, fault)
        for row in rows
        for fault in faults
        if not (fault.effect and is_read(row.call)) and (every or row.is_first or not fault.like)
    ]


_stage: Stage | None = None


def _open_stage() -> None:
    global _stage
    # However the main process ends, its workers end with it, and clean up.
    signal.signal(signal.SIGTERM, _end)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    # A process that is forked must have no threads.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    import cv2

    from tests.faults.invoking import deployed
    from tests.faults.stage import Stage
    from tests.faults.telling import Telling

    cv2.setNumThreads(0)
    _stage = Stage()
    Telling(_stage, deployed(), STORIES[0], fork=False).tell()
    gc.freeze()
    multiprocessing.util.Finalize(None, _stage.close, exitpriority=1)


def _end(*_: object) -> None:
    if _stage is not None:
        _stage.close()
    # Not by an exception: the pool would take it for the result of the telling.
    os._exit(1)


def _tell(story: Story, row: Row | None = None, fault: Fault | None = None, broken: str = "") -> Told:
    from tests.faults.invoking import deployed
    from tests.faults.telling import Aim, Telling

    assert _stage is not None
    aim = None
    if row is not None and fault is not None:
        strike = Strike(row.call, row.occurrence, fault.kill, fault.order)
        aim = Aim(row.function, row.invocation, strike)
    told = Telling(_stage, deployed(), story, aim, broken=broken).tell()
    # Only recordings are asked for their calls.
    return told if aim is None else replace(told, calls={})
