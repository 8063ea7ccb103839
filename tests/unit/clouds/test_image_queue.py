"""The EAS queue's client: what each answer means, what is sent again, and what never is."""

from __future__ import annotations

import base64
import json

import pytest

from shared.clouds.image_queue import EasQueue, Load, Place, open_image_queue
from shared.errors import Misconfigured, OutcomeUnknown, Refused, Unavailable
from shared.results import SinkRecord
from tests.unit.clouds.scripted import CUT_SHORT, DROPPED, GARBAGE, HTML, PATIENCE_S, SILENT, Reply, session_with

TOKEN = "eas-token-5c0d9f2b"
GRAPH = '{"1":{"class_type":"WanxImage","inputs":{"prompt":"水墨画:西湖的雨"}}}'.encode()
TASK = "3f2b7c1e-6a0d-5c7f-9d3b-2a8e4f1c5d60-1"
INDEX = Reply(200, b"1721382765\n", {"X-Eas-Queueservice-Request-Id": "r-77"})
NOTHING = Reply(204)
RECORD = Reply(200, json.dumps([{"index": 7, "tags": {"task_id": TASK}, "data": "e30="}]).encode())


@pytest.fixture
def queue(service) -> EasQueue:
    return at(service.url)


def at(url: str, patience_s: float = PATIENCE_S) -> EasQueue:
    return EasQueue(url, "tripcanvas_comfyui", TOKEN, session_with(patience_s))


def record(index: int) -> SinkRecord:
    return SinkRecord(task_id=TASK, request_id="", index=index, answer="")


def poll(queue: EasQueue) -> list[SinkRecord]:
    return queue.poll_sink(wait_s=0, length=16)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, Misconfigured) for status in (301, 302, 401, 403, 404)),
        *((status, Unavailable) for status in (429, 450)),
        *((status, OutcomeUnknown) for status in (408, 500, 502, 503, 504)),
        *((status, Refused) for status in (400, 405, 409, 413)),
    ],
)
def test_each_status_says_whose_fault_it_is_and_what_may_have_happened(queue, service, status, kind):
    service.answers(Reply(status, "无可用实例".encode(), {"Location": f"{service.url}/elsewhere"}))
    with pytest.raises(kind) as raised:
        poll(queue)
    assert type(raised.value) is kind
    assert str(status) in str(raised.value)
    assert len(service.seen) == 1


def test_a_refused_token_names_the_settings_and_keeps_the_secret(queue, service):
    service.answers(Reply(401, TOKEN.encode()))
    with pytest.raises(Misconfigured) as raised:
        poll(queue)
    assert "TRIPCANVAS_EAS_TOKEN" in str(raised.value)
    assert TOKEN not in str(raised.value)
    assert TOKEN not in repr(queue)


@pytest.mark.parametrize("reply", [SILENT, DROPPED, GARBAGE, CUT_SHORT], ids=["silent", "dropped", "garbage", "cut"])
def test_after_a_request_that_was_sent_the_outcome_is_unknown(service, reply):
    service.answers(reply)
    with pytest.raises(OutcomeUnknown) as raised:
        poll(at(service.url, reply.patience_s))
    assert raised.value.service == "eas"
    assert raised.value.code in ("Timeout", "ConnectionFailed")


def test_a_refused_connection_has_taken_nothing(refusing):
    with pytest.raises(Unavailable) as raised:
        poll(at(f"http://{refusing}"))
    assert raised.value.code == "ConnectionFailed"


def test_a_connection_that_was_never_made_has_taken_nothing(unreachable):
    with pytest.raises(Unavailable) as raised:
        poll(at(f"http://{unreachable}", patience_s=0.05))
    assert raised.value.code == "ConnectionFailed"


def test_a_put_carries_the_graph_its_tags_and_nothing_else(queue, service):
    service.answers(INDEX)
    assert queue.put(GRAPH, task_id=TASK, traceparent="00-aa-bb-01") == (1721382765, "r-77")
    [seen] = service.seen
    assert (seen.method, seen.path) == ("POST", "/api/predict/tripcanvas_comfyui/api_prompt")
    assert seen.query == {"task_id": TASK, "traceparent": "00-aa-bb-01", "_priority_": "1"}
    assert seen.headers["authorization"] == TOKEN
    assert seen.headers["content-type"] == "application/json"
    assert seen.body == GRAPH


