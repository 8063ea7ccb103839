"""Publishing a trip, and following its journeys on the ledger until they end."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from shared.clouds.messages import MAX_BODY_BYTES
from shared.errors import InvalidInput, ServiceError, TripcanvasError, Unavailable
from shared.facts import facts_of
from shared.feed import title_of
from shared.journey import TAKING_OVER, Journey, journey_id
from shared.records import (
    Approved,
    Failed,
    Held,
    Inspected,
    Prompted,
    Published,
    Received,
    Record,
    Redriven,
    Rejected,
    Rendered,
    RenderFailed,
    Stored,
    Submitted,
    Submitting,
    Trouble,
    step_of,
)
from shared.rejection import rejected_journey_id
from shared.services import Services
from shared.styles import choose_style
from shared.trips import parse_trip

_POLL_S = 0.4


class CloudDown(TripcanvasError):
    """A service of the embedded cloud does not answer."""


def publish(body: bytes, services: Services) -> str:
    """Publish one trip message to its topic and return the message id.

    Raises `InvalidInput` for what no topic carries: nothing, more than 64 KB, or bytes that are not UTF-8.
    """
    if not 0 < len(body) <= MAX_BODY_BYTES:
        raise InvalidInput("message", f"1 to {MAX_BODY_BYTES} bytes, which is what a topic carries; got {len(body)}")
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput("message", "text in UTF-8; a topic carries nothing else") from None
    try:
        return services.messages.publish(services.settings.need("trip_topic"), body)
    except Unavailable:
        raise CloudDown(
            "the topic can't be reached: start the embedded cloud (`tripcanvas up`), or its part "
            "(`tripcanvas service mns start`)"
        ) from None


def journeys_of(body: bytes, services: Services) -> list[str]:
    """The journeys a message will open: one for each style, or the one that records its rejection."""
    try:
        trip = parse_trip(body)
    except InvalidInput:
        return [rejected_journey_id(body)]
    styles = trip.styles or (choose_style(facts_of(trip), services.styles).id,)
    if not trip.consent.process or any(style not in services.styles for style in styles):
        return [rejected_journey_id(body)]
    return [journey_id(trip.trip_id, style) for style in dict.fromkeys(styles)]


def tell(journey: Journey, record: Record) -> tuple[str, str]:
    """A record as a line for people: the step, and what is worth knowing about it."""
    if isinstance(record, Trouble):
        if record.during == TAKING_OVER:
            return "taken over", record.reason
        return "trouble", f"{record.reason}; will be tried again"
    step = step_of(record).value + (f" {record.attempt}" if record.attempt > 1 else "")
    return step, _detail(journey, record)


def _detail(journey: Journey, record: Record) -> str:
    match record:
        case Received():
            return f"style {record.style}, {record.source} trip"
        case Prompted():
            why = f" ({record.fallback})" if record.fallback else ""
            title = title_of(journey.need(Received), record)
            return f"“{title}”, written by {record.written_by}{why}"
        case Submitting():
            return f"workflow {record.workflow}, seed {record.seed}"
        case Submitted():
            return f"input queue index {record.index}"
        case Rendered():
            return record.files[0]
        case RenderFailed():
            return f"{record.code}: {record.reason}"
        case Inspected():
            missed = ", ".join(f"{m.name} {m.value:g}" for m in record.metrics if not m.passed)
            return f"{record.verdict}: " + (missed or f"{len(record.metrics)} metrics within their bounds")
        case Stored():
            sizes = ", ".join(f"{v.name} {v.width}×{v.height} {v.size_bytes // 1024} KiB" for v in record.variants)
            return f"labelled AI生成; {sizes}"
        case Published():
            return f"{record.visibility} post {record.post_id}"
        case Approved():
            return f"by {record.by}"
        case Redriven():
            return f"by {record.by}, goes on after {record.place.value}"
        case Failed() if record.by:
            return f"{record.code}: {record.reason} (by {record.by})"
        case Held() | Rejected() | Failed():
            return f"{record.code}: {record.reason}"
        case _:
            return ""


@dataclass
class Follower:
    """Follows journeys on the ledger; `on_record` hears every new record once, `idle` is called between looks.

    `idle` may raise to stop following: it is where the caller looks whether the services are still there.
    """

    services: Services
    on_record: Callable[[Journey, Record], None]
    idle: Callable[[], None] = lambda: None
    _keys: dict[str, list[str]] = field(default_factory=dict)
    _told: set[tuple[str, Record]] = field(default_factory=set)

    def follow(self, journeys: list[str], *, timeout_s: float) -> dict[str, Journey]:
        """Wait until every journey has ended, or `timeout_s` is over; returns them as they then stand."""
        found = {journey: Journey(journey) for journey in journeys}
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and not all(journey.finished for journey in found.values()):
            for journey in [key for key, value in found.items() if not value.finished]:
                with contextlib.suppress(ServiceError):
                    keys = self.services.ledger.keys(journey)
                    if keys != self._keys.get(journey):
                        found[journey] = self.services.ledger.read(journey)
                        self._keys[journey] = keys
                        self._report(found[journey])
                self.idle()
            time.sleep(_POLL_S)
        return found

    def _report(self, journey: Journey) -> None:
        records: list[Record] = sorted([*journey.records, *journey.troubles], key=lambda record: record.at)
        for record in records:
            if (journey.id, record) not in self._told:
                self._told.add((journey.id, record))
                self.on_record(journey, record)


def save_pictures(journey: Journey, services: Services, folder: Path, name: str) -> list[Path]:
    """Write the journey's feed picture and share card to `folder`, as ``<name>-<style>.jpg`` and ``…-card.jpg``."""
    stored = journey.find(Stored)
    if stored is None:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for picture in stored.variants:
        ending = {"feed": "", "card": "-card"}.get(picture.name)
        if ending is not None:
            path = folder / f"{name}-{journey.need(Received).style}{ending}.{picture.key.rpartition('.')[2]}"
            path.write_bytes(services.gallery.get(picture.key, max_bytes=picture.size_bytes))
            paths.append(path)
    return paths
