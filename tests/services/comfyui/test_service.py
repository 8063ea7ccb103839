"""The whole GPU side as processes: a graph goes in by the EAS input queue, the answer comes out of the sink, the file
lies in OSS.
"""

from __future__ import annotations

import base64
import io
import json
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import oss2
import pytest
import requests
from PIL import Image

from localcloud.state import Cloud
from localcloud.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WORKFLOWS = Path(__file__).resolve().parents[3] / "workflows"


@dataclass(frozen=True)
class Answer:
    """One record of the sink."""

    tags: dict[str, str]
    items: Any

    @property
    def outputs(self) -> dict[str, Any]:
        assert "type" not in self.items[-1]
        return dict(self.items[-1])


@dataclass(frozen=True)
class Eas:
    """The queue service as a function uses it: plain requests."""

    cloud: Cloud

    @property
    def _url(self) -> str:
        return f"{self.cloud.url('eas')}/api/predict/{self.cloud.eas_service}"

    def submit(self, graph: object, path: str = "/api_prompt") -> str:
        """Queue one graph and return its task id."""
        task_id = str(uuid.uuid4())
        response = requests.post(
            self._url + path,
            params={"task_id": task_id},
            data=graph if isinstance(graph, bytes) else json.dumps(graph, ensure_ascii=False).encode(),
            headers={"Authorization": self.cloud.eas_token, "Content-Type": "application/json"},
            timeout=10,
        )
        assert response.status_code == 200, response.text
        return task_id

    def answer(self, task_id: str, timeout_s: float = 60.0) -> Answer:
        """Wait for the task's record of the sink, and delete it."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            query: dict[str, str] = {"_index_": "0", "_length_": "1", "_timeout_": "5s", "_raw_": "false"}
            response = requests.get(
                self._url + "/sink",
                params={**query, "_auto_delete_": "false", "task_id": task_id},
                headers={"Authorization": self.cloud.eas_token},
                timeout=20,
            )
            if response.status_code == 200:
                (record,) = response.json()
                requests.delete(
                    self._url + "/sink",
                    params={"_indexes_": str(record["index"])},
                    headers={"Authorization": self.cloud.eas_token},
                    timeout=10,
                ).raise_for_status()
                return Answer(record["tags"], json.loads(base64.b64decode(record["data"])))
            assert response.status_code == 204, response.text
        raise AssertionError("no record came out of the sink")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervisor]:
    cloud = Cloud.open(tmp_path_factory.mktemp("gpu") / "cloud", free_ports=True)
    with Supervisor(cloud, ["oss", "eas", "dashscope", "comfyui"]) as supervisor:
        yield supervisor


@pytest.fixture
def eas(running: Supervisor) -> Eas:
    return Eas(running.cloud)


def stored(cloud: Cloud, item: dict[str, str]) -> bytes:
    bucket = oss2.Bucket(oss2.Auth(cloud.access_key_id, cloud.access_key_secret), cloud.url("oss"), "tripcanvas-render")
    key = "/".join(part for part in ("comfy/output", item["subfolder"], item["filename"]) if part)
    return bytes(bucket.get_object(key).read())


def colour(prefix: str, color: int = 0x2E8B57) -> dict[str, Any]:
    return {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 24, "height": 30, "batch_size": 1, "color": color}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": prefix}},
    }


def test_a_graph_becomes_a_file_in_oss_and_a_record_with_the_callers_tags(eas: Eas) -> None:
    task_id = eas.submit(colour("苏州/行程"))
    answer = eas.answer(task_id)
    assert answer.tags["task_id"] == task_id
    assert "lastCode" not in answer.tags
    executed, outputs = answer.items
    assert executed["type"] == "executed"
    assert executed["data"]["node"] == "9"
    assert executed["data"]["output"] == outputs["9"]
    (item,) = outputs["9"]["images"]
    with Image.open(io.BytesIO(stored(eas.cloud, item))) as picture:
        assert picture.size == (24, 30)
        assert picture.getpixel((3, 3)) == (0x2E, 0x8B, 0x57)
        assert picture.info == {}


def test_the_same_graph_again_is_answered_by_its_outputs_alone(eas: Eas) -> None:
    first = eas.answer(eas.submit(colour("重复/a")))
    again = eas.answer(eas.submit(colour("重复/a")))
    assert again.items == [first.outputs]


def test_a_bad_graph_is_answered_in_comfyuis_words_under_its_status(eas: Eas) -> None:
    graph = colour("x")
    graph["1"]["inputs"]["batch_size"] = 0
    answer = eas.answer(eas.submit(graph))
    assert answer.tags["lastCode"] == "400"
    (body,) = answer.items
    assert body["error"]["type"] == "prompt_outputs_failed_validation"
    assert body["node_errors"]["1"]["errors"][0]["type"] == "value_smaller_than_min"


def test_a_failing_node_is_reported_as_an_execution_error(eas: Eas) -> None:
    answer = eas.answer(eas.submit(colour("../../逃跑")))
    (error,) = answer.items
    assert error["type"] == "execution_error"
    assert error["data"]["node_type"] == "SaveImage"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/prompt", b"{}", "404"),
        ("", b"{}", "404"),
        ("/api_prompt", "不是 JSON".encode(), "400"),
        ("/api_prompt", b"[1]", "400"),
    ],
)
def test_only_a_workflow_on_api_prompt_is_served(eas: Eas, path: str, body: bytes, status: str) -> None:
    assert eas.answer(eas.submit(body, path)).tags["lastCode"] == status


def test_the_landscape_workflow_paints_through_dashscope(eas: Eas) -> None:
    graph = json.loads((WORKFLOWS / "wanx_scene" / "graph.json").read_text("utf-8"))
    task_id = str(uuid.uuid4())
    graph["9"]["inputs"]["filename_prefix"] = f"{task_id}-1/picture"
    answer = eas.answer(eas.submit(graph))
    assert answer.outputs["9"] == {
        "images": [{"filename": "picture_00001_.png", "subfolder": f"{task_id}-1", "type": "output"}]
    }
    assert set(answer.outputs) == {"8", "9"}, "the background without the car, and the picture"
    with Image.open(io.BytesIO(stored(eas.cloud, answer.outputs["9"]["images"][0]))) as picture:
        assert picture.size == (768, 960)
        assert np.asarray(picture).std() > 5


def test_a_prompt_that_the_content_check_refuses_is_told_by_its_code(eas: Eas) -> None:
    graph = json.loads((WORKFLOWS / "wanx_scene" / "graph.json").read_text("utf-8"))
    graph["1"]["inputs"]["prompt"] = "NSFW_TEST_WORD 杭州西湖"
    answer = eas.answer(eas.submit(graph))
    error = answer.items[-1]
    assert error["data"]["node_type"] == "WanxImage"
    assert error["data"]["exception_message"].startswith("[DataInspectionFailed]")


def test_the_text_to_address_workflow_shows_an_address(eas: Eas) -> None:
    graph = json.loads((WORKFLOWS / "article" / "graph.json").read_text("utf-8"))
    (address,) = eas.answer(eas.submit(graph)).outputs["3"]["text"]
    assert requests.get(address, timeout=10).headers["Content-Type"] == "image/png"


def test_a_worker_killed_while_it_paints_has_its_graph_delivered_again(running: Supervisor, eas: Eas) -> None:
    graph = json.loads((WORKFLOWS / "wanx_scene" / "graph.json").read_text("utf-8"))
    graph["1"]["inputs"]["seed"] = 77
    graph["9"]["inputs"]["filename_prefix"] = "杀死/picture"
    task_id = eas.submit(graph)
    wait_until(lambda: is_held(eas))
    running.stop_service("comfyui", kill=True)
    running.start_service("comfyui")
    assert eas.answer(task_id).outputs["9"]["images"][0]["subfolder"] == "杀死"


def test_a_worker_that_is_stopped_while_it_paints_ends_at_once(running: Supervisor, eas: Eas) -> None:
    graph = json.loads((WORKFLOWS / "wanx_scene" / "graph.json").read_text("utf-8"))
    graph["1"]["inputs"]["seed"] = 78
    task_id = eas.submit(graph)
    wait_until(lambda: is_held(eas))
    began = time.monotonic()
    running.stop_service("comfyui")
    assert time.monotonic() - began < 5
    running.start_service("comfyui")
    assert eas.answer(task_id).outputs["9"]


def test_a_picture_that_oss_does_not_take_yet_is_stored_when_it_is_back(running: Supervisor, eas: Eas) -> None:
    running.stop_service("oss")
    task_id = eas.submit(colour("等待/a", 0x112233))
    wait_until(lambda: "waits for OSS" in running.cloud.log_file("comfyui").read_text("utf-8"))
    running.start_service("oss")
    (item,) = eas.answer(task_id).outputs["9"]["images"]
    assert stored(eas.cloud, item).startswith(b"\x89PNG")


def test_nothing_private_reaches_the_log(eas: Eas) -> None:
    graph = colour("x")
    graph["1"]["inputs"]["batch_size"] = "机密地址中山南路"
    eas.answer(eas.submit(graph))
    log = eas.cloud.log_file("comfyui").read_text("utf-8")
    assert "refused" in log
    for private in ("机密", "西湖", eas.cloud.dashscope_api_key, eas.cloud.eas_token, eas.cloud.access_key_secret):
        assert private not in log


def is_held(eas: Eas) -> bool:
    """Whether the worker holds a record that it has not answered yet."""
    response = requests.get(
        f"{eas.cloud.url('eas')}/api/predict/{eas.cloud.eas_service}",
        params={"_attrs_": "true"},
        headers={"Authorization": eas.cloud.eas_token},
        timeout=10,
    )
    return "Pending: 1" in json.dumps(response.json())


def wait_until(condition: Callable[[], object], timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
