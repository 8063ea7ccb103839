"""A trip goes all the way to its post, and is taken back: nothing that it said is left on the whole machine."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from shared.journey import trip_key
from shared.records import Prompted, Step, Stored
from tests.journeys.conftest import INSTANT, SHORT, a_world

ROOT = Path(__file__).parents[2]
TEXT = "柿子树下的老院子，外婆等了一个夏天"
DENIED = "这一程只想自己记得，谁也别看"
ADDRESS = "上海市黄浦区中山南路1891号-1893号"
TEAM = "欧阳开心的队伍"


@pytest.fixture(scope="module")
def world(tmp_path_factory):  # type: ignore[no-untyped-def]
    """A cloud of its own: its state folder is searched."""
    yield from a_world(tmp_path_factory.mktemp("withdrawal"), {**SHORT, **INSTANT})


def withdraw(world, trip_id):  # type: ignore[no-untyped-def]
    command = [sys.executable, "-m", "cli.main", "withdraw", trip_id, "--root", str(world.cloud.root)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT, env=None, check=False)


def forms_of(word: str) -> list[bytes]:
    """A text as it may stand in a file: plain, as JSON escapes it, and inside base64 at any offset."""
    plain = [word.encode(), json.dumps(word)[1:-1].encode()]
    return plain + [
        # Without the digits that what stands before and after has a share in.
        base64.b64encode(b"\0" * offset + each)[4 if offset else 0 : -6]
        for each in plain
        for offset in range(3)
    ]


def found_on_disk(folder: Path, *words: str) -> list[str]:
    """The files below a folder that hold any of these words, and which words."""
    needles = {word: forms_of(word) for word in words}
    return [
        f"{file.relative_to(folder)}: {word}"
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        for word, forms in needles.items()
        if any(form in file.read_bytes() for form in forms)
    ]


def test_nothing_of_a_withdrawn_trip_is_left(world):  # type: ignore[no-untyped-def]
    trip = world.trip(text=TEXT, team={"name": TEAM, "size": 3})
    trip["start"] = {**trip["start"], "address": ADDRESS}
    [journey] = world.publish(trip)
    [ended] = world.follow([journey])
    assert ended.step is Step.PUBLISHED, ended.troubles
    [post] = world.posts(journey)
    pictures = [image["url"] for image in post["images"]]
    assert {requests.get(url, timeout=10).status_code for url in pictures} == {200}

    # The ledger has a title with tokens for names, the feed with the names.
    title = ended.need(Prompted).brief.title
    assert found_on_disk(world.cloud.folder("oss"), title)
    assert found_on_disk(world.cloud.folder("feed"), post["title"])
    assert found_on_disk(world.cloud.root, TEXT)

    done = withdraw(world, trip["trip_id"])

    assert done.returncode == 0, done.stdout + done.stderr
    assert trip_key(trip["trip_id"]) in done.stdout
    assert TEXT not in done.stdout + done.stderr
    rows = {line[:16].strip(): line[16:].split() for line in done.stdout.splitlines()}
    assert rows["post"] == ["1", "0"], done.stdout
    assert rows["pictures"] == [str(len(ended.need(Stored).variants) + 1), "0"]
    assert world.posts(journey) == []
    assert world.services.feed.find(journey) is None
    assert {requests.get(url, timeout=10).status_code for url in pictures} <= {403, 404}
    page = requests.get(f"{world.cloud.url('feed')}/api/feed", timeout=10).text
    assert journey not in page
    assert post["title"] not in page

    again = world.publish(trip)
    assert again == [journey]
    time_of_arrival(world, trip)
    assert world.services.ledger.read(journey).step is Step.WITHDRAWN
    assert world.services.ledger.filled(journey) == []
    assert world.posts(journey) == []
    assert withdraw(world, trip["trip_id"]).returncode == 0

    denied = world.trip(text=DENIED, consent={"process": False, "publish": True, "show_cities": True})
    [rejected] = world.publish(denied)
    [record] = world.follow([rejected])
    assert record.records[-1].code == "no_consent"
    [letter] = world.dead_letters(rejected)
    assert letter["sha256"] == record.records[-1].sha256
    assert (letter["body_base64"], letter["object_key"]) == ("", "")

    # Databases fold their logs into their files when they are closed.
    world.supervisor.stop()
    words = (TEXT, ADDRESS, TEAM, DENIED, trip["trip_id"], denied["trip_id"], title, post["title"], post["caption"])
    assert found_on_disk(world.cloud.root, *words) == []


def time_of_arrival(world, trip):  # type: ignore[no-untyped-def]
    """Wait until the function has met the tombstone: a trip that was published later has then come through."""
    log = world.cloud.root / "logs"
    world.wait(lambda: any('"event":"withdrawn"' in file.read_text("utf-8", "replace") for file in log.rglob("*.log")))
