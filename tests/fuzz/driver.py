"""Runs a target on many cases, with the bounds that hold for each: time, memory, and nothing private in a log."""

from __future__ import annotations

import contextlib
import logging
import resource
import signal
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from shared import retries
from tests.fuzz.mutation import MARKER, Mutator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fuzz.targets import Target

#: CPU time that one case may take, and the time after which a case that does not come back counts as hanging.
CASE_S, HANG_S = 1.0, 20
#: What comes out of examples as they are, when all is well.
GOOD_ENDS = frozenset(
    {"direct", "carried", "Trip", "Files", "SinkRecord", "Brief", "id", "DeadLetter", "records", "written", "receipt"}
    | {"keys", "picture", "text", "facts", "levels"}
)
#: Cases run by this process, by target.
RAN: Counter[str] = Counter()


class Finding(AssertionError):
    """A case that ended otherwise than it may."""


@dataclass
class Report:
    """What became of the cases of one run."""

    outcomes: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0

    @property
    def cases(self) -> int:
        return sum(self.outcomes.values())


class _Kept(logging.Handler):
    """Keeps what was logged, with tracebacks, as long as one case lasts."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextlib.contextmanager
def _watched_logs() -> Iterator[_Kept]:
    kept = _Kept()
    loggers = [logging.getLogger(name) for name in ("", "tripcanvas", "dashscope")]
    before = [(logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(kept)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    try:
        yield kept
    finally:
        for logger, (level, propagate) in zip(loggers, before, strict=True):
            logger.removeHandler(kept)
            logger.setLevel(level)
            logger.propagate = propagate


@contextlib.contextmanager
def no_pauses() -> Iterator[None]:
    """Repeat calls at once: the pauses in between are tested elsewhere."""
    pause, retries.FIRST_PAUSE_S = retries.FIRST_PAUSE_S, 0.0
    try:
        yield
    finally:
        retries.FIRST_PAUSE_S = pause


@contextlib.contextmanager
def _alarm() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(*_: object) -> None:
        raise Finding(f"still running after {HANG_S} s")

    before = signal.signal(signal.SIGALRM, ring)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def bounded() -> Iterator[_Kept]:
    """What holds around all cases of a run."""
    with _watched_logs() as logs, no_pauses(), _alarm():
        yield logs


def run_one(target: Target, case: bytes, choices: Random, logs: _Kept) -> tuple[str, float]:
    """One case inside `bounded`: the name of what came out, and its CPU seconds. Raises for a finding."""
    logs.lines.clear()
    signal.alarm(HANG_S)
    before = time.process_time()
    outcome = target.check(case, choices)
    took = time.process_time() - before
    signal.alarm(0)
    if took > CASE_S:
        raise Finding(f"took {took:.1f} s")
    if any(MARKER in line for line in logs.lines):
        raise Finding("private content in a log")
    RAN[target.name] += 1
    return outcome, took


def run(target: Target, cases: int, seed: int) -> Report:
    """`cases` mutated cases, the same ones for the same seed. Raises `Finding` with what it takes to see it again."""
    mutator, choices, report = Mutator(target.seeds), Random(), Report()
    with bounded() as logs:
        for number in range(cases):
            choices.seed(f"{target.name}/{seed}/{number}")
            case = mutator.case(choices)
            try:
                outcome, took = run_one(target, case, choices, logs)
            except Exception as error:
                raise Finding(
                    f"{target.name}, seed {seed}, case {number}: {type(error).__name__}: {str(error)[:300]}; "
                    f"{len(case)} bytes: {case[:600]!r}"
                ) from error
            report.outcomes[outcome] += 1
            report.slowest_s = max(report.slowest_s, took)
    return report


def peak_rss_bytes() -> int:
    """Most memory this process ever held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
