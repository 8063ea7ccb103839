"""One telling of a story, with one fault in it or none: from the trip's message until nothing moves any more."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from localcloud.faults.tap import Strike
from localcloud.fc.dispatcher import RETRY_PAUSE_S
from shared.errors import TripcanvasError
from shared.journey import (
    Journey,
    journey_id,
    parse_task_id,
    trip_key,
)
from shared.records import Inspected, Step, Stored
from shared.rejection import rejected_journey_id
from tests.faults.invoking import APPROVE, CANCEL, FUNCTIONS, REDRIVE, WITHDRAW, Clock, Deployed, Ended, invoke
from tests.faults.stories import FAILS, LOSES, PAINTS_NOTHING, REPORTS_NOTHING, SLEEPS, Mishap, Story
from tests.unit.steps.deployment import blank, failed, landscape, painted, trip

if TYPE_CHECKING:
    from localcloud.faults.tap import Seen
    from tests.faults.stage import Stage

#: Sweeps after which a journey that has not come to its end never will.
_SWEEPS = 8
#: Time between two sweeps: a little more than a step may take.
_BETWEEN_SWEEPS_MIN = 16
#: Runs of the relay, a minute apart, between two sweeps.
_RELAYS = 5


@dataclass(frozen=True)
class Aim:
    """Which call of which invocation of a function a fault is for."""

    function: str
    invocation: int
    strike: Strike


@dataclass
class Told:
    """What a telling came to. `calls` are those of each invocation, by function, in their order."""

    calls: dict[str, list[tuple[Seen, ...]]] = field(
        default_factory=lambda: {name: [] for name in (*FUNCTIONS, CANCEL, WITHDRAW, APPROVE, REDRIVE)}
    )
    struck: bool = False
    #: Sweeps it took until everything had come to its end.
    sweeps: int = 0
    renders: int = 0
    ends: tuple[str, ...] = ()
    #: Events that Function Compute gave up.
    given_up: int = 0
    violations: list[str] = field(default_factory=list)


class Telling:
    """Plays Function Compute, the timers and the GPU side for one story."""

    def __init__(
        self,
        stage: Stage,
        functions: dict[str, Deployed],
        story: Story,
        aim: Aim | None = None,
        *,
        broken: str = "",
        fork: bool = True,
    ) -> None:
        self._stage, self._functions, self._story, self._aim, self._broken = stage, functions, story, aim, broken
        self._fork = fork
        self._settings = stage.fresh_settings()
        self._services = stage.services(self._settings)
        self._clock = Clock()
        self._mishap: Mishap | None = story.mishap
        self._story_strike = story.mishap.strike if story.mishap else Strike("")
        self._invocations: Counter[str] = Counter()
        self._output: list[str] = []
        self._marker = f"zq{uuid.uuid4().hex[:10]}"
        content = trip()
        content["text"] = f"{content['text']} {self._marker}"
        content["team"] = {"name": self._marker, "size": 2}
        content["start"] = {"address": f"上海市徐汇区{self._marker}路398号", "city": "上海市", "weather": "阴"}
        content.update(story.trip)
        self._trip_id = str(content["trip_id"])
        self._messages = [json.dumps({**content, **changes}).encode() for changes in story.messages]
        styles = content["styles"]
        assert isinstance(styles, list)
        self.journeys = [journey_id(self._trip_id, style) for style in styles]
        if story.ends == ("rejected",):
            self.journeys = [rejected_journey_id(self._messages[0])]
        self.told = Told()

    def tell(self) -> Told:
        """From the first message to the end."""
        try:
            for message in self._messages:
                self._deliver("trip_completed", _topic_event("trip-completed", message))
            self._settle()
            if self._story.sleeps_h:
                self._clock.advance(hours=self._story.sleeps_h)
            self._decide()
            while not self._at_rest() and self.told.sweeps < _SWEEPS:
                self.told.sweeps += 1
                self._sweep()
                self._decide()
            if self._story.again:
                self._deliver("trip_completed", _topic_event("trip-completed", self._messages[0]))
                self._settle()
            # Whatever comes later must find nothing to do.
            before = self._written()
            self._sweep()
            if self._written() != before:
                self._violated("a sweep after the end changed the ledger")
            self._check()
        finally:
            if self.told.violations or not self.told.ends:
                self._stage.clean()
        return self.told

    # What calls the functions.

    def _sweep(self) -> None:
        self._clock.advance(minutes=_BETWEEN_SWEEPS_MIN)
        self._invoke("sweep_journeys", _timer_event())
        self._settle()

    def _settle(self) -> None:
        """The GPU side works, the timer fires, messages are delivered, until nothing is on its way."""
        for _ in range(_RELAYS):
            self._paint()
            relays = self._story.relays or self.told.sweeps > 0
            if relays and self._stage.gpu.in_sink():
                self._clock.advance(minutes=1)
                self._invoke("relay_results", _timer_event())
                self._taken_back_after("relay_results")
            events = self._stage.forwarded()
            for event in events:
                self._deliver("image_ready", event)
            if not events and not (relays and self._stage.gpu.in_sink()):
                break

    def _taken_back_after(self, function: str) -> None:
        for command, after in ((CANCEL, self._story.cancelled_after), (WITHDRAW, self._story.withdrawn_after)):
            if after == function and not self._invocations[command]:
                self._deliver(command, self._trip_id.encode())

    def _decide(self) -> None:
        """What a person does in this story with the journeys that wait for one."""
        for journey in self.journeys if self._story.approved else ():
            if self._read(journey).step is Step.HELD:
                self._deliver(APPROVE, journey.encode())
        for journey in self.journeys if self._story.redriven and not self._invocations[REDRIVE] else ():
            if self._read(journey).step is Step.FAILED:
                self._deliver(REDRIVE, journey.encode())

    def _deliver(self, function: str, event: bytes) -> None:
        """Invoke asynchronously: again after a failure, as often as `s.yaml` says, then given up."""
        if not self._tried(function, event):
            self.told.given_up += 1
        self._taken_back_after(function)

    def _tried(self, function: str, event: bytes) -> bool:
        for attempt in range(self._functions[function].tries):
            if attempt:
                self._clock.advance(seconds=RETRY_PAUSE_S * 2.0 ** (attempt - 1))
            ended = self._invoke(function, event)
            if ended.done or ended.met(self._story_strike):
                return True
        return False

    def _invoke(self, function: str, event: bytes) -> Ended:
        self._invocations[function] += 1
        aim, mishap, number = self._aim, self._mishap, self._invocations[function]
        aimed = aim is not None and (aim.function, aim.invocation) == (function, number)
        strikes = [aim.strike] if aim is not None and aimed else []
        if mishap is not None and mishap.function == function:
            strikes.append(self._story_strike)
        ended = invoke(
            function,
            event,
            settings=self._settings,
            credentials=self._stage.credentials_of(function, self._settings),
            clock=self._clock,
            timeout_s=self._functions[function].timeout_s,
            ports=self._stage.ports,
            strikes=tuple(strikes),
            broken=self._broken,
            fork=self._fork,
        )
        if mishap is not None and ended.met(self._story_strike):
            self._mishap = None
        self.told.calls[function].append(ended.calls)
        self.told.struck = self.told.struck or (aim is not None and ended.met(aim.strike))
        self._output += [ended.output, ended.error]
        if ended.stuck:
            self._violated(f"{function} was stuck")
        for warning in ended.warnings:
            self._violated(warning)
        return ended

    # The GPU side.

    def _paint(self) -> None:
        if self._story.gpu[0] == SLEEPS and not self._stopped():
            return
        for graph in self._stage.gpu.queued(take=True):
            self.told.renders += 1
            journey, attempt = parse_task_id(graph.task_id)
            ways = self._story.gpu
            way = ways[min(self.told.renders, len(ways)) - 1]
            if way == LOSES:
                continue
            if way == FAILS:
                self._stage.gpu.answer(graph.task_id, failed().encode())
                continue
            key = f"{self._settings.render_prefix}/output/{graph.task_id}/picture_00001_.png"
            self._services.renders.put(key, blank() if way == PAINTS_NOTHING else landscape(), "image/png")
            if way != REPORTS_NOTHING:
                self._stage.gpu.answer(graph.task_id, painted(journey, attempt).encode())

    # What is there in the end.

    def _read(self, journey: str) -> Journey:
        return self._services.ledger.find(journey, trip_key(self._trip_id))

    def _written(self) -> list[str]:
        return list(self._services.ledger.bucket.keys(""))

    def _stopped(self) -> bool:
        return all(self._read(journey).finished for journey in self.journeys)

    def _at_rest(self) -> bool:
        return (
            self._stopped() and not self._markers() and not self._stage.gpu.queued() and not self._stage.gpu.in_sink()
        )

    def _markers(self) -> list[str]:
        return list(self._services.ledger.bucket.keys("open/"))

    def _violated(self, what: str) -> None:
        if what not in self.told.violations:
            self.told.violations.append(what)

    def _check(self) -> None:
        story, told = self._story, self.told
        journeys = [self._read(journey) for journey in self.journeys]
        told.ends = tuple(journey.step.value if journey.step else "nothing" for journey in journeys)
        for journey in journeys:
            self._check_journey(journey)
        self._check_gallery(journeys)
        if self._markers():
            self._violated(f"orphan markers: {self._markers()}")
        waiting = [journey.id for journey in journeys if journey.step is Step.HELD]
        if sorted(self._services.ledger.held()) != sorted(waiting):
            self._violated("the index of those who wait for a person is not that of the held journeys")
        if self._stage.gpu.queued():
            self._violated("a record is left in the input queue")
        if self._stage.gpu.in_sink():
            self._violated("a record is left in the sink")
        if self._stage.forwarded():
            self._violated("a forwarded result is left")
        letters = self._stage.dead_letters()
        if story.rejections == 0 and letters:
            self._violated(f"dead letters: {[letter['code'] for letter in letters]}")
        if story.rejections and not letters:
            self._violated("no dead letter")
        if len(letters) > story.rejections + (1 if self._aim else 0):
            self._violated(f"{len(letters)} dead letters")
        if told.given_up:
            self._violated(f"Function Compute gave up {told.given_up} event(s): they lie among the dead letters")
        self._check_output()

    def _check_journey(self, journey: Journey) -> None:
        end = journey.step.value if journey.step else "nothing"
        if end not in (self._story.ends if self._aim else self._story.ends[:1]):
            reason = getattr(journey.records[-1], "reason", "") if journey.records else ""
            self._violated(f"ended as {end} ({reason}), not as {self._story.ends[0]}")
        self._check_records(journey)
        receipt = self._services.feed.find(journey.id)
        public = self._stage.public_posts(journey.id)
        is_draft = not self._story.trip.get("consent", {"publish": True})["publish"]
        posted = self._story.ends[0] == "published"
        if (receipt is not None) != posted:
            self._violated("a post, though none may be" if receipt else "no post in the feed")
        if len(public) != (1 if posted and not is_draft else 0):
            self._violated(f"{len(public)} public posts")
        if self._marker in json.dumps(public, ensure_ascii=False):
            self._violated("the trip's private words stand in the post")

    def _check_records(self, journey: Journey) -> None:
        """Every entry of the log tells what the one before told and what the table lets follow; of a withdrawn journey
        none tells anything.
        """
        if journey.step is Step.WITHDRAWN:
            if self._services.ledger.filled(journey.id) or self._marker in self._kept():
                self._violated("something of a withdrawn journey is left on the ledger")
            return
        told = Journey(journey.id)
        for entry in range(journey.entries):
            records = self._services.ledger.read(journey.id, entries=entry + 1).records
            if records[: len(told.records)] != told.records:
                self._violated(f"entry {entry} tells another story than the entry before it")
                return
            try:
                for record in records[len(told.records) :]:
                    told = told.followed_by(record)
            except TripcanvasError as error:
                self._violated(f"illegal record: {error}")

    def _kept(self) -> str:
        """All that stands in the ledger's bucket."""
        bucket = self._services.ledger.bucket
        return b"".join(bucket.get(key, max_bytes=1 << 20) for key in bucket.keys("")).decode()

    def _check_gallery(self, journeys: list[Journey]) -> None:
        named = {
            picture.key: picture.sha256
            for journey in journeys
            for stored in [journey.find(Stored)]
            if stored is not None and journey.step is not Step.CANCELLED
            for picture in (stored.master, *stored.variants)
        }
        marked = {record.overlay for journey in journeys for record in journey.records if isinstance(record, Inspected)}
        there = {
            key: hashlib.sha256(self._services.gallery.get(key, max_bytes=32 << 20)).hexdigest()
            for key in self._services.gallery.keys("")
            if key not in marked
        }
        for key in sorted(named.keys() | there.keys()):
            if named.get(key) != there.get(key):
                what = "missing" if key not in there else "that no record names" if key not in named else "that differs"
                self._violated(f"a picture {what}: {key.rsplit('/', 1)[1]}")

    def _check_output(self) -> None:
        output = "\n".join(self._output)
        if self._marker in output:
            self._violated("the trip's private words were logged")
        if any(secret in output for secret in self._stage.secrets):
            self._violated("a secret was logged")


def _topic_event(topic: str, body: bytes) -> bytes:
    """The event of an `mns_topic` trigger in the format JSON."""
    return json.dumps({
        "TopicOwner": "1", "Message": body.decode(), "Subscriber": "1", "PublishTime": 1550216480040,
        "SubscriptionName": topic, "MessageMD5": hashlib.md5(body).hexdigest().upper(), "TopicName": topic,
        "MessageId": uuid.uuid4().hex.upper(),
    }).encode()  # fmt: skip


def _timer_event() -> bytes:
    return json.dumps({"triggerTime": "2026-11-22T08:00:00Z", "triggerName": "timer", "payload": ""}).encode()
