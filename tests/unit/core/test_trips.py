"""The trip message: what is accepted, and that every refusal names the field and never repeats the content."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from shared.errors import InvalidInput
from shared.trips import MAX_TRIP_BYTES, content_hash, json_schema, parse_trip

ROOT = Path(__file__).parents[3]
GOOD = {
    "trip_id": "T20240505-000123",
    "text": "新司机的五一出游!",
    "started_at": "2024-05-02T22:38:00+08:00",
    "ended_at": "2024-05-05T18:57:00+08:00",
    "driving_seconds": 52080,
    "distance_km": 645.4,
    "start": {"address": "上海市黄浦区中山南路1891号-1893号", "city": "上海市", "weather": "晴天"},
    "end": {"city": "上海市", "weather": "多云"},
    "via_cities": ["湖州市", "无锡市", "常州市"],
    "consent": {"process": True, "publish": True, "show_cities": True},
}


def body(**changes):
    return json.dumps({**GOOD, **changes}, ensure_ascii=False).encode()


def test_the_trip_of_the_article_is_read():
    trip = parse_trip(body())
    assert trip.text == "新司机的五一出游!"
    assert trip.via_cities == ("湖州市", "无锡市", "常州市")
    assert trip.ended_at.utcoffset().total_seconds() == 8 * 3600


def test_unknown_fields_are_kept_out_not_refused():
    assert parse_trip(body(plate="沪A12345")) == parse_trip(body())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"trip_id": "../x"}, "trip_id"),
        ({"trip_id": 7}, "trip_id"),
        ({"started_at": "2024-05-02T22:38:00"}, "started_at"),
        ({"started_at": "昨天"}, "started_at"),
        ({"ended_at": "2024-05-01T00:00:00+08:00"}, "ended_at"),
        ({"ended_at": "2025-05-05T18:57:00+08:00"}, "ended_at"),
        ({"distance_km": -1}, "distance_km"),
        ({"distance_km": "far"}, "distance_km"),
        ({"driving_seconds": 9_000_000}, "driving_seconds"),
        ({"driving_seconds": 900_000}, "driving_seconds"),
        ({"start": {"city": 1}}, "start.city"),
        ({"via_cities": ["湖州市", None]}, "via_cities[1]"),
        ({"team": {"name": "欧阳开心的队伍", "size": 0}}, "team.size"),
        ({"consent": {"process": True}}, "consent.publish"),
        ({"consent": {"process": "yes", "publish": True}}, "consent.process"),
        ({"styles": ["Water Colour"]}, "styles[0]"),
        ({"text": "长" * 501}, "text"),
        ({"version": 2}, "version"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_field(changes, field):
    with pytest.raises(InvalidInput) as caught:
        parse_trip(body(**changes))
    assert caught.value.field == field


@pytest.mark.parametrize("name", ["trip_id", "started_at", "ended_at", "start", "end", "consent"])
def test_a_missing_field_is_named(name):
    with pytest.raises(InvalidInput, match=f"^{name}: required"):
        parse_trip(json.dumps({k: v for k, v in GOOD.items() if k != name}).encode())


@pytest.mark.parametrize("message", [b"", b"hello", b"\xff\xfe", b"[]", b"null", b"[" * 100_000])
def test_what_is_no_json_object_is_refused(message):
    with pytest.raises(InvalidInput, match="^message: "):
        parse_trip(message)


def test_a_trip_of_a_megabyte_is_refused_before_it_is_read():
    with pytest.raises(InvalidInput, match=f"at most {MAX_TRIP_BYTES} bytes"):
        parse_trip(body(text="长" * 400_000))


def test_a_refusal_never_repeats_what_was_sent():
    secret = "SECRET张三丰13800138000"
    for name in GOOD:
        for value in (secret, [secret], {secret: secret}):
            try:
                parse_trip(body(**{name: value}))
            except InvalidInput as error:
                assert secret not in str(error)


def test_the_hash_tells_duplicates_from_conflicts():
    trip = parse_trip(body())
    assert content_hash(trip) == content_hash(parse_trip(json.dumps(dict(reversed(GOOD.items()))).encode()))
    assert content_hash(trip) != content_hash(parse_trip(body(distance_km=646)))


def test_the_published_schema_is_the_models_and_accepts_what_the_model_accepts():
    published = json.loads((ROOT / "docs" / "trip-completed.schema.json").read_text("utf-8"))
    assert published == json.loads(json.dumps(json_schema()))
    jsonschema.Draft202012Validator.check_schema(published)
    jsonschema.validate(GOOD, published)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**GOOD, "distance_km": -1}, published)
