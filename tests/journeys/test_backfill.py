"""`tripcanvas backfill` on the running product, without painting: killed, stopped, from OSS, by FC 2.0; each trip once."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from typer.testing import CliRunner

from benchmarks.trips import a_trip, encoded
from cli.cloud import services_of
from cli.main import app
from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from shared.clouds.objects import open_bucket
from shared.journey import journey_id, trip_key
from shared.records import Step

#: Enough to be in the middle of it when it is killed.
MANY = 72


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """Everything but the GPU side: what is sent stays in its queue, where it can be counted."""
    cloud = Cloud.open(tmp_path_factory.mktemp("backfill") / "cloud", free_ports=True)
    with Supervisor(cloud, ["oss", "mns", "eas", "dashscope", "green", "feed", "fc"]):
        yield cloud


@pytest.fixture
def run(cloud, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    return lambda *arguments: CliRunner().invoke(app, ["backfill", *map(str, arguments), "--root", str(cloud.root)])


def trips(count, prefix):
    return [a_trip(n, f"{prefix}-{n:04}", styles=["anime"]) for n in range(count)]


def jsonl(file, found):
    file.write_bytes(b"\n".join(map(encoded, found)))
    return file


def claimed(cloud, found):
    ledger = services_of(cloud).ledger
    return sum(ledger.claim(trip_key(trip["trip_id"])) is not None for trip in found)


def queued(cloud):
    answer = requests.get(
        f"{cloud.url('eas')}/api/predict/{cloud.eas_service}",
        params={"_attrs_": "true"},
        headers={"Authorization": cloud.eas_token},
        timeout=10,
    )
    return int(answer.json()["stream.length"])


def wait_until(condition, timeout_s=60.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def sent(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "cli.main", "backfill", *map(str, arguments)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "COLUMNS": "300"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def test_killed_twice_and_told_to_stop_once_it_sends_each_trip_exactly_once(cloud, tmp_path):
    found = trips(MANY, "kill")
    arguments = [jsonl(tmp_path / "季度.jsonl", found), "--under-way", "500", "--root", cloud.root]
    slowly = [*arguments, "--per-second", "4"]  # still sending when a busy machine has claimed the first of them
    before = queued(cloud)
    ledger = services_of(cloud).ledger
    for enough in (10, 25):
        process = sent(*slowly)
        wait_until(lambda enough=enough: sum(1 for _ in ledger.bucket.keys("trips/")) >= enough)
        process.kill()
        assert process.communicate(timeout=30)
        assert process.returncode == -signal.SIGKILL
    process = sent(*slowly)
    assert b"goes on with" in process.stdout.readline()
    process.terminate()
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output.decode()
    assert "stopped; the same command goes on where it was" in output.decode()
    last = sent(*arguments, "--per-second", "30")
    output, _ = last.communicate(timeout=120)
    assert last.returncode == 0, output.decode()
    wait_until(lambda: claimed(cloud, found) == MANY)
    journeys = [journey_id(trip["trip_id"], "anime") for trip in found]
    wait_until(lambda: all(ledger.read(journey).step is Step.SUBMITTED for journey in journeys))
    assert queued(cloud) - before == MANY
    [report] = (cloud.root / "backfill").glob("*/report.csv")
    lines = list(csv.DictReader(report.read_text("utf-8-sig").splitlines()))
    assert [line["place"] for line in lines] == [f"季度.jsonl:{n}" for n in range(1, MANY + 1)]
    assert {line["state"] for line in lines} == {"sent"}


def test_objects_under_a_prefix_are_read_in_order_and_others_told(run, cloud, tmp_path):
    services = services_of(cloud)
    settings = services.settings
    bucket = open_bucket(
        settings.need("oss_endpoint"), settings.region, settings.need("ledger_bucket"), services.credentials
    )
    found = trips(4, "oss")
    for name, part in (("a.jsonl", found[:2]), ("b/c.jsonl", found[2:])):
        bucket.put(f"past/2026q2/{name}", b"\n".join(map(encoded, part)), "application/json")
    bucket.put("past/2026q2/readme.txt", "说明".encode(), "text/plain")
    source = f"oss://{settings.need('ledger_bucket')}/past/2026q2/"
    answer = run(source, "--state", tmp_path)
    assert answer.exit_code == 0, answer.output
    assert "1 objects left out, which are no .jsonl" in answer.output
    wait_until(lambda: claimed(cloud, found) == 4)
    lines = list(csv.DictReader((tmp_path / "report.csv").read_text("utf-8-sig").splitlines()))
    assert [line["place"] for line in lines] == ["a.jsonl:1", "a.jsonl:2", "b/c.jsonl:1", "b/c.jsonl:2"]
    bucket.put("past/2026q2/a.jsonl", encoded(found[0]), "application/json")
    answer = run(source, "--state", tmp_path)
    assert answer.exit_code == 1
    assert (
        "--state: another folder: the journal there is of a backfill with another content of the source"
        in answer.output
    )


def test_services_of_fc_2_are_invoked_too(run, cloud, tmp_path):
    pytest.importorskip("fc2")
    found = trips(3, "fc2")
    answer = run(jsonl(tmp_path / "a.jsonl", found), "--api", "2.0", "--state", tmp_path)
    assert answer.exit_code == 0, answer.output
    wait_until(lambda: claimed(cloud, found) == 3)


def test_a_dry_run_counts_and_sends_nothing(run, cloud, tmp_path):
    found = trips(3, "dry")
    file = jsonl(tmp_path / "a.jsonl", [*found, {**found[0], "ended_at": "昨天"}])
    answer = run(file, "--dry-run", "--cny-per-post", "0.5", "--state", tmp_path / "state")
    assert answer.exit_code == 0, answer.output
    assert "4 rows: 3 trips to send, 3 posts; 1 broken" in answer.output
    assert "a.jsonl:4 ended_at: " in answer.output
    assert "1.50 CNY" in answer.output
    assert claimed(cloud, found) == 0
    assert not (tmp_path / "state").exists()


def test_the_report_names_what_was_not_sent_and_is_a_page_by_itself(run, tmp_path):
    found = [*trips(1, "report"), {**a_trip(0, "T-broken"), "distance_km": -1}]
    file = jsonl(tmp_path / "a<b>.jsonl", found)
    assert run(file, "--state", tmp_path).exit_code == 0
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "a&lt;b&gt;.jsonl:2" in page
    assert "distance_km: Expected" in page
    assert "T-broken" not in page
    assert not [mark for mark in ("src=", "href=", "@import", "url(") if mark in page]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["没有.jsonl"], "没有.jsonl: a file, or oss://BUCKET/PREFIX"),
        (["oss://"], "oss://: oss://BUCKET/PREFIX"),
        (["oss://no-such-bucket/a"], "oss: NoSuchBucket"),
        (["--style", "cubism"], "--style: one of anime"),
        (["--from", "2026-05-05", "--to", "2026-05-01"], "--to: a day not before 2026-05-05"),
        (["--api", "1.0"], "--api: one of 3.0, 2.0"),
        (["--function", "nowhere"], "fc: FunctionNotFound; there is no acs:fc:cn-shanghai:"),
    ],
)
def test_what_can_not_be_done_is_said_in_one_line(run, tmp_path, arguments, said):
    file = [] if not arguments[0].startswith("--") else [jsonl(tmp_path / "a.jsonl", trips(1, "never"))]
    answer = run(*file, *arguments, "--state", tmp_path / "state")
    assert answer.exit_code == 1
    assert said in answer.output


def test_a_function_compute_that_is_not_there_can_be_come_back_to(run, cloud, tmp_path):
    file = jsonl(tmp_path / "a.jsonl", trips(2, "down"))
    elsewhere = Cloud.open(tmp_path / "silent", free_ports=True)
    with Supervisor(elsewhere, ["oss"]):
        arguments = ["backfill", str(file), "--root", str(elsewhere.root)]
        services_of(elsewhere).ledger.bucket._bucket.create_bucket()
        answer = CliRunner().invoke(app, arguments)
    assert answer.exit_code == 1
    assert "fc: ConnectionFailed" in answer.output
    assert "The same command goes on where it was" in answer.output
