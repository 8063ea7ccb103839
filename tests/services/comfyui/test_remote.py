"""A ComfyUI server as the engine, and how its absences are told; the answers are those a real 0.3.64 gave."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from localcloud.comfyui.container import Container
from localcloud.comfyui.remote import RemoteComfyUI
from localcloud.comfyui.render_bucket import NotStored, key_of
from localcloud.comfyui.results import EngineDown, GraphRefused, OutputFile, Run
from tests.unit.nodes.scripted import Reply, Script

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

GRAPH = {"1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}}}
IDLE = Reply({"queue_running": [], "queue_pending": []})
SAVED = {"images": [{"filename": "测试_00001_.png", "subfolder": "任务-1", "type": "output"}]}
OK = Reply({"prompt_id": "job-1", "number": 0, "node_errors": {}})


@pytest.fixture
def server() -> Iterator[Script]:
    script = Script()
    script.on("/prompt", OK)
    script.on("/queue", IDLE)
    yield script
    script.close()


def history(outputs: dict[str, Any], *messages: list[Any]) -> Reply:
    status = {"status_str": "success", "completed": True, "messages": list(messages)}
    return Reply({"job-1": {"prompt": [0, "job-1", GRAPH, {}, ["9"]], "outputs": outputs, "status": status}})


def test_a_job_is_followed_from_the_queue_to_its_files(server: Script) -> None:
    running = Reply({"queue_running": [[0, "job-1", GRAPH, {}, ["9"]]], "queue_pending": []})
    server.on("/queue", running, running, running, running, IDLE)
    empty = Reply({})
    server.on("/history/job-1", empty, empty, empty, empty, history({"9": SAVED}))
    server.on("/view", Reply(b"\x89PNG"))
    engine = RemoteComfyUI(server.host)
    run = engine.run(GRAPH, "job-1")
    assert run == Run("job-1", ("9",), {"9": SAVED})
    (file,) = run.new_files()
    assert engine.read(file) == b"\x89PNG"
    (order,) = server.requests_to("/prompt")
    assert order.body == {"prompt": GRAPH, "prompt_id": "job-1", "client_id": "job-1"}


def test_nodes_served_from_the_cache_did_not_run(server: Script) -> None:
    cached = ["execution_cached", {"nodes": ["1", "9"], "prompt_id": "job-1"}]
    server.on("/history/job-1", history({"9": SAVED}, cached))
    assert RemoteComfyUI(server.host).run(GRAPH, "job-1").ran == ()


def test_a_refused_graph_carries_the_servers_body(server: Script) -> None:
    body = {"error": {"type": "prompt_no_outputs", "message": "Prompt has no outputs"}, "node_errors": {}}
    server.on("/prompt", Reply(body, 400))
    with pytest.raises(GraphRefused) as caught:
        RemoteComfyUI(server.host).run(GRAPH, "job-1")
    assert caught.value.body == body


def test_a_failed_node_is_the_runs_failure(server: Script) -> None:
    failure = {"prompt_id": "job-1", "node_id": "1", "exception_message": "出错了\n", "exception_type": "ValueError"}
    server.on("/history/job-1", history({}, ["execution_error", failure]))
    assert RemoteComfyUI(server.host).run(GRAPH, "job-1").failure == failure


def test_a_restarted_server_has_forgotten_the_job(server: Script) -> None:
    server.on("/history/job-1", Reply({}))
    with pytest.raises(EngineDown, match="no longer knows"):
        RemoteComfyUI(server.host).run(GRAPH, "job-1")


@pytest.mark.parametrize("reply", [Reply(b"500 Internal Server Error", 500), Reply(drop=True)], ids=["500", "dropped"])
def test_a_server_that_does_not_take_the_job_is_down(server: Script, reply: Reply) -> None:
    server.on("/prompt", reply)
    with pytest.raises(EngineDown):
        RemoteComfyUI(server.host).run(GRAPH, "job-1")


def test_a_file_that_was_moved_away_meanwhile_is_not_there(server: Script) -> None:
    with pytest.raises(EngineDown, match="404"):
        RemoteComfyUI(server.host).read(OutputFile("a.png", "", "output"))


def test_a_server_that_is_down_is_answered_as_a_bad_gateway() -> None:
    script = Script()
    script.close()
    reply = Container(RemoteComfyUI(script.host), lambda *_: None).answer("/api_prompt", json.dumps(GRAPH).encode())
    assert reply.status == 502


class _Painted:
    """An engine whose one picture is always ready."""

    def run(self, graph: Mapping[str, Any], prompt_id: str) -> Run:
        return Run(prompt_id, ("9",), {"9": SAVED})

    def read(self, file: OutputFile) -> bytes:
        return b"\x89PNG"


def test_a_picture_that_oss_never_takes_fails_as_an_io_error_of_the_mount() -> None:
    def refuse(file: OutputFile, blob: bytes) -> None:
        raise NotStored("OSS answered 403: AccessDenied")

    reply = Container(_Painted(), refuse).answer("api_prompt", json.dumps(GRAPH).encode())
    assert reply.status == 200
    (item,) = json.loads(reply.body)
    assert item["type"] == "execution_error"
    assert item["data"]["exception_type"] == "OSError"


def test_a_file_is_stored_under_the_mounted_prefix() -> None:
    taken: list[str] = []
    Container(_Painted(), lambda file, _: taken.append(key_of(file))).answer("api_prompt", json.dumps(GRAPH).encode())
    assert taken == ["comfy/output/任务-1/测试_00001_.png"]