def test_a_backfill_goes_without_priority_and_an_absent_trace_is_not_sent(queue, service):
    service.answers(INDEX)
    queue.put(GRAPH, task_id=TASK, priority=False)
    assert service.seen[0].query == {"task_id": TASK}


@pytest.mark.parametrize("status", [429, 450])
def test_a_put_into_a_full_queue_has_taken_nothing_and_is_left_to_the_caller(queue, service, status):
    service.answers(Reply(status), INDEX)
    with pytest.raises(Unavailable):
        queue.put(GRAPH, task_id=TASK)
    assert len(service.seen) == 1


@pytest.mark.parametrize("url", ["eas.example", "ftp://127.0.0.1", "http://"])
def test_an_address_that_is_none_names_the_setting(url):
    with pytest.raises(Misconfigured, match="TRIPCANVAS_EAS_URL"):
        at(url).put(GRAPH, task_id=TASK)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(503),
        Reply(504),
        Reply(500),
        SILENT,
        DROPPED,
        CUT_SHORT,
        HTML,
        Reply(200, b""),
        Reply(200, b'{"index": 7}'),
    ],
    ids=["503", "504", "500", "silent", "dropped", "cut", "html", "empty", "json"],
)
def test_a_put_that_may_have_been_taken_is_not_sent_twice(service, reply):
    service.answers(reply)
    with pytest.raises(OutcomeUnknown):
        at(service.url, reply.patience_s).put(GRAPH, task_id=TASK)
    assert len(service.seen) == 1


def test_a_graph_the_gateway_finds_too_large_is_refused_for_good(queue, service):
    service.answers(Reply(413))
    with pytest.raises(Refused) as raised:
        queue.put(GRAPH, task_id=TASK)
    assert (raised.value.code, raised.value.retryable) == ("413", False)
    assert len(service.seen) == 1


@pytest.mark.parametrize(
    ("answers", "found", "asked"),
    [
        ([RECORD], Place(7, reported=False), [""]),
        ([NOTHING, RECORD], Place(7, reported=True), ["", "/sink"]),
        ([NOTHING], None, ["", "/sink"]),
    ],
    ids=["in the input queue", "in the sink", "nowhere"],
)
def test_a_task_is_looked_for_in_both_queues_by_its_tag_and_without_taking_it(queue, service, answers, found, asked):
    service.answers(*answers)
    assert queue.find(TASK) == found
    assert [seen.path.removeprefix("/api/predict/tripcanvas_comfyui") for seen in service.seen] == asked
    assert all(seen.query["task_id"] == TASK and seen.query["_auto_delete_"] == "false" for seen in service.seen)


def test_looking_and_deleting_are_repeated_because_that_changes_nothing(queue, service):
    service.answers(DROPPED, INDEX, HTML, RECORD)
    assert queue.find(TASK) == Place(7, reported=False)
    service.answers(Reply(500), Reply(200, b"OK"))
    queue.delete_from_sink([record(7), record(8)])
    assert [seen.method for seen in service.seen] == ["GET", "GET", "GET", "GET", "DELETE", "DELETE"]
    assert service.seen[-1].query == {"_indexes_": "7,8"}


def test_an_empty_sink_is_no_records(queue, service):
    service.answers(NOTHING)
    assert poll(queue) == []


def test_a_poll_asks_for_whole_records_and_leaves_them_in_the_sink(queue, service):
    service.answers(NOTHING)
    queue.poll_sink(wait_s=9.5, length=1)
    assert service.seen[0].path == "/api/predict/tripcanvas_comfyui/sink"
    assert service.seen[0].query == {
        "_index_": "0", "_length_": "1", "_timeout_": "9500ms", "_raw_": "false", "_auto_delete_": "false",
    }  # fmt: skip


def sink(*items: object) -> Reply:
    return Reply(200, json.dumps(items, ensure_ascii=False).encode())


