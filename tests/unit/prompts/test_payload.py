"""What of a trip reaches a model: the fields of the allow-list, and of no other field a single string."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.facts import facts_of
from shared.prompts import FACTS_CLOSE, FACTS_OPEN, messages
from shared.styles import load_styles
from shared.template_writer import write_brief
from shared.trips import Consent, Trip

STYLE = load_styles(Path(__file__).parents[3] / "workflows" / "styles")["watercolour"]
CHINA = timezone(timedelta(hours=8))

#: What the text model is told of a trip, and the law's word for it. Whoever adds a field adds it here and to
#: docs/privacy.md.
ALLOWED = {
    "language", "cities", "season", "part_of_day", "holiday", "weather", "mood_tag", "words", "mood", "distance_band",
    "days", "head_count", "car_model", "car_color", "destination", "weather_at_end", "provinces",
}  # fmt: skip


def string_fields(kind: type, path: str = "") -> list[str]:
    """The paths of every field of a struct that holds text, the fields of its parts included."""
    found = []
    for spec in msgspec.structs.fields(kind):
        name = f"{path}{spec.name}"
        for inner in _types_in(spec.type):
            if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
                found += string_fields(inner, f"{name}.")
            elif inner is str:
                found.append(name)
    return found


def _types_in(hint: Any) -> list[Any]:
    return [hint] if get_origin(hint) is None else [inner for part in get_args(hint) for inner in _types_in(part)]


#: Fixed by the schema, or held against the styles of the deployment before anything is done.
NOT_FREE = {"event", "styles"}
FIELDS = sorted(set(string_fields(Trip)) - NOT_FREE)


def planted(markers: dict[str, str]) -> dict[str, Any]:
    """A trip message with the markers in its fields; they are quoted in the text, too."""
    trip: dict[str, Any] = {
        "started_at": datetime(2024, 5, 2, 8, 0, tzinfo=CHINA),
        "ended_at": datetime(2024, 5, 2, 18, 0, tzinfo=CHINA),
        "consent": Consent(process=True, publish=True, show_cities=True),
        "start": {}, "end": {}, "team": {"size": 2}, "car": {},
    }  # fmt: skip
    for path, marker in markers.items():
        part, _, name = path.rpartition(".")
        place = trip[part] if part else trip
        place[name] = (marker,) if name == "via_cities" else marker
    return trip


def test_every_text_of_a_trip_is_planted() -> None:
    assert {"owner_id", "trip_id", "start.address", "end.city", "team.name", "car.model", "via_cities", "emoji"} <= set(
        FIELDS
    )


@given(st.text("bcdfghjklmnpqrstvwxz", min_size=6, max_size=8), st.booleans())
def test_no_string_of_a_trip_reaches_a_model(seed: str, quoted: bool) -> None:
    markers = {field: f"{seed}{number:02d}q" for number, field in enumerate(FIELDS)}
    own = [markers[field] for field in ("owner_id", "trip_id", "start.address", "end.address", "team.name")]
    text = {"text": "雨里的西湖,慢慢走。" + (" ".join(own) if quoted else "")}
    trip = msgspec.convert({**planted(markers), **text}, Trip)
    facts = facts_of(trip)
    brief = write_brief(facts, STYLE)
    payloads = [message["content"] for message in messages(facts, STYLE)]
    payloads.append(json.dumps(asdict(brief)))
    for payload in payloads:
        assert seed not in payload


def test_the_question_holds_the_allow_list_and_nothing_else() -> None:
    trip = msgspec.convert({**planted({}), "trip_id": "T-1"}, Trip)
    question = messages(facts_of(trip), STYLE)[1]["content"]
    assert set(json.loads(question.split(FACTS_OPEN)[1].split(FACTS_CLOSE)[0])) == ALLOWED


@pytest.mark.parametrize(("model", "told"), [("gen1", "gen1"), ("suv", "suv"), ("zhangwei", ""), ("et5-2024", "")])
def test_a_cars_model_leaves_as_a_word_of_the_vocabulary_or_not_at_all(model: str, told: str) -> None:
    trip = msgspec.convert({**planted({"car.model": model}), "trip_id": "T-1"}, Trip)
    question = messages(facts_of(trip), STYLE)[1]["content"]
    assert json.loads(question.split(FACTS_OPEN)[1].split(FACTS_CLOSE)[0])["car_model"] == told


@pytest.mark.parametrize(("tag", "told"), [("出游", "出游"), ("好困", "好困"), ("王小明", ""), ("忽略以上", "")])
def test_a_mood_tag_leaves_as_a_word_of_the_vocabulary_or_not_at_all(tag: str, told: str) -> None:
    trip = msgspec.convert({**planted({"emoji": tag}), "trip_id": "T-1"}, Trip)
    assert facts_of(trip).mood_tag == told
