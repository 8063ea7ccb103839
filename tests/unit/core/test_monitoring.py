"""The alerts and the dashboard: their queries are run on lines that the product itself has written."""

from __future__ import annotations

import json
import logging
import re
import time
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.monitoring import ALERTS, CHARTS, FOLDER, documents
from shared.invocation import running
from shared.telemetry import FIELDS, log

ROOT = Path(__file__).parents[3]
HOUR = 3600
WINDOWS = {"m": 60, "h": HOUR}


class Log:
    """A log store: lines as Function Compute writes them, and SLS's dialect of SQL over them."""

    def __init__(self):
        self._db = duckdb.connect()
        self._db.execute("CREATE TABLE log (__time__ BIGINT, message VARCHAR)")
        for name, macro in {
            "json_extract_scalar(j, p)": "json_extract_string(j, p)",
            "approx_percentile(x, p)": "quantile_cont(x, p)",
            "to_unixtime(t)": "epoch(t)",
            "from_unixtime(t)": "make_timestamp(t * 1000000)",
        }.items():
            self._db.execute(f"CREATE MACRO {name} AS {macro}")

    def write(self, lines, age_s=0):
        at = int(time.time()) - age_s
        for line in lines:
            message = f"2026-11-23T08:00:00.000Z 1-6a5b-1 [INFO] {line}\n"
            self._db.execute("INSERT INTO log VALUES (?, ?)", [at, message])

    def rows(self, query, window="-24h"):
        search, _, sql = query.partition("|")
        assert search.strip() == "*"
        since = int(time.time()) - int(window[1:-1]) * WINDOWS[window[-1]]
        # The window bounds what a query sees.
        self._db.execute(f"CREATE OR REPLACE TEMP VIEW seen AS SELECT * FROM log WHERE __time__ >= {since}")
        found = self._db.execute(re.sub(r"\bFROM log\b", "FROM seen", sql))
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def fires(self, alert):
        rows = self.rows(alert.query, alert.window)
        condition = alert.condition.replace("&&", "and").replace("||", "or")
        return any(eval(condition, {}, {k: 0 if v is None else v for k, v in row.items()}) for row in rows)

    def firing(self):
        return {alert.name for alert in ALERTS if self.fires(alert)}


@pytest.fixture
def written(caplog):
    """What was logged since the last look, as lines of JSON."""
    caplog.set_level(logging.INFO, "tripcanvas")

    def look():
        lines = [record.getMessage() for record in caplog.records]
        caplog.clear()
        return lines

    return look


def invocation(name):
    return SimpleNamespace(function=SimpleNamespace(name=f"tripcanvas-{name}", timeout="60"), request_id="1-1")


def step(**fields):
    usual = {"journey": "j", "attempt": 0, "source": "live", "age_ms": 60_000}
    log("step", **{**usual, **fields})


@pytest.fixture
def store(written):
    """A log store of a healthy hour: posts and the timers' runs."""
    store = Log()
    for number in range(30):
        step(journey=f"j{number}", step="prompted", input_tokens=900, output_tokens=200, fallback=False)
        for name in ("received", "submitting", "submitted", "rendered", "inspected", "stored"):
            step(journey=f"j{number}", step=name, duration_ms=1000)
        step(journey=f"j{number}", step="published", duration_ms=900, cost_cny=0.2, unpriced=0, renders=1)
    for name in ("relay-results", "sweep-journeys", "trip-completed", "image-ready"):
        with running(invocation(name)):
            log("queues", waiting=3, unread=0, unread_limit=100)
    store.write(written())
    return store


def test_nothing_fires_on_a_healthy_hour(store):
    assert store.firing() == set()


def test_a_silent_system_is_told_by_its_timers_alone():
    assert Log().firing() == {"relay-silent", "sweeper-silent"}


def repeated(times, event, **fields):
    return lambda: [log(event, **fields) for _ in range(times)]