def item(answer: str = '[{"9":{"images":[]}}]', **more: object) -> dict[str, object]:
    tags = {"task_id": TASK, "requestId": "r-1"}
    return {"index": 5, "tags": tags, "data": base64.b64encode(answer.encode()).decode(), **more}


def test_a_record_is_read_with_its_tags_and_its_chinese_answer(queue, service):
    service.answers(sink(item('[{"error":"显存不足"}]', tags={"task_id": TASK, "requestId": "r-1", "lastCode": "500"})))
    assert poll(queue) == [
        SinkRecord(task_id=TASK, request_id="r-1", index=5, answer='[{"error":"显存不足"}]', status=500)
    ]


@pytest.mark.parametrize(
    ("odd", "answer", "status"),
    [
        ({"data": None}, "", 200),
        ({"data": "!"}, "", 200),
        ({"data": "abc"}, "", 200),
        ({"data": base64.b64encode(b"\xff[]").decode()}, "�[]", 200),
        ({"tags": {"lastCode": "bad gateway"}}, '[{"9":{"images":[]}}]', 500),
        ({"data": "不是编码"}, "", 200),
    ],
)  # fmt: skip
def test_an_odd_record_is_passed_on_to_be_judged_later(queue, service, odd, answer, status):
    service.answers(sink(item(**odd), item(index=6)))
    first, second = poll(queue)
    assert (first.index, first.answer, first.status) == (5, answer, status)
    assert second.index == 6


def test_a_record_without_tags_belongs_to_nobody_and_is_still_told_by_its_index(queue, service):
    service.answers(sink(item(tags="nothing")))
    assert [(record.index, record.task_id) for record in poll(queue)] == [(5, "")]


@pytest.mark.parametrize("content", [{"index": 5}, "nothing", None, 7])
def test_an_answer_that_is_no_list_of_records_has_none(queue, service, content):
    service.answers(Reply(200, json.dumps(content).encode()))
    assert poll(queue) == []


def test_items_that_cannot_be_told_apart_are_left_out(queue, service):
    service.answers(sink("x", {"data": ""}, {"index": "7"}, item()))
    assert [record.index for record in poll(queue)] == [5]


@pytest.mark.parametrize("reply", [HTML, Reply(200, b"\xff\xfe"), Reply(200, b"[{")], ids=["html", "bytes", "cut"])
def test_records_that_cannot_be_read_leave_the_outcome_unknown(queue, service, reply):
    service.answers(reply)
    with pytest.raises(OutcomeUnknown) as raised:
        poll(queue)
    assert raised.value.code == "UnreadableRecords"


def test_an_address_may_end_in_a_slash(service):
    service.answers(NOTHING)
    assert poll(open_image_queue(f"{service.url}/", "tripcanvas_comfyui", TOKEN)) == []
    assert service.seen[0].path.startswith("/api/predict/")


def attributes(length: object, limit: object = "10000") -> Reply:
    return Reply(200, json.dumps({"stream.length": length, "stream.approxMaxLength": limit}).encode())


def test_how_full_the_queues_are_is_asked_of_both(queue, service):
    service.answers(attributes("12"), Reply(503), attributes("9000"))
    assert queue.load() == Load(waiting=12, unread=9000, unread_limit=10_000)
    assert [seen.path.rpartition("/")[2] for seen in service.seen] == ["tripcanvas_comfyui", "sink", "sink"]
    assert all(seen.query == {"_attrs_": "true"} for seen in service.seen)


@pytest.mark.parametrize("reply", [HTML, Reply(200, b"{}"), attributes("many"), attributes(None), Reply(200, b"[]")])
def test_attributes_that_cannot_be_read_leave_it_open(queue, service, reply):
    service.answers(reply)
    with pytest.raises(OutcomeUnknown):
        queue.load()


def test_a_graph_is_taken_out_of_the_input_queue_by_its_index(queue, service):
    service.answers(DROPPED, Reply(200, b"OK"))
    queue.drop(TASK, 7)
    seen = service.seen[-1]
    assert (seen.method, seen.path, seen.query) == (
        "DELETE", "/api/predict/tripcanvas_comfyui", {"_indexes_": "7"},
    )  # fmt: skip
