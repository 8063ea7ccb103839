"""A journey's steps as spans: what a collector gets over the wire, and what happens without one."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone

import pytest

from shared.facts import TripFacts
from shared.journey import Journey, task_id
from shared.records import Failed, Received, Rendered
from shared.spans import Spans
from shared.tracing import child_of, post_purpose
from tests.unit.clouds.scripted import DROPPED, GARBAGE, SILENT, Reply, ScriptedService

FACTS = TripFacts(
    language="zh", cities=("上海市",), season="spring", part_of_day="dusk", holiday="May Day", weather=("sunny",),
    mood_tag="出游", words="", mood=("joyful",), distance_band="500 to 1000 km", days=4, head_count=3, car_model="gen1",
    car_color="black",
)  # fmt: skip
BEGAN = datetime(2026, 5, 4, 18, 0, tzinfo=timezone.utc)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
FIELDS = {"journey": "j", "step": "rendered", "attempt": 1, "cost_cny": 0.25, "fallback": False, "task": None}


@pytest.fixture
def collector():
    service = ScriptedService()
    service.answers(Reply(200, b"{}", {"Content-Type": "application/json"}))
    yield service
    service.close()


def journey(traceparent=TRACE):
    received = Received(
        at=BEGAN, trip="t", content_hash="h", style="ink", source="live", facts=FACTS, publish=True, show_cities=False,
        trip_date="2026-05-04", distance_km=900, traceparent=traceparent,
    )  # fmt: skip
    rendered = Rendered(at=BEGAN + timedelta(seconds=31, milliseconds=250), attempt=1, files=("a.png",))
    failed = Failed(at=BEGAN + timedelta(seconds=40), code="lost", reason="杭州的图丢了")
    return Journey(id="7d0c", records=(received, rendered, failed))


def spans_in(seen):
    [resource] = seen.json()["resourceSpans"]
    assert {"key": "service.name", "value": {"stringValue": "tripcanvas"}} in resource["resource"]["attributes"]
    return [span for scope in resource["scopeSpans"] for span in scope["spans"]]


def test_a_step_is_a_span_of_the_trips_trace(collector):
    spans = Spans(f"{collector.url}/adapt_x/api/otlp/traces")
    for number in range(3):
        spans.add(journey(), number, FIELDS)
    assert collector.seen == []
    spans.flush()
    [seen] = collector.seen
    assert (seen.method, seen.path) == ("POST", "/adapt_x/api/otlp/traces")
    assert seen.headers["content-type"] == "application/json"
    received, rendered, failed = spans_in(seen)
    assert {span["traceId"] for span in (received, rendered, failed)} == {TRACE[3:35]}
    assert {span["parentSpanId"] for span in (received, rendered, failed)} == {TRACE[36:52]}
    assert rendered["spanId"] == child_of(TRACE, task_id("7d0c", 1))[36:52]
    assert int(rendered["endTimeUnixNano"]) - int(rendered["startTimeUnixNano"]) == 31_250_000_000
    attributes = {each["key"]: each["value"] for each in rendered["attributes"]}
    assert attributes["tripcanvas.cost_cny"] == {"doubleValue": 0.25}
    assert attributes["tripcanvas.fallback"] == {"boolValue": False}
    assert "tripcanvas.task" not in attributes
    assert failed["status"]["code"] in (2, "STATUS_CODE_ERROR")
    assert "杭州" not in seen.body.decode()


def test_what_was_sent_is_not_sent_again(collector):
    spans = Spans(collector.url)
    spans.add(journey(), 0, FIELDS)
    spans.flush()
    spans.flush()
    assert len(collector.seen) == 1


@pytest.mark.parametrize("traceparent", ["", "nonsense", TRACE[:-2] + "00"])
def test_without_a_sampled_trace_there_is_no_span(collector, traceparent):
    spans = Spans(collector.url)
    spans.add(journey(traceparent), 0, FIELDS)
    spans.flush()
    assert collector.seen == []


@pytest.mark.parametrize("answer", [Reply(400), Reply(503), DROPPED, GARBAGE, SILENT], ids=str)
def test_a_collector_in_trouble_costs_the_spans_and_one_line_without_its_address(collector, answer, caplog):
    caplog.set_level("INFO")
    collector.answers(answer)
    spans = Spans(f"{collector.url}/token-of-the-collector")
    spans.add(journey(), 0, FIELDS)
    spans.flush()
    assert [json.loads(record.getMessage()) for record in caplog.records] == [{"event": "spans_lost", "spans": 1}]
    assert "token-of-the-collector" not in repr(spans)


def test_a_post_has_a_span_of_its_journey():
    assert child_of(TRACE, post_purpose("one")) != child_of(TRACE, post_purpose("other"))


def test_without_an_address_nothing_is_imported():
    code = (
        "import sys; from shared.services import Services; from shared.settings import Settings; import shared.course;"
        "assert Services(Settings(), None).spans is None;"
        "assert not any(name.startswith('opentelemetry') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