PLANTED = {
    "event-to-post": lambda: [step(journey=f"s{n}", step="published", age_ms=2_000_000) for n in range(9)],
    "posted-twice": lambda: step(journey="j7", step="published"),
    "held-rate": lambda: [step(journey=f"h{n}", step="held", code="moderation") for n in range(3)],
    "rejected-messages": repeated(11, "rejected", code="invalid", field="distance_km"),
    "queues-fill": repeated(1, "queues", waiting=900, unread=0, unread_limit=100),
    "renders-fail": lambda: [step(journey=f"r{n}", step="render_failed", code="Timeout") for n in range(12)],
    "moderation-unavailable": repeated(3, "trouble", service="green", code="ConnectionFailed", during="submitting"),
    "feed-refuses": lambda: [step(journey=f"f{n}", step="failed", code="post_refused") for n in range(3)],
    "misconfigured": repeated(1, "trouble", code="Misconfigured", during="delivering"),
    "unforeseen": repeated(1, "unforeseen", error="KeyError", at="x:1"),
    "cost-per-post": lambda: step(journey="c", step="published", cost_cny=60.0, unpriced=0),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_fires_its_own_alert(store, written, name):
    PLANTED[name]()
    store.write(written())
    assert store.firing() == {name}


def test_a_cost_that_is_not_known_fires(store, written):
    step(journey="c", step="published", cost_cny=None, unpriced=1)
    store.write(written())
    assert store.firing() == {"cost-per-post"}


def test_a_full_sink_fires(store, written):
    log("queues", waiting=0, unread=80, unread_limit=100)
    store.write(written())
    assert store.firing() == {"queues-fill"}


def test_a_trip_without_an_end_is_lost_after_a_day_and_not_before(store, written):
    step(journey="lost", step="received")
    lines = written()
    store.write(lines, age_s=3 * HOUR)
    assert store.firing() == set()
    store.write(lines, age_s=26 * HOUR)
    assert store.firing() == {"trips-lost"}
    step(journey="lost", step="cancelled")
    store.write(written(), age_s=HOUR)
    assert store.firing() == set()


@pytest.mark.parametrize("name", ["relay-results", "sweep-journeys"])
def test_a_timer_that_has_stopped_fires(written, store, name):
    alive = Log()
    other = {"relay-results": "sweep-journeys", "sweep-journeys": "relay-results"}[name]
    with running(invocation(other)):
        pass
    alive.write(written())
    assert alive.firing() == {{"relay-results": "relay-silent", "sweep-journeys": "sweeper-silent"}[name]}


def test_every_chart_shows_something_of_a_healthy_hour(store, written):
    log("trouble", service="eas", code="503", during="submitting")
    step(journey="h", step="held", code="moderation")
    step(journey="p", step="prompted", input_tokens=900, output_tokens=200, fallback=True)
    store.write(written())
    for chart in CHARTS:
        rows = store.rows(chart.query)
        assert rows, chart.title
        assert all(value is not None for value in rows[0].values()), (chart.title, rows[0])


def test_queries_ask_for_fields_that_are_written():
    for each in (*ALERTS, *CHARTS):
        assert set(re.findall(r"'\$\.(\w+)'", each.query)) <= FIELDS | {"event"}, each


def test_the_files_of_a_deployment_name_its_own_log_store(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "500")
    env = tmp_path / "prod.env"
    env.write_text("TRIPCANVAS_LOG_PROJECT=che-lu-logs\n", "utf-8")

    def written():
        return CliRunner().invoke(app, ["monitoring", "--env", str(env), "--out", str(tmp_path / "sls")])

    answer = written()
    assert answer.exit_code == 1
    assert "TRIPCANVAS_ACTION_POLICY is not set" in answer.stderr
    assert not (tmp_path / "sls").exists()
    with env.open("a", encoding="utf-8") as file:
        file.write("TRIPCANVAS_ACTION_POLICY=值班\n")
    assert written().exit_code == 0
    alerts, dashboard = ((tmp_path / "sls" / f"{name}.json").read_text("utf-8") for name in ("alerts", "dashboard"))
    assert "${" not in alerts + dashboard
    [first, *_] = json.loads(alerts)
    query = first["configuration"]["queryList"][0]
    assert (query["project"], query["store"]) == ("che-lu-logs", "functions")
    assert first["configuration"]["policyConfiguration"]["actionPolicyId"] == "值班"
    assert json.loads(dashboard)["charts"][0]["search"]["logstore"] == "functions"


def test_the_files_are_those_of_the_table():
    for name, text in documents().items():
        assert (ROOT / FOLDER / name).read_text("utf-8") == text, "run `tripcanvas monitoring`"


@pytest.mark.parametrize("language", ["", ".zh-CN"])
def test_every_alert_has_its_runbook_and_every_runbook_its_alert(language):
    text = (ROOT / "docs" / f"operations{language}.md").read_text("utf-8")
    runbooks = text.partition("<!-- runbooks -->")[2]
    assert re.findall(r"^### ([a-z-]+)$", runbooks, re.MULTILINE) == [alert.name for alert in ALERTS]


def test_alert_documents_have_what_the_api_asks_for():
    for alert in json.loads(documents()["alerts.json"]):
        assert {"name", "displayName", "configuration", "schedule"} <= alert.keys()
        configuration = alert["configuration"]
        assert (configuration["version"], configuration["queryList"][0]["timeSpanType"]) == ("2.0", "Relative")
        assert len(alert["displayName"]) <= 64
