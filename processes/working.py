"""One worker: it takes messages, or relays, or sweeps, until it is told to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from processes.giving_up import MAX_RECEIVES, give_up
from processes.holding import FIRST_S, Held
from processes.identity import Identity
from shared.clouds.messages import QueuedMessage, open_messages
from shared.delivery import take_result
from shared.errors import TripcanvasError
from shared.events import Message, messages_of
from shared.intake import take_message
from shared.relay import relay_results
from shared.reporting import Outcome, take_each
from shared.retries import within
from shared.services import Services
from shared.sweep import sweep_journeys
from shared.telemetry import about, log

#: What a keeper hears of a worker: all is well, or something is in trouble and it tries again.
WELL, TROUBLED = b"w", b"t"

_POLL_S = 5
_RELAY_TURN_S = 20.0
_SWEEP_EVERY_S = 60.0
_AFTER_TROUBLE_S = 5.0
#: The pause before a message that was not done is visible again doubles each time, within these bounds, in seconds.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 5, 600


@dataclass(frozen=True, slots=True)
class Work:
    """A kind of work. `function` is the one of ``s.yaml`` that does the same; `longest_s` how long one turn may take.

    `queue` is the setting that names where its messages come from; "" for work that has none.
    """

    function: str
    longest_s: float
    queue: str = ""


WORKS = {
    "trips": Work("tripcanvas-trip-completed", 120.0, "trip_queue"),
    "results": Work("tripcanvas-image-ready", 120.0, "result_queue"),
    "relay": Work("tripcanvas-relay-results", 60.0),
    "sweep": Work("tripcanvas-sweep-journeys", 240.0),
}


@dataclass(frozen=True)
class Worker:
    """`tell` tells the keeper how it is; `wait` sleeps so many seconds, and says whether it is time to stop."""

    kind: str
    identity: Identity
    tell: Callable[[bytes], None]
    wait: Callable[[float], bool]
    first_s: float = FIRST_S

    @property
    def work(self) -> Work:
        """What is done here."""
        return WORKS[self.kind]

    def run(self) -> None:
        """Work until it is time to stop. Trouble is told and tried again; only what nobody foresaw ends this."""
        turn = {"relay": self._relay, "sweep": self._sweep}.get(self.kind, self._take)
        with about(function=self.work.function):
            while not self.wait(0):
                try:
                    turn(self.identity.services())
                except TripcanvasError as error:
                    service = getattr(error, "service", "")
                    log("trouble", during=self.kind, service=service, code=getattr(error, "code", type(error).__name__))
                    self.tell(TROUBLED)
                    self.wait(_AFTER_TROUBLE_S)
                else:
                    self.tell(WELL)

    def once(self) -> None:
        """One turn of `sweep`. Raises `TripcanvasError`."""
        with about(function=self.work.function), within(self.work.longest_s):
            sweep_journeys(self.identity.services())

    def _relay(self, services: Services) -> None:
        with within(self.work.longest_s):
            relay_results(services, seconds=_RELAY_TURN_S, stop=lambda: self.wait(0))

    def _sweep(self, services: Services) -> None:
        with within(self.work.longest_s):
            sweep_journeys(services)
        self.tell(WELL)
        self.wait(_SWEEP_EVERY_S)

    def _take(self, services: Services) -> None:
        queue = services.settings.need(self.work.queue)
        for message in services.messages.receive(queue, wait_s=_POLL_S, most=1):
            self.tell(WELL)
            if self.wait(0):
                services.messages.hide(queue, message, 1)
            else:
                with about(request=message.id):
                    self._take_message(queue, message, services)

    def _take_message(self, queue: str, message: QueuedMessage, services: Services) -> None:
        if message.receive_count > MAX_RECEIVES:
            # Not one of those that had it came to its end: whatever it does to a worker, it has done it often enough.
            give_up(self.work.function, message, "no worker came to its end with it", services)
            services.messages.delete(queue, message)
            return
        with self._held(queue, message, services) as held:
            again = [outcome for outcome in self._outcomes(message, services) if outcome.retry]
        if held.message is None:
            return
        if again and message.receive_count >= MAX_RECEIVES:
            give_up(self.work.function, message, f"journey {again[0].journey} at {again[0].step}", services)
        elif again:
            log("again", attempt=message.receive_count, journey=again[0].journey, step=again[0].step)
            services.messages.hide(queue, held.message, pause_s(message.receive_count))
            return
        services.messages.delete(queue, held.message)

    @contextmanager
    def _held(self, queue: str, message: QueuedMessage, services: Services) -> Iterator[Held]:
        endpoint, credentials = services.settings.need("mns_endpoint"), services.credentials
        longest_s = self.work.longest_s
        with (
            within(longest_s),
            Held(queue, message, lambda: open_messages(endpoint, credentials), longest_s, first_s=self.first_s) as held,
        ):
            yield held

    def _outcomes(self, message: QueuedMessage, services: Services) -> list[Outcome]:
        until = services.now() + timedelta(seconds=self.work.longest_s)

        def take(each: Message) -> list[Outcome]:
            return take_message(each, services, until) if self.kind == "trips" else [take_result(each, services)]

        return take_each(messages_of(message.body), take)


def pause_s(receives: int) -> int:
    """How long a message rests that was received so often, in seconds."""
    return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S << min(receives - 1, 10))
