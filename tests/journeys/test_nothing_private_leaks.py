"""Marked strings in every field of a trip, on good and on failing paths, are found nowhere but where they must be."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import urllib.parse
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from localcloud.state import without_proxy
from shared.records import Prompted, Step
from tests.journeys.conftest import SHORT, a_world

PROJECT = Path(__file__).parents[2]

#: Where a trip's message lies as it was sent, below the cloud's folder, and why that must be.
AS_SENT = {
    "mns": "the platform's own message on its way through the topic, and dead letters, which keep the bytes of what was "
    "rejected so that it can be sent again",
    "fc": "the event of an asynchronous invocation, until Function Compute has delivered it",
}

#: The maker's own code for the car's model, by which the picture's car is chosen. It leaves for a model as a word of
#: the vocabulary or not at all.
ON_THE_LEDGER = {"model"}


@dataclass
class Marked:
    """A trip with a marked string in every field, by field."""

    trip: dict[str, object]
    markers: dict[str, str]
    #: Identifying parts of the owner's own words, which the scrubber knows by their form.
    worded: dict[str, str] = field(default_factory=dict)

    @property
    def all(self) -> dict[str, str]:
        return {**self.markers, **self.worded}


def marked(**changes: object) -> Marked:
    """A trip whose markers are its own: two trips share none."""
    key = uuid.uuid4().hex[:6]

    def mark(name: str) -> str:
        return f"zq{name}{key}9"

    names = (
        "tripid owner startstreet endstreet startcity endcity startweather endweather emoji via1 via2 team car model color "
        "unknown nested endestate"
    )
    made = {name: mark(name) for name in names.split()}
    digits = f"{int(key, 16) % 10**8:08d}"
    worded = {
        "phone": f"139{digits}",
        "landline": f"021-{digits[:4]}-{digits[4:]}",
        "identity": f"110105{digits}002X",
        "plate": f"沪A{digits[:5]}",
        "vin": f"LSVAA4182E{digits[:7]}",
        "mail": mark("mail"),
        "wechat": mark("wechat"),
        "handle": mark("handle"),
        "estate": f"{key}号楼金鸡湖花园小区",
        "road": f"紫荆路{digits[:4]}号",
        "husband": "张伟强",
        "child": "朵朵",
        "latitude": f"31.{digits[:6]}",
        "page": mark("page"),
    }
    text = (
        f"雨里的西湖。电话{worded['phone']},固话{worded['landline']},身份证{worded['identity']},车牌{worded['plate']},"
        f"{worded['vin']},{worded['mail']}@qq.com,微信{worded['wechat']},@{worded['handle']},住在{worded['estate']},"
        f"{worded['road']},我老公{worded['husband']},我女儿{worded['child']},坐标{worded['latitude']},121.4737,"
        f"https://a.cn/{worded['page']} {made['team']} u_{made['owner']} {made['startstreet']}路 {made['endestate']}"
    )
    trip = {
        "event": "trip.completed",
        "version": 1,
        "trip_id": f"T-{made['tripid']}",
        "owner_id": f"u_{made['owner']}",
        "emoji": made["emoji"],
        "text": text,
        "started_at": "2024-05-02T22:38:47+08:00",
        "ended_at": "2024-05-05T18:57:13+08:00",
        "start": {
            "address": f"上海市黄浦区{made['startstreet']}路1891号",
            "city": made["startcity"],
            "weather": f"晴 {made['startweather']}",
        },
        "end": {
            "address": f"上海市闵行区{made['endstreet']}路688号 {made['endestate']} 3栋",
            "city": made["endcity"],
            "weather": f"多云 {made['endweather']}",
        },
        "via_cities": [made["via1"], f"{made['via2']}路12号"],
        "distance_km": 645.437,
        "driving_seconds": 52081,
        "team": {"name": made["team"], "size": 3, "captain": made["nested"]},
        "car": {"description": f"黑色一代 {made['car']}", "model": made["model"], "color": f"黑 {made['color']}"},
        "consent": {"process": True, "publish": True, "show_cities": True},
        "styles": ["watercolour"],
        "phone": made["unknown"],
    }
    return Marked(
        {**trip, **changes}, {**made, "end time": "18:57", "distance": "645.4", "driving time": "52081"}, worded
    )


def spellings(marker: str) -> list[bytes]:
    """A marker as it may stand in a file: plain, in JSON, in a URL, in base64 at each of its three alignments."""
    plain = marker.encode()
    found = {plain, json.dumps(marker)[1:-1].encode(), urllib.parse.quote(marker).encode(), marker.encode("utf-16-le")}
    if len(plain) >= 8:
        for shift in range(3):
            encoded = base64.b64encode(b"\0" * shift + plain)
            # The first and the last characters depend on what stands beside it.
            found.add(encoded[4 if shift else 0 : len(encoded) - 4])
            found.add(base64.urlsafe_b64encode(b"\0" * shift + plain)[4 if shift else 0 : len(encoded) - 4])
    return sorted(found)


def found_in(content: bytes, markers: dict[str, str]) -> set[str]:
    return {name for name, marker in markers.items() if any(spelt in content for spelt in spellings(marker))}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    yield from a_world(tmp_path_factory.mktemp("leaks"), SHORT)


def script(world, **fault: object) -> None:
    requests.post(f"{world.cloud.url('dashscope')}/-/faults", json=fault, timeout=10).raise_for_status()


@pytest.fixture(scope="module")
def journeys(world):
    """The four stories, told once: the trips by story, and their journeys."""
    told: dict[str, tuple[Marked, object]] = {}

    def tell(story: str, trip: Marked) -> None:
        [journey] = world.follow(world.publish(trip.trip), timeout_s=120)
        told[story] = (trip, journey)

    tell("posted", marked())
    tell("rejected", marked(distance_km=-3))
    tell("without consent", marked(consent={"process": False, "publish": True}))
    garbage = marked()
    # The model repeats what it should never have seen.
    said = json.dumps({"title": garbage.markers["team"], "caption": garbage.trip["text"], "tags": [], "alt_text": "x"})
    script(world, call="text", mode="says", text=said, times=2)
    tell("garbage", garbage)
    # A content check that refuses ends a journey.
    script(world, call="task", mode="failed", code="DataInspectionFailed", times=1)
    tell("failed", marked())
    return told


def test_the_stories_end_as_they_were_meant_to(journeys):
    ends = {story: journey.step for story, (_, journey) in journeys.items()}
    assert ends == {
        "posted": Step.PUBLISHED,
        "rejected": Step.REJECTED,
        "without consent": Step.REJECTED,
        "garbage": Step.PUBLISHED,
        "failed": Step.FAILED,
    }
    prompted = journeys["garbage"][1].need(Prompted)
    assert (prompted.written_by, prompted.fallback[:8]) == ("template", "answer 2")


def places_of(world, markers: dict[str, str]) -> dict[str, set[str]]:
    """The files below the cloud's folder in which markers stand, in name or content, with which."""
    places = {}
    for file in sorted(world.cloud.root.rglob("*")):
        name = file.relative_to(world.cloud.root).as_posix()
        here = found_in(name.encode(), markers)
        if file.is_file():
            here |= found_in(file.read_bytes(), markers)
        if here:
            places[name] = here
    return places


