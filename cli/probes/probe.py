"""One question to one service, and the run that asks all of them side by side.

A probe changes nothing that stays. It has `BOUND_S`; what it waits for then is left behind, so that a dead service
hides no other. Answers and findings name settings, services and codes, never a value that may be a secret.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable
from contextvars import copy_context
from dataclasses import dataclass, field

from cli.deployment import Deployment
from cli.findings import Finding
from shared.errors import Misconfigured, TripcanvasError
from shared.retries import within

#: Seconds for one probe. A text model that takes longer to say "{}" is too slow for a trip as well.
BOUND_S = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said, in a few words, and what of it should be mended. `is_known` is False if it wasn't asked."""

    text: str
    findings: tuple[Finding, ...] = ()
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class Probe:
    """One question. `ask` gets a deployment of its own, because SDKs' clients are not safe to share.

    `where` is the setting to look at when it fails; `secrets` are the settings without which it can't be asked;
    `price` is what one run costs, in words, "" for nothing.
    """

    what: str
    where: str
    ask: Callable[[Deployment], Answer]
    secrets: tuple[str, ...] = ()
    price: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one probe, after so many seconds."""

    probe: Probe
    answer: Answer
    seconds: float


def ask_all(probes: Iterable[Probe], deployment: Deployment, *, bound_s: float = BOUND_S) -> list[Outcome]:
    """Every probe's outcome, in their order. Takes about as long as the slowest of them, at most `bound_s` seconds."""
    asked = [_Asked(probe, deployment) for probe in probes]
    end = time.monotonic() + bound_s
    return [each.outcome(end, bound_s) for each in asked]


@dataclass
class _Asked:
    """A probe under way, in a thread that this process does not wait for when it ends."""

    probe: Probe
    deployment: Deployment
    _began: float = field(init=False)
    _done: queue.SimpleQueue[tuple[Answer, float]] = field(init=False, default_factory=queue.SimpleQueue)

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        own = Deployment(self.deployment.environment, self.deployment.cloud)
        threading.Thread(target=copy_context().run, args=(self._run, own), daemon=True).start()

    def outcome(self, end: float, bound_s: float) -> Outcome:
        try:
            answer, seconds = self._done.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            silent = Finding(f"no answer in {bound_s:g} s", self.probe.where, self._reach())
            return Outcome(self.probe, Answer("silent", (silent,)), bound_s)
        return Outcome(self.probe, answer, seconds)

    def _run(self, own: Deployment) -> None:
        # No call is repeated: the first answer is what one wants to know.
        with within(0):
            self._done.put((self._answer(own), time.monotonic() - self._began))

    def _answer(self, own: Deployment) -> Answer:
        try:
            return self.probe.ask(own)
        except Misconfigured as error:
            return Answer("wrong", (Finding(str(error), self.probe.where, "set it right"),))
        except TripcanvasError as error:
            return Answer("trouble", (Finding(str(error), self.probe.where, self._reach()),))
        except Exception as error:  # noqa: BLE001  (an SDK may raise anything; the other probes go on)
            said = Finding(f"an answer that can't be read ({type(error).__name__})", self.probe.where, self._reach())
            return Answer("trouble", (said,))

    def _reach(self) -> str:
        if self.deployment.cloud is not None:
            return "start it: `tripcanvas up`, or `tripcanvas service NAME start`"
        return "look at the address, and whether this machine reaches it (-internal and -vpc ones only from the VPC)"
