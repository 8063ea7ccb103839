"""The keeper: as many workers as it was asked for, alive, and an orderly end when it is told to stop.

A worker that dies is started again; one that takes longer than a turn may take is killed first: its message is
visible again by then. On SIGTERM no worker begins anything new, and each may finish what it has in hand.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from processes.working import WELL
from shared.telemetry import log

#: Beyond a turn's own time: its start, its long polls, and what a service's last answer takes.
_ALLOWANCE_S = 45.0
#: The pause before a worker is started again doubles while workers die young, within these bounds, in seconds.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _YOUNG_S = 0.5, 30.0, 60.0
_LOOK_EVERY_S = 0.2


@dataclass
class _Place:
    """One worker's place: who holds it now, since when, and when it was last heard of, by `time.monotonic`."""

    process: subprocess.Popen[bytes] | None = None
    words: int = -1
    started: float = 0.0
    heard: float = 0.0
    well: bool = False
    pause_s: float = _FIRST_PAUSE_S
    not_before: float = 0.0


@dataclass
class Keeper:
    """Keeps `count` workers; `command` starts one, which tells how it is through the descriptor put behind it."""

    command: Sequence[str]
    count: int
    longest_s: float
    grace_s: float
    restarts: int = 0
    looked: float = field(default_factory=time.monotonic)
    _places: list[_Place] = field(default_factory=list)

    @property
    def well(self) -> int:
        """How many workers were well when they were last heard of."""
        return sum(place.well for place in self._places)

    def run(self, is_over: Callable[[], bool]) -> bool:
        """Keep the workers until `is_over`; then let them finish. Returns whether each did within the grace."""
        self._places = [_Place() for _ in range(self.count)]
        with selectors.DefaultSelector() as selector:
            while not is_over():
                for place in self._places:
                    self._look_after(place, selector)
                self._listen(selector)
            return self._end(selector)

    def _look_after(self, place: _Place, selector: selectors.BaseSelector) -> None:
        now = time.monotonic()
        if place.process is None:
            if now >= place.not_before:
                self._start(place, selector)
            return
        if place.process.poll() is None:
            if now - place.heard <= self.longest_s + _ALLOWANCE_S:
                return
            log("worker_hangs", duration_ms=round((now - place.heard) * 1000))
            place.process.kill()
            place.process.wait()
        log("worker_ended", status=place.process.returncode, duration_ms=round((now - place.started) * 1000))
        self._forget(place, selector)
        self.restarts += 1
        place.pause_s = _FIRST_PAUSE_S if now - place.started > _YOUNG_S else min(_LONGEST_PAUSE_S, place.pause_s * 2)
        place.not_before = now + place.pause_s

    def _start(self, place: _Place, selector: selectors.BaseSelector) -> None:
        place.words, theirs = os.pipe()
        os.set_blocking(place.words, False)
        place.process = subprocess.Popen(
            [*self.command, str(theirs)], pass_fds=[theirs], stdin=subprocess.DEVNULL, start_new_session=True
        )
        os.close(theirs)
        place.started = place.heard = time.monotonic()
        selector.register(place.words, selectors.EVENT_READ, place)

    def _listen(self, selector: selectors.BaseSelector) -> None:
        for key, _ in selector.select(_LOOK_EVERY_S):
            place: _Place = key.data
            words = os.read(place.words, 4096)
            if words:
                place.heard, place.well = time.monotonic(), words.endswith(WELL)
            else:
                # It has ended, or is about to; a descriptor that is always ready must not be waited for.
                selector.unregister(place.words)
        if not selector.get_map():
            time.sleep(_LOOK_EVERY_S)
        self.looked = time.monotonic()

    def _forget(self, place: _Place, selector: selectors.BaseSelector) -> None:
        if place.words in selector.get_map():
            selector.unregister(place.words)
        os.close(place.words)
        place.process, place.words, place.well = None, -1, False

    def _end(self, selector: selectors.BaseSelector) -> bool:
        processes = [place.process for place in self._places if place.process is not None]
        for process in processes:
            process.terminate()
        end, in_time = time.monotonic() + self.grace_s, True
        for process in processes:
            try:
                process.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                in_time = False
                process.kill()
                process.wait()
        for place in self._places:
            if place.process is not None:
                self._forget(place, selector)
        log("stopped", outcome="ended" if in_time else "killed")
        return in_time


def worker_command(kind: str) -> list[str]:
    """What starts a worker of this kind; the descriptor comes behind it."""
    return [sys.executable, "-m", "processes", kind, "--worker"]
