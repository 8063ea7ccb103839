"""One invocation of a function in a process of its own, which may die at any of its calls."""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import os
import select
import signal
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import yaml

import shared.relay
import shared.retries
import shared.services
from cli.withdrawing import dead_letters
from localcloud.faults.tap import Seen, Strike, Tap
from shared.cancelling import cancel_trip
from shared.errors import TripcanvasError
from shared.redriving import redrive
from shared.reporting import report
from shared.reviewing import approve
from shared.services import Services
from shared.withdrawing import Withdrawal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.settings import Credentials, Settings

ROOT = Path(__file__).parents[2]
FUNCTIONS = ("trip_completed", "relay_results", "image_ready", "sweep_journeys")
#: Not functions but commands: a person stops a trip, lets a held one go on, or its owner takes it back, and tries that
#: again when it did not work.
CANCEL = "cancel_trip"
WITHDRAW = "withdraw_trip"
APPROVE = "approve_journey"
REDRIVE = "redrive_journey"
#: A function that is not done by then waits for something that will never come.
_STUCK_S = 30.0


@dataclass(frozen=True)
class Deployed:
    """What `s.yaml` says of a function, as far as its invocations show it."""

    timeout_s: int
    #: Deliveries of one event in all.
    tries: int


def deployed() -> dict[str, Deployed]:
    """The functions of `s.yaml`, by their module names, and the command."""
    resources = yaml.safe_load((ROOT / "s.yaml").read_text("utf-8"))["resources"]
    return {command: Deployed(timeout_s=120, tries=4) for command in (CANCEL, WITHDRAW, APPROVE, REDRIVE)} | {
        name: Deployed(
            resources[name]["props"]["timeout"],
            1 + resources[name]["props"].get("asyncInvokeConfig", {}).get("maxAsyncRetryAttempts", 3),
        )
        for name in FUNCTIONS
    }


