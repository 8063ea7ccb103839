"""The standard edition's client: what each answer of the server means, what is sent, and what never is."""

from __future__ import annotations

import json

import pytest

from shared.clouds.comfyui_server import MOST_WAITING, MOST_WAITING_BACKFILL, ComfyUIServer, open_comfyui_server
from shared.clouds.image_queue import Load, Place
from shared.errors import Misconfigured, OutcomeUnknown, Refused, Unavailable
from shared.results import SinkRecord, read_answer
from shared.services import Services
from shared.settings import Credentials, Settings
from tests.services.comfyui.failures import ANSWERS, CASES, PRIVATE
from tests.unit.clouds.scripted import CUT_SHORT, DROPPED, HTML, PATIENCE_S, SILENT, Reply, session_with

TOKEN = "eas-token-5c0d9f2b"
GRAPH = '{"1":{"class_type":"WanxImage","inputs":{"prompt":"水墨画:西湖的雨"}}}'.encode()
TASK = "3f2b7c1e-6a0d-5c7f-9d3b-2a8e4f1c5d60-1"
PICTURE = {"filename": "picture_00001_.png", "subfolder": TASK, "type": "output"}


def said(content: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(content, ensure_ascii=False).encode())


def waiting(count: int) -> Reply:
    return said({"exec_info": {"queue_remaining": count}})


TAKEN = said({"prompt_id": TASK, "number": 6, "node_errors": {}})


def entry(outputs: object, *messages: object, number: int = 6, completed: bool = True) -> dict[str, object]:
    status = {"status_str": "success" if completed else "error", "completed": completed, "messages": messages}
    return {"prompt": [number, TASK, {"1": "水墨画:西湖的雨"}, {}, ["9"]], "outputs": outputs, "status": status}


@pytest.fixture
def server(service) -> ComfyUIServer:
    return at(service.url)


def at(url: str, patience_s: float = PATIENCE_S) -> ComfyUIServer:
    return ComfyUIServer(f"{url}/api/predict/comfy", TOKEN, session_with(patience_s), _sleep=lambda _: None)


def test_a_put_carries_the_graph_under_the_tasks_own_id(server, service):
    service.answers(waiting(0), TAKEN)
    assert server.put(GRAPH, task_id=TASK, traceparent="00-aa-bb-01") == (7, TASK)
    asked, sent = service.seen
    assert (asked.method, asked.path) == ("GET", "/api/predict/comfy/prompt")
    assert (sent.method, sent.path) == ("POST", "/api/predict/comfy/prompt")
    assert sent.headers["authorization"] == TOKEN
    assert json.loads(sent.body) == {
        "prompt": json.loads(GRAPH), "prompt_id": TASK, "client_id": TASK, "extra_data": {"traceparent": "00-aa-bb-01"},
    }  # fmt: skip


@pytest.mark.parametrize(("priority", "limit"), [(True, MOST_WAITING), (False, MOST_WAITING_BACKFILL)])
def test_few_graphs_wait_in_a_queue_that_knows_no_priority(server, service, priority, limit):
    service.answers(waiting(limit))
    with pytest.raises(Unavailable) as raised:
        server.put(GRAPH, task_id=TASK, priority=priority)
    assert raised.value.code == "QueueFull"
    assert [seen.method for seen in service.seen] == ["GET"]
    service.answers(waiting(limit - 1), TAKEN)
    server.put(GRAPH, task_id=TASK, priority=priority)


def test_a_server_that_does_not_say_how_much_waits_was_sent_nothing(service):
    for reply in (SILENT, DROPPED, HTML, Reply(502), said({"exec_info": None})):
        service.answers(reply)
        with pytest.raises(Unavailable):
            at(service.url, reply.patience_s).put(GRAPH, task_id=TASK)
    assert {seen.method for seen in service.seen} == {"GET"}


@pytest.mark.parametrize(
    "reply",
    [Reply(502), SILENT, DROPPED, CUT_SHORT, HTML, said([]), said({"prompt_id": "another", "number": 1})],
    ids=["502", "silent", "dropped", "cut", "html", "list", "another"],
)
def test_a_put_that_may_have_been_taken_is_not_sent_twice(service, reply):
    service.answers(waiting(0), reply)
    with pytest.raises(OutcomeUnknown):
        at(service.url, reply.patience_s).put(GRAPH, task_id=TASK)
    assert [seen.method for seen in service.seen] == ["GET", "POST"]


