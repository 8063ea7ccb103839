"""The queue of one server: order, taking back, cancelling, and what is remembered."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from localcloud.comfyui import interruption
from localcloud.comfyui.jobs import Job, Jobs
from localcloud.comfyui.node_classes import LoadedNodes
from localcloud.comfyui.render_bucket import NotStored
from localcloud.comfyui.results import Run
from localcloud.comfyui.runner import Runner
from localcloud.comfyui.server import Server
from tests.services.comfyui.failures import node
from tests.services.comfyui.test_as_queue import wait_until

if TYPE_CHECKING:
    from pathlib import Path


class Engine:
    """Runs one job at a time, when the test lets it."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.gate = threading.Semaphore(0)

    def __call__(self, job: Job) -> Run:
        while not self.gate.acquire(timeout=0.01):
            try:
                interruption.stop_if_interrupted()
            except interruption.InterruptProcessingException:
                return Run(job.prompt_id, (), {}, {"node_id": "1"}, interrupted=True)
        self.ran.append(job.prompt_id)
        return Run(job.prompt_id, (), {"9": {"text": ["好"]}})


def job(number: float, name: str) -> Job:
    return Job(number, name, {}, {}, ("9",))


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def jobs(engine: Engine) -> Jobs:
    found = Jobs(engine)
    found.put(job(0, "first"))
    wait_until(lambda: found.queue()["queue_running"])
    return found


def test_those_in_front_go_first_and_the_last_of_them_before_all(jobs: Jobs, engine: Engine) -> None:
    for number, name in ((1, "b"), (2, "c"), (-3, "d"), (-4, "e")):
        jobs.put(job(number, name))
    assert jobs.remaining == 5
    engine.gate.release(5)
    wait_until(lambda: not jobs.remaining)
    assert engine.ran == ["first", "e", "d", "b", "c"]


def test_what_is_taken_back_is_never_run_and_never_remembered(jobs: Jobs, engine: Engine) -> None:
    for name in ("b", "c", "d"):
        jobs.put(job(1, name))
    jobs.take_back("c")
    jobs.take_back("first")
    jobs.take_back("unknown")
    engine.gate.release(3)
    wait_until(lambda: not jobs.remaining)
    assert engine.ran == ["first", "b", "d"]
    assert list(jobs.history(None, -1)) == ["first", "b", "d"]
    jobs.put(job(5, "x"))
    jobs.put(job(6, "y"))
    jobs.take_all_back()
    assert jobs.remaining <= 1


def test_only_the_job_that_is_meant_is_cancelled(jobs: Jobs, engine: Engine) -> None:
    jobs.put(job(1, "b"))
    jobs.interrupt("b")
    assert jobs.entry("first") == {}
    jobs.interrupt("first")
    wait_until(lambda: jobs.entry("first"))
    status = jobs.entry("first")["first"]["status"]
    assert (status["status_str"], status["completed"]) == ("error", False)
    assert status["messages"][-1][0] == "execution_interrupted"
    engine.gate.release()
    wait_until(lambda: not jobs.remaining)
    assert engine.ran == ["b"]


def test_the_history_is_told_oldest_first_and_in_parts(jobs: Jobs, engine: Engine) -> None:
    for number in range(1, 5):
        jobs.put(job(number, str(number)))
    engine.gate.release(5)
    wait_until(lambda: not jobs.remaining)
    assert list(jobs.history(2, -1)) == ["3", "4"]
    assert list(jobs.history(2, 0)) == ["first", "1"]
    assert list(jobs.history(None, 3)) == ["3", "4"]
    jobs.forget("3")
    assert list(jobs.history(9, -1)) == ["first", "1", "2", "4"]
    jobs.forget_all()
    assert jobs.history(None, -1) == {}


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (NotStored("OSS answered 403"), "OSError", "[Errno 5] Input/output error\n"),
        (KeyError("西湖"), "KeyError", "\n"),
    ],
)
def test_a_job_that_cannot_be_delivered_fails_and_the_next_one_runs(
    tmp_path: Path, error: Exception, kind: str, message: str
) -> None:
    from localcloud.comfyui.core_nodes import core_nodes
    from localcloud.comfyui.folders import Folders

    stored: list[Any] = []

    def store(file: Any, blob: bytes) -> None:
        if not stored:
            stored.append(file)
            raise error

    folders = Folders(tmp_path)
    nodes = LoadedNodes(core_nodes(folders), {})
    server = Server(nodes, Runner(nodes.classes, folders), folders, store)
    graph = {"1": node("EmptyImage", width=8, height=8, batch_size=1, color=1),
             "9": node("SaveImage", images=["1", 0], filename_prefix="x")}  # fmt: skip
    jobs = server.jobs
    jobs.put(Job(0, "a", graph, {}, ("9",)))
    jobs.put(Job(1, "b", {**graph, "9": node("SaveImage", images=["1", 0], filename_prefix="y")}, {}, ("9",)))
    wait_until(lambda: jobs.entry("b"))
    kind_told, data = jobs.entry("a")["a"]["status"]["messages"][-1]
    assert kind_told == "execution_error"
    assert (data["exception_type"], data["exception_message"], data["node_type"]) == (kind, message, "SaveImage")
    assert jobs.entry("b")["b"]["status"]["completed"] is True
