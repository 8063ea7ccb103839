"""Each failure provoked on a real ComfyUI server, and its answer read: a code, a sentence, never a false success.

Needs ``COMFYUI_URL``, and on that server what `failures` says.
"""

from __future__ import annotations

import os
import uuid

import pytest
import requests

from shared.results import Files, SinkRecord, read_answer
from shared.workflows import load_workflow
from tests.services.comfyui.failures import CASES, PRIVATE, TASK, Case, node, provoke, sink_bodies

URL = os.environ.get("COMFYUI_URL", "").rstrip("/")

if not URL:
    pytest.skip("COMFYUI_URL names no ComfyUI server to provoke", allow_module_level=True)


@pytest.fixture(scope="module")
def there() -> str:
    """What the server says of the classes and models that some cases need."""
    names = ("ProbeRaise", "WanxImage", "CheckpointLoaderSimple")
    return "".join(requests.get(f"{URL}/object_info/{name}", timeout=60).text for name in names)


@pytest.mark.parametrize("name", CASES)
def test_each_end_of_a_job_is_read_for_what_it_is(name: str, there: str) -> None:
    case = CASES[name]
    graph = case.graph if isinstance(case.graph, dict) else {}
    used = [each.get("class_type", "") for each in graph.values() if isinstance(each, dict)]
    for needed in [case.needs, *(kind for kind in used if kind.startswith(("Probe", "Wanx")))]:
        if needed.removesuffix("Sleep").removesuffix("Video") not in there:
            pytest.skip(f"the server has no {needed}")
    answer = provoke(URL, case)
    code, reason = case.outcome(answer.status)
    for status, body in sink_bodies(answer):
        reading = read_answer(SinkRecord(task_id=TASK, request_id="", index=1, answer=body, status=status), "9")
        if isinstance(reading, Files):
            assert code == "files"
            continue
        assert (reading.code, reading.reason) == (code, reason or reading.reason)
        assert not [word for word in PRIVATE if word in reading.reason]


def test_another_attempt_after_a_foreign_file_paints_a_file_of_its_own() -> None:
    """The next attempt's file name prefix is another one, which the cache does not know."""
    graph = {
        "1": node("EmptyImage", width=8, height=8, batch_size=1, color=5),
        "9": node("SaveImage", images=["1", 0], filename_prefix=f"{uuid.uuid4()}-1/picture"),
    }
    provoke(URL, Case(graph, "files"))
    task = f"{uuid.uuid4()}-2"
    for prefix, wanted in (
        (graph["9"]["inputs"]["filename_prefix"], "foreign_picture"),
        (f"{task}/picture", "files"),
    ):
        graph["9"]["inputs"]["filename_prefix"] = prefix
        answer = provoke(URL, Case(graph, ""))
        for status, body in sink_bodies(answer):
            reading = read_answer(SinkRecord(task_id=task, request_id="", index=1, answer=body, status=status), "9")
            assert ("files" if isinstance(reading, Files) else reading.code) == wanted


def test_every_workflow_saves_under_the_tasks_own_prefix() -> None:
    """What the retry above relies on: the prefix is a parameter of the workflow's output node."""
    workflow = load_workflow("wanx_scene")
    assert workflow.parameters["filename_prefix"].node == workflow.about.output_node