RECORDED = json.loads((ANSWERS / "comfyui-0.3.64.json").read_text("utf-8"))


@pytest.mark.parametrize("name", [name for name, each in RECORDED.items() if each["status"] == 400])
def test_a_refused_graph_is_told_in_safe_words(server, service, name):
    service.answers(waiting(0), said(RECORDED[name]["body"], 400))
    with pytest.raises(Refused) as raised:
        server.put(GRAPH, task_id=TASK)
    assert raised.value.code == CASES[name].code
    assert CASES[name].reason in str(raised.value)
    assert not [word for word in PRIVATE if word in str(raised.value)]


def test_a_partly_valid_graph_is_refused_and_its_good_part_taken_back(server, service):
    service.answers(waiting(0), said({**RECORDED["partly valid"]["body"], "prompt_id": TASK}), Reply(200))
    with pytest.raises(Refused) as raised:
        server.put(GRAPH, task_id=TASK)
    assert "a part of the graph was refused: node 8 (SaveImage)" in str(raised.value)
    told = [(seen.path.rpartition("/")[2], json.loads(seen.body)) for seen in service.seen[2:]]
    assert told == [("queue", {"delete": [TASK]}), ("interrupt", {"prompt_id": TASK})]


def test_a_400_of_somebody_else_is_a_refusal_without_words(server, service):
    service.answers(waiting(0), Reply(400, "<html>坏请求".encode()), waiting(0), said({"message": "西湖"}, 400))
    for _ in range(2):
        with pytest.raises(Refused) as raised:
            server.put(GRAPH, task_id=TASK)
        assert str(raised.value) == "eas: 400"


@pytest.mark.parametrize("status", [401, 403, 404, 302])
def test_a_refused_token_names_the_settings_and_keeps_the_secret(server, service, status):
    service.answers(Reply(status, TOKEN.encode()))
    with pytest.raises(Misconfigured) as raised:
        server.poll_sink(wait_s=0, length=16)
    assert "TRIPCANVAS_EAS_EDITION" in str(raised.value)
    assert TOKEN not in str(raised.value) + repr(server)


IDLE = said({"queue_running": [], "queue_pending": []})


@pytest.mark.parametrize(
    ("answers", "found", "asked"),
    [
        ([said({"queue_running": [[3, TASK, {}, {}, ["9"]]], "queue_pending": []})], Place(4, reported=False), 1),
        ([said({"queue_running": [], "queue_pending": [[-1, "x"], [4, TASK]]})], Place(5, reported=False), 1),
        ([IDLE, said({TASK: entry({})})], Place(7, reported=True), 2),
        ([IDLE, said({})], None, 2),
    ],
    ids=["running", "waiting", "over", "nowhere"],
)
def test_a_task_is_looked_up_by_its_id(server, service, answers, found, asked):
    service.answers(*answers)
    assert server.find(TASK) == found
    paths = [f"/api/predict/comfy/{name}" for name in ("queue", f"history/{TASK}")]
    assert [seen.path for seen in service.seen] == paths[:asked]


@pytest.mark.parametrize("reply", [HTML, said([]), said({"queue_running": {}}), said({})])
def test_a_queue_that_cannot_be_read_leaves_it_open(server, service, reply):
    service.answers(reply)
    with pytest.raises(OutcomeUnknown):
        server.find(TASK)


def test_only_our_own_tasks_are_forwarded_and_deleted(server, service):
    theirs = entry({"9": {"images": [{**PICTURE, "subfolder": "设计师"}]}})
    service.answers(said({"8796e48d-7a9a-4928-924e-8f4fb2108bde": theirs, TASK: entry({"9": {"images": [PICTURE]}})}))
    [record] = server.poll_sink(wait_s=0, length=16)
    assert (record.task_id, record.index, record.status) == (TASK, 7, 200)
    assert read_answer(record, "9").paths == (f"{TASK}/picture_00001_.png",)
    assert service.seen[0].query == {"max_items": "64"}
    service.answers(Reply(200))
    server.delete_from_sink([record])
    assert (service.seen[-1].method, json.loads(service.seen[-1].body)) == ("POST", {"delete": [TASK]})


