"""The public post is built from an allow-list: whatever else a journey's records hold, the post does not."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timezone

import msgspec
import pytest

from shared.facts import TripFacts
from shared.feed import PostImage, build_post
from shared.prompts import CITY, TEAM, Brief
from shared.records import Prompted, Received
from shared.styles import load_styles
from shared.workflows import FOLDER

STYLE = load_styles(FOLDER / "styles")["watercolour"]
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=timezone.utc)
IMAGE = PostImage("https://gallery.example/posts/3f/x.jpg", 768, 960, "image/jpeg", 1000)
JOURNEY = "3f2b7c1e-6a0d-5c7f-9d3b-2a8e4f1c5d60"

#: What may stand in any post, and what only in one whose owner lets cities be shown.
#: `Prompted.team` holds no name but one that moderation let pass.
ALWAYS = {
    "brief.title", "brief.caption", "brief.tags", "brief.alt_text", "prompted.team", "received.trip_date",
    "received.distance_km",
}  # fmt: skip
WITH_CITIES = ALWAYS | {"facts.cities", "brief.city"}


def marker(path):
    return f"标记〔{path}〕"


def planted(kind, prefix, **given):
    """One record of this kind whose every field holds a marker of its own, but for those given."""
    fields = msgspec.structs.fields(kind) if issubclass(kind, msgspec.Struct) else dataclasses.fields(kind)
    values = {}
    for field in fields:
        path, type_ = f"{prefix}.{field.name}", str(getattr(field, "type", ""))
        if field.name in given:
            values[field.name] = given[field.name]
        elif "tuple" in type_:
            values[field.name] = (marker(path),)
        elif "str" in type_:
            values[field.name] = marker(path)
        elif "datetime" in type_:
            values[field.name] = NOW
        elif "int" in type_:
            # Seven digits that stand nowhere else.
            values[field.name] = 7_000_000 + len(PATHS)
            PATHS[values[field.name]] = path
        else:
            raise AssertionError(f"no marker for {path}: {type_}")
    return kind(**values)


PATHS: dict[int, str] = {}


def post(*, show_cities, publish=True):
    """What is sent to the feed, and whose markers stand in it."""
    facts = planted(TripFacts, "facts", language="zh")
    received = planted(Received, "received", facts=facts, publish=publish, show_cities=show_cities)
    brief = planted(
        Brief,
        "brief",
        title=f"{marker('brief.title')}{CITY}",
        caption=f"{marker('brief.caption')}{CITY}{TEAM}",
        tags=(marker("brief.tags"), CITY),
        alt_text=f"{marker('brief.alt_text')}{CITY}",
    )
    prompted = planted(Prompted, "prompted", brief=brief)
    built = build_post(JOURNEY, received, prompted, STYLE, (IMAGE,))
    body = msgspec.json.encode(built).decode()
    texts = [part.split("〕")[0] for part in body.split("标记〔")[1:]]
    numbers = [path for number, path in PATHS.items() if str(number) in body]
    return built, {*texts, *numbers}


def test_with_every_consent_nothing_but_the_list_is_public():
    assert post(show_cities=True)[1] == WITH_CITIES


@pytest.mark.parametrize("publish", [True, False])
def test_without_consent_to_cities_none_stands_anywhere_in_the_post(publish):
    built, found = post(show_cities=False, publish=publish)
    assert found == ALWAYS
    assert built.cities == ()
    assert CITY not in msgspec.json.encode(built).decode()


def test_without_consent_to_publish_the_post_is_a_draft():
    assert post(show_cities=True, publish=False)[0].visibility == "draft"
    assert post(show_cities=True)[0].visibility == "public"


def test_the_record_of_what_may_leave_the_house_has_no_field_for_what_may_not():
    """The owner, the team, streets and exact times have no place on the ledger from which a post could take them."""
    names = {field.name for field in dataclasses.fields(TripFacts)} | {
        field.name for field in msgspec.structs.fields(Received)
    }
    assert not names & {"trip_id", "owner_id", "team", "address", "started_at", "ended_at", "text", "driving_seconds"}
