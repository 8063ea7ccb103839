"""One journey's whole history, without its owner's texts and the post's: what happened, when, why, and what now."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from cli.journeys import tell
from cli.times import in_words, local
from shared.errors import InvalidInput
from shared.journey import Journey, due_at, trip_key
from shared.records import (
    Failed,
    Held,
    Prompted,
    Published,
    Received,
    Record,
    Step,
    Stored,
    Submitted,
    Trouble,
    Verdict,
)
from shared.redriving import default_place
from shared.services import Services

#: A journey's id alone, or within a task's id, a picture's address or a key.
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Line:
    """One record. `after_s` are the seconds since the step before, None for the first and for troubles."""

    at: datetime
    step: str
    after_s: float | None
    detail: str


def journeys_for(text: str, services: Services) -> list[Journey]:
    """The journeys that an id speaks of: of a trip, a journey, a task, or of a picture by its address.

    Raises `InvalidInput` when the ledger knows none.
    """
    key = trip_key(text)
    claim = services.ledger.claim(key)
    if claim is not None:
        if claim.withdrawn is not None:
            found = [services.ledger.read(journey) for journey in claim.withdrawn]
        else:
            found = [services.ledger.find(journey, key) for journey in claim.journeys]
        return [journey for journey in found if journey.records] or _none()
    named = _ID.search(text.lower())
    journey = services.ledger.read(named.group()) if named else Journey("")
    return [journey] if journey.records else _none()


def _none() -> list[Journey]:
    raise InvalidInput(
        "id",
        "the id of a trip, a journey or a task, or the address of a post's picture, that this ledger knows; what was "
        "rejected lies in `tripcanvas dead-letters list`, and journeys are kept for half a year",
    )


def lines_of(journey: Journey) -> list[Line]:
    """What happened, in its order, each step with the time since the one before."""
    records: list[Record] = sorted([*journey.records, *journey.troubles], key=lambda record: record.at)
    lines, before = [], None
    for record in records:
        step, detail = tell(journey, record)
        after = None
        if not isinstance(record, Trouble):
            after = (record.at - before).total_seconds() if before else None
            before = record.at
        lines.append(Line(record.at, step, after, _without_texts(record, detail)))
    return lines


def _without_texts(record: Record, detail: str) -> str:
    if isinstance(record, Prompted):
        why = f"; {record.fallback}" if record.fallback else ""
        tokens = f", {record.input_tokens} + {record.output_tokens} tokens" if record.input_tokens else ""
        return f"written by {record.written_by}{tokens}{why}{_verdicts(record.verdicts)}"
    if isinstance(record, Submitted):
        request = f", request {record.request_id}" if record.request_id else ""
        return f"{detail}{request}, due {local(record.deadline)}"
    if isinstance(record, Published):
        return f"{detail} {record.post_url}".rstrip()
    if isinstance(record, Held | Failed | Stored):
        return detail + _verdicts(record.verdicts)
    return detail


def _verdicts(verdicts: tuple[Verdict, ...]) -> str:
    return "".join(f"; {each.service}: {each.level}, request {each.request_id or '–'}" for each in verdicts)


def head_of(journey: Journey) -> str:
    """What kind of journey it is."""
    received = journey.find(Received)
    kind = f"{received.style}, {received.source} trip" if received is not None else "nothing of its trip is kept"
    return f"journey {journey.id} ({kind})"


def prospect_of(journey: Journey, now: datetime, step_allowance: timedelta) -> str:
    """What happens next, by itself or by a person's hands."""
    begun, last = journey.records[0].at, journey.records[-1]
    match journey.step:
        case Step.PUBLISHED:
            return f"published {in_words(last.at - begun)} after it was received"
        case Step.HELD:
            return (
                f"waits for a person since {in_words(now - last.at)}: `tripcanvas review show {journey.id}`, then "
                "approve, reject or redrive it"
            )
        case Step.FAILED:
            try:
                place = default_place(journey)
            except InvalidInput as error:
                return f"failed for good: {error}"
            return f"failed; `tripcanvas redrive {journey.id}` takes it up again after {place.value}"
        case Step.REJECTED:
            return "rejected: its message lies in `tripcanvas dead-letters list`"
        case Step.CANCELLED | Step.WITHDRAWN:
            return f"{journey.step.value}: a person took it back; it is never posted"
    due = due_at(journey, step_allowance)
    age = f"under way for {in_words(now - journey.begun)}"
    if due > now:
        return f"{age}; the sweeper looks after it in {in_words(due - now)}, if nothing comes before"
    return f"{age}; due since {in_words(now - due)}: the sweeper tries again, at most {in_words(step_allowance)} apart"