@pytest.mark.parametrize("story", ["posted", "rejected", "without consent", "garbage", "failed"])
def test_no_service_and_no_log_holds_a_marked_string(world, journeys, story):
    trip, _ = journeys[story]
    places = places_of(world, trip.all)
    # Object keys are looked at below; in the store of OSS only the ledger's records may hold the car's model.
    found = {name: here - {"model"} if name.startswith("oss/") else here for name, here in places.items()}
    assert {name: here for name, here in found.items() if here and name.split("/")[0] not in AS_SENT} == {}


def test_the_search_finds_what_is_there(world, journeys):
    trip, _ = journeys["rejected"]
    places = places_of(world, trip.all)
    found = set().union(*places.values())
    assert {"owner", "startstreet", "phone", "estate", "plate", "end time"} <= found
    assert found_in(base64.b64encode(b"xy" + trip.markers["owner"].encode() + b"z"), trip.all) == {"owner"}
    assert "child" in found_in(json.dumps("朵朵").encode(), trip.all)


def test_dead_letters_keep_the_bytes_of_the_rejected_trip_only(world, journeys):
    letters = {}
    for story, (trip, journey) in journeys.items():
        for letter in world.dead_letters(journey.id):
            letters[story] = letter
            reason = json.dumps({**letter, "body_base64": ""}, ensure_ascii=False).encode()
            assert found_in(reason, trip.all) == set()
    assert set(letters) == {"rejected", "without consent"}
    assert json.loads(base64.b64decode(letters["rejected"]["body_base64"])) == journeys["rejected"][0].trip
    assert letters["without consent"]["body_base64"] == ""


def test_the_feed_shows_none_of_it(world, journeys):
    shown = requests.get(f"{world.cloud.url('feed')}/api/feed", params={"limit": "50"}, timeout=10).content
    pages = [requests.get(world.cloud.url("feed"), timeout=10).content, shown]
    for _, (trip, journey) in journeys.items():
        pages += [json.dumps(post, ensure_ascii=False).encode() for post in world.posts(journey.id)]
        assert [found_in(page, trip.all) for page in pages] == [set()] * len(pages)


def test_pictures_and_their_keys_show_none_of_it(world, journeys):
    for bucket in (world.services.ledger.bucket, world.services.gallery, world.services.renders):
        for key in bucket.keys(""):
            content = bucket.get(key, max_bytes=2 * 10**7)
            on_ledger = bucket is world.services.ledger.bucket and key.startswith(("trips/", "journeys/"))
            for trip, _ in journeys.values():
                assert found_in(key.encode() + content, trip.all) <= (ON_THE_LEDGER if on_ledger else set()), key


def test_commands_tell_none_of_it(world, journeys):
    def run(*arguments: str) -> bytes:
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments, "--root", str(world.cloud.root)],
            cwd=PROJECT,
            env={**os.environ, **without_proxy(), "COLUMNS": "300"},
            capture_output=True,
            check=False,
            timeout=60,
        )
        return done.stdout + done.stderr

    ids = [journey.id for _, journey in journeys.values()]
    told = run("follow", *ids) + run("dead-letters", "list") + run("dead-letters", "list", "--json")
    assert all(journey[:8].encode() in told for journey in ids[:1])
    for trip, _ in journeys.values():
        assert found_in(told, trip.all) == set()