def test_a_forwarded_entry_holds_neither_the_graph_nor_what_a_node_was_given(server, service):
    told = {"node_type": "WanxImage", "exception_message": "[Throttling] 限流", "traceback": ["/code/西湖"],
            "current_inputs": {"prompt": ["西湖的雨"]}}  # fmt: skip
    failed = entry({"3": {"text": ["西湖的雨"]}}, ["execution_error", told], completed=False)
    service.answers(said({TASK: failed}))
    [record] = server.poll_sink(wait_s=0, length=16)
    assert "西湖" not in record.answer
    assert read_answer(record, "9").code == "image_service_busy"


@pytest.mark.parametrize("name", [name for name, each in RECORDED.items() if each["history"]])
def test_each_recorded_history_entry_is_read_as_in_the_other_edition(server, service, name):
    service.answers(said({TASK: RECORDED[name]["history"]}))
    [record] = server.poll_sink(wait_s=0, length=16)
    reading = read_answer(SinkRecord(**{**{f: getattr(record, f) for f in record.__struct_fields__},
                                        "task_id": "3d67a0b4-e8ab-5de6-b5f9-077a023859ae-1"}), "9")  # fmt: skip
    if name == "partly valid":
        # Its history says success; it is refused when it is put.
        return
    assert getattr(reading, "code", "files") == CASES[name].code
    assert getattr(reading, "reason", "") == (CASES[name].reason or getattr(reading, "reason", ""))


def test_waiting_ends_with_the_first_result(server, service):
    service.answers(said({}), said({}), said({TASK: entry({})}))
    assert len(server.poll_sink(wait_s=30, length=1)) == 1
    assert [seen.query for seen in service.seen] == [{"max_items": "8"}] * 3


def test_waiting_ends_with_the_time(server, service):
    service.answers(said({}))
    assert server.poll_sink(wait_s=0.01, length=1) == []


def test_a_result_that_others_have_pushed_down_is_read_by_its_id_once_it_was_asked_after(server, service):
    pushed = said({TASK: entry({"9": {"images": [PICTURE]}})})
    service.answers(IDLE, pushed)
    assert server.find(TASK) == Place(7, reported=True)
    service.answers(pushed, said({"others": {}}))
    [record] = server.poll_sink(wait_s=0, length=16)
    assert record.task_id == TASK
    service.answers(Reply(200))
    server.delete_from_sink([record])
    service.answers(said({}))
    assert server.poll_sink(wait_s=0, length=16) == []
    assert service.seen[-1].path.endswith("/history")


def test_a_history_too_large_to_read_is_read_by_its_newest_entry(service):
    service.answers(HTML, said({TASK: entry({})}))
    assert len(at(service.url).poll_sink(wait_s=0, length=16)) == 1
    assert [seen.query for seen in service.seen] == [{"max_items": "64"}, {"max_items": "1"}]


def test_a_graph_is_taken_back_by_its_task(server, service):
    service.answers(Reply(503), Reply(200))
    server.drop(TASK, 7)
    assert [(seen.path.rpartition("/")[2], json.loads(seen.body)) for seen in service.seen] == [
        ("queue", {"delete": [TASK]})
    ] * 2


def test_how_full_it_is(server, service):
    service.answers(waiting(5), said({TASK: entry({}), "other": {}}))
    assert server.load() == Load(waiting=5, unread=1, unread_limit=64)


def test_odd_entries_are_passed_on_to_be_judged_later(server, service):
    service.answers(said({TASK: {"prompt": None, "outputs": [], "status": None}, f"{TASK}0": "nothing"}))
    [record] = server.poll_sink(wait_s=0, length=16)
    assert (record.index, read_answer(record, "9").code) == (1, "no_picture")


def test_without_a_token_the_address_is_the_servers_own(service):
    service.answers(said({}))
    open_comfyui_server(f"{service.url}/", "comfy", "").poll_sink(wait_s=0, length=1)
    assert service.seen[0].path == "/history"
    assert "authorization" not in service.seen[0].headers
    open_comfyui_server(f"{service.url}/", "comfy", TOKEN).poll_sink(wait_s=0, length=1)
    assert service.seen[1].path == "/api/predict/comfy/history"


def test_the_edition_is_a_setting():
    def queue(**settings):
        return Services(Settings(eas_url="http://eas", **settings), Credentials("a", "b")).image_queue

    assert type(queue(eas_edition="standard")) is ComfyUIServer
    assert type(queue(eas_token="t")).__name__ == "EasQueue"
    with pytest.raises(Misconfigured, match="TRIPCANVAS_EAS_EDITION must be api or standard"):
        queue(eas_edition="cluster")