@dataclass
class Clock:
    """The time that the functions see: the machine's, moved on by the harness."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(timezone.utc) + self.ahead

    def advance(self, **by: float) -> None:
        self.ahead += timedelta(**by)


@dataclass(frozen=True)
class Ended:
    """How an invocation ended: the calls it made, what it returned or raised, and all it wrote."""

    calls: tuple[Seen, ...]
    answer: Any
    error: str
    killed: bool
    stuck: bool
    output: str
    strikes: tuple[Strike, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def done(self) -> bool:
        return not (self.error or self.killed or self.stuck)

    def met(self, strike: Strike | None) -> bool:
        """Whether one of the calls met this strike."""
        return any(self.strikes[call.strike] is strike for call in self.calls if call.strike >= 0)


def invoke(
    function: str,
    event: bytes,
    *,
    settings: Settings,
    credentials: Credentials,
    clock: Clock,
    timeout_s: int,
    ports: Mapping[int, str],
    strikes: tuple[Strike, ...] = (),
    broken: str = "",
    fork: bool = True,
) -> Ended:
    """Run a function's handler in a fork of this process, which must have no threads, and wait for its end.

    Without `fork` it runs in this process: caches are then warm for all forks.
    """
    if not fork:
        answer = _handled(function, event, settings, credentials, clock, timeout_s)
        return Ended((), answer, "", killed=False, stuck=False, output="")
    told, tell = os.pipe()
    with tempfile.TemporaryFile() as output:
        child = os.fork()
        if child == 0:
            os.close(told)
            _in_child(
                function, event, settings, credentials, clock, timeout_s, Tap(ports, _teller(tell), _warner(tell), strikes), tell,
                output.fileno(), broken,
            )  # fmt: skip
        os.close(tell)
        lines, stuck = _heard(told)
        if stuck:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        output.seek(0)
        written = output.read().decode("utf-8", "replace")
    calls = tuple(Seen(**line["call"]) for line in lines if "call" in line)
    ends = [line for line in lines if not line.keys() & {"call", "warning"}]
    return Ended(
        calls,
        ends[0].get("answer") if ends else None,
        ends[0].get("error", "") if ends else "",
        killed=os.WIFSIGNALED(status) and not stuck,
        stuck=stuck,
        output=written,
        strikes=strikes,
        warnings=tuple(line["warning"] for line in lines if "warning" in line),
    )


def _teller(pipe: int) -> Any:
    def tell(seen: Seen) -> None:
        call = {"call": seen.call, "occurrence": seen.occurrence, "strike": seen.strike}
        os.write(pipe, json.dumps({"call": call}).encode() + b"\n")

    return tell


def _warner(pipe: int) -> Any:
    def warn(warning: str) -> None:
        os.write(pipe, json.dumps({"warning": warning}).encode() + b"\n")

    return warn


def _heard(pipe: int) -> tuple[list[dict[str, Any]], bool]:
    """The lines that came through the pipe until it was closed, and whether it never was."""
    heard, deadline = b"", time.monotonic() + _STUCK_S
    try:
        while select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))[0]:
            part = os.read(pipe, 65536)
            if not part:
                return [json.loads(line) for line in heard.splitlines()], False
            heard += part
    finally:
        os.close(pipe)
    return [json.loads(line) for line in heard.splitlines() if line.endswith(b"}")], True


def _in_child(
    function: str,
    event: bytes,
    settings: Settings,
    credentials: Credentials,
    clock: Clock,
    timeout_s: int,
    tap: Tap,
    pipe: int,
    output: int,
    broken: str,
) -> None:
    end: dict[str, Any] = {}
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.dup2(output, 1)
        os.dup2(output, 2)
        # As Function Compute's runtime does: everything that is logged at INFO goes to standard output.
        logging.basicConfig(stream=sys.stdout, level=logging.INFO, force=True)
        # The pauses between two tries matter to a service under load, not to what becomes of a journey.
        shared.retries.FIRST_PAUSE_S = 0.01
        shared.relay._PAUSE_S = 0.01
        if broken:
            from tests.faults import broken as breakages

            getattr(breakages, broken)()
        tap.install()
        end["answer"] = _handled(function, event, settings, credentials, clock, timeout_s)
    except BaseException as error:  # noqa: BLE001 - the runtime's place
        end["error"] = f"{type(error).__name__}: {error}"
    finally:
        # The fork must end here whatever happens: beyond lies the work of the process it was forked from.
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
            os.write(pipe, json.dumps(end).encode() + b"\n")
        os._exit(0)


def _handled(
    function: str, event: bytes, settings: Settings, credentials: Credentials, clock: Clock, timeout_s: int
) -> Any:
    services = Services(settings, credentials, now=clock)
    if function == CANCEL:
        outcomes = cancel_trip(event.decode(), services)
        return report(
            [replace(outcome, retry=bool(outcome.reason) and outcome.step != "cancelled") for outcome in outcomes]
        )
    if function == APPROVE:
        return approve(event.decode(), "韩梅梅", services)
    if function == REDRIVE:
        return redrive(event.decode(), "韩梅梅", services)
    if function == WITHDRAW:
        withdrawal = Withdrawal(event.decode(), services)
        left = [removal.place for removal in withdrawal.run([dead_letters(withdrawal)]) if not removal.is_done]
        if left:
            raise TripcanvasError(f"not everything is gone: {', '.join(left)}")
        return None
    shared.services._current[:] = [services]
    handler = importlib.import_module(f"functions.{function}.index").handler
    return handler(event, _context(function, timeout_s, credentials))


def _context(function: str, timeout_s: int, credentials: Credentials) -> SimpleNamespace:
    return SimpleNamespace(
        request_id=str(uuid.uuid4()),
        credentials=credentials,
        function=SimpleNamespace(name=function, handler="index.handler", memory=512, timeout=timeout_s),
    )
