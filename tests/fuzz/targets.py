"""Everything that reads foreign bytes, each as one target: bytes in, the name of what came out.

A target lets through what its docstring of `shared.errors` promises: a value, or the error that is right for it. Any
other exception is a finding, and so is a broken property, an `AssertionError`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import msgspec

from shared.errors import InvalidInput
from shared.events import MAX_MESSAGES, messages_of
from shared.facts import facts_of, from_json, to_json
from shared.journey import is_journey_id, parse_task_id
from shared.prompts import Brief, BriefInvalid, parse_brief, repair_messages
from shared.records import Rendered, RenderFailed
from shared.rejection import DeadLetter, rejected_journey_id
from shared.results import Files, SinkRecord, read_answer
from shared.scrubbing import MAX_WORDS
from shared.services import utc_now
from shared.template_writer import write_brief
from shared.trips import Trip, content_hash, parse_trip
from tests.fuzz import seeds
from tests.fuzz.mutation import MARKER, ODD_PIECES

if TYPE_CHECKING:
    from collections.abc import Callable

#: Longest text of an error or of a failure's reason; it stands in ledger records, log lines and answers.
_LONGEST_TEXT = 2000

_TRIP_FIELDS = ("message", "styles[", "via_cities[", *(name for name in Trip.__struct_fields__))


@dataclass(frozen=True)
class Target:
    """One reader of foreign bytes. `weight` is its share of all cases."""

    name: str
    seeds: tuple[bytes, ...]
    check: Callable[[bytes, Random], str]
    weight: int


def tells_nothing(error: object) -> str:
    """Assert that an error's text is short and free of content; returns the error's kind."""
    text = str(error)
    assert MARKER not in text, f"{type(error).__name__} repeats what was sent"
    assert len(text) <= _LONGEST_TEXT, f"{type(error).__name__} of {len(text)} characters"
    text.encode()
    return type(error).__name__


def envelope(case: bytes, _: Random) -> str:
    """Any event opens, into no more messages than it has elements, none larger than the event."""
    messages = messages_of(case)
    assert len(messages) <= min(MAX_MESSAGES, 1 + case.count(b","))
    assert all(len(message.body) <= len(case) and len(message.sent) <= len(case) for message in messages)
    assert case.lstrip(b" \t\r\n")[:1] == b"[" or len(messages) == 1
    return "direct" if any(message.direct for message in messages) else "carried" if messages else "nothing"


def trip(case: bytes, _: Random) -> str:
    """A trip, whose facts can be told, or `InvalidInput` that names a field of a trip; the trip read again is the same."""
    try:
        read = parse_trip(case)
    except InvalidInput as error:
        assert type(error) is InvalidInput
        assert error.field.startswith(_TRIP_FIELDS), error.field
        return tells_nothing(error)
    again = parse_trip(msgspec.json.encode(read))
    assert again == read
    assert content_hash(again) == content_hash(read)
    facts = facts_of(read)
    assert from_json(to_json(facts)) == facts
    assert len(facts.words) <= MAX_WORDS
    assert "<" not in to_json(facts)
    assert isinstance(write_brief(facts, seeds.STYLE, 7), Brief)
    return "Trip"


def owners_words(_: bytes, choices: Random) -> str:
    """A valid trip with any texts in it, out of odd pieces and as long as they may be, has facts, and soon."""
    given = json.loads(choices.choice(seeds.TRIPS))
    for name, most in (("text", 500), ("emoji", 32), ("owner_id", 128)):
        given[name] = _odd_text(choices, most)
    for stop in ("start", "end"):
        given[stop] = {
            "address": _odd_text(choices, 300),
            "city": _odd_text(choices, 40),
            "weather": _odd_text(choices, 40),
        }
    given["via_cities"] = [_odd_text(choices, 200) for _ in range(choices.choice((0, 0, 1, 1, 2, 3, 3, 3, 8, 50)))]
    given["team"] = {"name": _odd_text(choices, 60), "size": choices.choice((1, 7, 1000))}
    given["car"] = {"description": _odd_text(choices, 80), "color": _odd_text(choices, 24), "model": ""}
    return trip(json.dumps(given).encode(), choices)


def _odd_text(choices: Random, most: int) -> str:
    """A text of at most so many characters; often one piece again and again, which is what slows patterns down."""
    pieces = [choices.choice(ODD_PIECES) for _ in range(choices.choice((1, 1, 2, 3)))]
    text = "".join(pieces) * choices.choice((1, 3, most))
    return text[: choices.choice((most, most, choices.randint(0, most)))].encode("utf-8", "replace").decode()


def render_answer(case: bytes, choices: Random) -> str:
    """A sink record's answer: files below the task's folder, or a failure; either fits a record of the ledger."""
    status = choices.choice((200, 200, 200, 400, 500, 10**18))
    text = case.decode("utf-8", choices.choice(("replace", "surrogateescape")))
    plate = choices.choice(("", "8", "9"))
    record = SinkRecord(task_id=seeds.TASK, request_id="r", index=1, answer=text, status=status)
    answer = read_answer(record, "9", plate)
    if isinstance(answer, Files):
        assert answer.paths
        assert all(path.startswith(f"{seeds.TASK}/") for path in (*answer.paths, answer.plate or f"{seeds.TASK}/"))
        assert plate or not answer.plate
        _fits_a_record(Rendered(at=utc_now(), attempt=1, files=answer.paths, plate=answer.plate), len(case))
        return "Files"
    tells_nothing(answer.reason)
    assert len(answer.code) <= 80
    _fits_a_record(RenderFailed(at=utc_now(), attempt=1, code=answer.code, reason=answer.reason, retry=answer.retry), 0)
    return "RenderError"


def _fits_a_record(record: Rendered | RenderFailed, case_bytes: int) -> None:
    encoded = msgspec.json.encode(record)
    assert msgspec.json.decode(encoded, type=type(record)) == record
    assert len(encoded) <= 10_000 + 2 * case_bytes


def brief(case: bytes, choices: Random) -> str:
    """What a model wrote: a brief within all limits, or `BriefInvalid` naming a key, out of which a question can be made."""
    # JSON may hold lone surrogates as escapes, and the SDK's reader passes them on.
    text = case.decode("utf-8", choices.choice(("replace", "surrogateescape")))
    facts = choices.choice((seeds.FACTS, seeds.FACTS_IN_ENGLISH))
    try:
        read = parse_brief(text, facts, seeds.STYLE, name_places=choices.random() < 0.5)
    except BriefInvalid as error:
        assert error.field in ("answer", "painting_prompt", "negative_prompt", "title", "caption", "tags", "alt_text")
        asked = repair_messages([], text, str(error))
        json.dumps(asked, ensure_ascii=False).encode()
        assert sum(len(message["content"]) for message in asked) < 10_000
        return tells_nothing(error)
    assert len(read.painting_prompt) <= 700
    assert 3 <= len(read.tags) <= 6
    assert read.city in ("", *facts.cities)
    msgspec.json.encode(read)
    return "Brief"


def sink_message(case: bytes, _: Random) -> str:
    """What a topic brings to `image_ready`, as far as it is read: a record of a task, or not ours."""
    for message in messages_of(case):
        try:
            record = msgspec.json.decode(message.body, type=SinkRecord)
            journey, attempt = parse_task_id(record.task_id)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
            return type(error).__name__
        assert is_journey_id(journey)
        assert attempt >= 0
        read_answer(record, "9")
    return "SinkRecord"


def rejected(case: bytes, _: Random) -> str:
    """Any message that can't be used has a place where its rejection stands, the same each time."""
    found = rejected_journey_id(case)
    assert is_journey_id(found)
    assert rejected_journey_id(case) == found
    return "id"


def dead_letter(case: bytes, _: Random) -> str:
    """A dead letter is read whole or not at all."""
    try:
        letter = msgspec.json.decode(case, type=DeadLetter)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return type(error).__name__
    assert msgspec.json.decode(msgspec.json.encode(letter), type=DeadLetter) == letter
    return "DeadLetter"


PURE = (
    Target("envelope", seeds.EVENTS, envelope, 16),
    Target("trip", seeds.PRIVATE_TRIPS + seeds.TRIPS, trip, 24),
    Target("owners_words", seeds.TRIPS, owners_words, 1),
    Target("render_answer", seeds.RENDER_ANSWERS, render_answer, 18),
    Target("sink_message", seeds.SINK_MESSAGES, sink_message, 6),
    Target("brief", seeds.BRIEFS, brief, 12),
    Target("rejected", seeds.EVENTS + seeds.TRIPS, rejected, 2),
    Target("dead_letter", seeds.DEAD_LETTERS, dead_letter, 2),
)
