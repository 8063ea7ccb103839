"""What the functions themselves cost, beside the models: ``python -m benchmarks.overhead [trips] [--profile]``.

Two measurements on the embedded cloud, with models that answer at once:

* in one warm process, as an instance has it: each function's outward calls (recorded on the wire, not assumed), its CPU
  time, and the time it takes; this program plays the GPU side, with a painted picture
* on the real path, topic to Function Compute to queue: from the event to the queued render, from the queue's record of
  the result to the first sign of it on the ledger and to the post, one trip at a time

The bars are the product's own. The times are those of this machine at this moment; call counts are exact. ``--profile``
prints where each function's CPU time goes instead.
"""

from __future__ import annotations

import argparse
import cProfile
import importlib
import io
import multiprocessing
import os
import pstats
import statistics
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import requests

from benchmarks.tap import Call, Tap
from benchmarks.trips import a_trip, encoded, envelope
from cli.cloud import services_of
from cli.journeys import journeys_of
from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from shared.records import Published, Rendered, Submitted

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from shared.journey import Journey
    from shared.services import Services

FUNCTIONS = ("trip_completed", "relay_results", "image_ready")
#: Trips before the ones that are measured: connections, caches and the template's vocabulary are warm then.
WARM_UP = 3
FAST = {"TRIPCANVAS_LOCAL_INSTANT_MODELS": "1"}

MOST_CALLS, MOST_CPU_MS, MOST_SUBMIT_MS, MOST_NOTICE_MS = 14, 25.0, 60.0, 1000.0
_DEADLINE_S = 30.0


@dataclass
class Run:
    """One run of a function: its calls, its CPU time (all threads) and its duration."""

    calls: list[Call]
    cpu_ms: float
    wall_ms: float
    answer: Any


class Instance:
    """A warm process that runs the functions' handlers, one call at a time, as an instance does."""

    def __init__(self, cloud: Cloud) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, cloud.root), daemon=True)
        self._process.start()

    def call(self, function: str, event: bytes) -> Run:
        self._connection.send((function, event))
        run: Run = self._connection.recv()
        return run

    def profile(self, function: str) -> str:
        """Where the CPU time of the calls of `function` went."""
        self._connection.send((function, None))
        text: str = self._connection.recv()
        return text

    def stop(self) -> None:
        self._process.terminate()
        self._process.join()


def _serve(connection: Connection, root: Path) -> None:
    cloud = Cloud.open(root)
    os.environ.update(cloud.environment())
    os.environ["TRIPCANVAS_RELAY_SECONDS"] = "0.3"
    tap = Tap({port: service for service, port in cloud.ports.items()})
    tap.install()
    context = SimpleNamespace(function=SimpleNamespace(timeout="120"))
    profiles = {function: cProfile.Profile(time.process_time) for function in FUNCTIONS}
    profiling = "TRIPCANVAS_PROFILE" in os.environ
    while True:
        function, event = connection.recv()
        if event is None:
            connection.send(_text(profiles[function]))
            continue
        handler = importlib.import_module(f"functions.{function}.index").handler
        wall, cpu = time.perf_counter(), time.process_time()
        answer = profiles[function].runcall(handler, event, context) if profiling else handler(event, context)
        spent = (time.process_time() - cpu) * 1000
        connection.send(Run(tap.take(), spent, (time.perf_counter() - wall) * 1000, answer))


def _text(profile: cProfile.Profile) -> str:
    out = io.StringIO()
    stats = pstats.Stats(profile, stream=out).strip_dirs()
    stats.sort_stats("cumulative").print_stats(45)
    stats.sort_stats("tottime").print_stats(25)
    return out.getvalue()


class GpuSide:
    """The GPU side, played: takes what is queued, stores a picture where ComfyUI would, and answers into the sink."""

    def __init__(self, cloud: Cloud, services: Services) -> None:
        self._url = f"{cloud.url('eas')}/api/predict/{cloud.eas_service}"
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = cloud.eas_token
        self._renders = services.renders
        self._picture = _a_picture()

    def take(self) -> str:
        """The task id of the next queued render, which is then gone from the queue."""
        query = {"_index_": "0", "_length_": "1", "_timeout_": "20s", "_raw_": "false", "_auto_delete_": "true"}
        answer = self._session.get(self._url, params=query, timeout=_DEADLINE_S)
        answer.raise_for_status()
        task: str = answer.json()[0]["tags"]["task_id"]
        return task

    def paint(self, task: str) -> None:
        self._renders.put(f"comfy/output/{task}/picture_00001_.png", self._picture, "image/png")

    def report(self, task: str) -> None:
        self._session.post(f"{self._url}/sink", params={"task_id": task}, data=_answer(task), timeout=10)


def _a_picture() -> bytes:
    from PIL import Image

    from localcloud.painter import paint

    out = io.BytesIO()
    Image.fromarray(paint("watercolour, west lake, spring, morning", seed=1)).save(out, "PNG", compress_level=4)
    return out.getvalue()


def _answer(task: str) -> bytes:
    file = {"filename": "picture_00001_.png", "subfolder": task, "type": "output"}
    return encoded([{"9": {"images": [file]}}])


@dataclass
class Measured:
    """What the two measurements found; times in milliseconds."""

    runs: dict[str, list[Run]] = field(default_factory=lambda: {function: [] for function in FUNCTIONS})
    to_submitted: list[float] = field(default_factory=list)
    to_noticed: list[float] = field(default_factory=list)
    to_post: list[float] = field(default_factory=list)
    first_to_submitted: float = 0.0


def in_a_warm_process(trips: int, *, profiling: bool) -> dict[str, list[Run]]:
    """Run each function `trips` times. Prints the profiles when `profiling`."""
    runs: dict[str, list[Run]] = {function: [] for function in FUNCTIONS}
    with tempfile.TemporaryDirectory() as folder:
        cloud = Cloud.open(Path(folder) / "cloud", free_ports=True)
        with Supervisor(cloud, ["oss", "mns", "eas", "dashscope", "green", "feed"], FAST):
            _make_topics(cloud)
            services = services_of(cloud)
            gpu, instance = GpuSide(cloud, services), Instance(cloud)
            for number in range(WARM_UP + trips):
                one = _one_trip(number, instance, gpu)
                if number >= WARM_UP:
                    for function, run in one.items():
                        runs[function].append(run)
            if profiling:
                for function in FUNCTIONS:
                    print(f"\n===== {function}, {WARM_UP + trips} calls, CPU seconds\n{instance.profile(function)}")
            instance.stop()
    return runs


def _one_trip(number: int, instance: Instance, gpu: GpuSide) -> dict[str, Run]:
    taken = instance.call("trip_completed", envelope("trip-completed", encoded(_one_style(number))))
    task = gpu.take()
    gpu.paint(task)
    gpu.report(task)
    relayed = instance.call("relay_results", b"{}")
    # A poll that finds nothing belongs to no trip.
    relayed.calls = [call for call in relayed.calls if call.status != 204]
    forwarded = {"task_id": task, "request_id": "", "index": 1, "answer": _answer(task).decode()}
    finished = instance.call("image_ready", envelope("render-finished", encoded(forwarded)))
    [outcome] = finished.answer["outcomes"]
    if outcome["step"] != "published" or relayed.answer != {"forwarded": 1}:
        raise SystemExit(f"the straight path was left: {outcome}, {relayed.answer}")
    return {"trip_completed": taken, "relay_results": relayed, "image_ready": finished}


def _one_style(number: int) -> dict[str, Any]:
    trip = a_trip(number)
    return {**trip, "styles": trip.get("styles", [])[:1]}


def _make_topics(cloud: Cloud) -> None:
    from mns.account import Account
    from mns.topic import TopicMeta

    account = Account(cloud.url("mns"), cloud.access_key_id, cloud.access_key_secret, "")
    for topic in ("trip-completed", "render-finished"):
        account.get_topic(topic).create(TopicMeta())


def on_the_real_path(trips: int) -> Measured:
    """Send trips one after the other through topic, Function Compute and queues; the GPU side is played."""
    measured = Measured()
    with tempfile.TemporaryDirectory() as folder:
        cloud = Cloud.open(Path(folder) / "cloud", free_ports=True)
        with Supervisor(cloud, ["oss", "mns", "eas", "dashscope", "green", "feed", "fc"], FAST):
            services = services_of(cloud)
            gpu = GpuSide(cloud, services)
            for number in range(WARM_UP + trips):
                trip = encoded(_one_style(number))
                [journey_id] = journeys_of(trip, services)
                sent = _publish(services, trip)
                task = gpu.take()
                gpu.paint(task)
                submitted = _until(services, journey_id, lambda found: bool(found.find(Submitted)))
                in_sink = time.time()
                gpu.report(task)
                journey = _until(services, journey_id, lambda found: found.finished)
                to_submitted = _ms(submitted.need(Submitted).at.timestamp() - sent)
                if number == 0:
                    measured.first_to_submitted = to_submitted
                if number >= WARM_UP:
                    measured.to_submitted.append(to_submitted)
                    measured.to_noticed.append(_ms(journey.need(Rendered).at.timestamp() - in_sink))
                    measured.to_post.append(_ms(journey.need(Published).at.timestamp() - in_sink))
    return measured


def _publish(services: Services, trip: bytes) -> float:
    """Publish once there is somebody to hear it; when it was sent, in seconds since 1970."""
    sent = time.time()
    services.messages.publish("trip-completed", trip)
    return sent


def _until(services: Services, journey_id: str, done: Callable[[Journey], bool]) -> Journey:
    deadline = time.monotonic() + 2 * _DEADLINE_S
    while not done(found := services.ledger.read(journey_id)):
        if time.monotonic() > deadline:
            raise SystemExit(f"journey {found.id} stands at {found.step} and does not move")
        # Seldom: looking takes CPU from what is measured.
        time.sleep(0.1)
    return found


def _ms(seconds: float) -> float:
    return seconds * 1000


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def report(measured: Measured) -> None:
    runs = measured.runs
    calls = {function: _usual(found) for function, found in runs.items()}
    print(
        f"\n{'function':16} {'calls':>5} {'new conns':>9} {'CPU ms p50':>11} {'p95':>7} {'wall ms p50':>12} {'p95':>7}"
    )
    for function, found in runs.items():
        cpu, wall = [run.cpu_ms for run in found], [run.wall_ms for run in found]
        fresh = statistics.median(sum(call.new_connection for call in run.calls) for run in found)
        print(
            f"{function:16} {len(calls[function]):5} {fresh:9g} {statistics.median(cpu):11.1f} {p95(cpu):7.1f}"
            f" {statistics.median(wall):12.1f} {p95(wall):7.1f}"
        )
    for function, found in runs.items():
        print(f"\n{function}")
        for number, name in enumerate(calls[function], 1):
            same = [call for run in found for call in run.calls if call.name == name]
            waited, fresh = (
                statistics.median(call.waited_ms for call in same),
                sum(call.new_connection for call in same),
            )
            connecting = f", {fresh / len(same):.0%} on a new connection" if fresh else ""
            print(f"  {number:2} {name:90} {waited:6.1f} ms{connecting}")
    model_ms = statistics.median(
        sum(call.waited_ms for call in run.calls if " dashscope " in call.name or " green " in call.name)
        for run in runs["trip_completed"]
    )
    print("\non the real path, one trip at a time, ms")
    for what, values in (
        ("event to submitted, models and moderation included", measured.to_submitted),
        ("record in the sink to its first sign on the ledger", measured.to_noticed),
        ("record in the sink to post", measured.to_post),
    ):
        print(
            f"  {what:52} p50 {statistics.median(values):7.1f}  p95 {p95(values):7.1f}  max {max(values):7.1f}"
            f"  n {len(values)}"
        )
    print(f"  {'event to submitted, first trip of a new deployment':52} {measured.first_to_submitted:11.1f}")
    cpu_ms = statistics.median(run.cpu_ms for run in runs["trip_completed"])
    print(f"\n{'measured against the bars':52} {'measured':>9} {'bar':>7}")
    for what, value, bar in (
        ("outward calls of a trip, all functions", float(sum(map(len, calls.values()))), float(MOST_CALLS)),
        ("trip_completed, CPU ms (p50)", cpu_ms, MOST_CPU_MS),
        ("event to submitted less the model's answer, ms (p95)", p95(measured.to_submitted) - model_ms, MOST_SUBMIT_MS),
        ("record in the sink to noticed, ms (p95)", p95(measured.to_noticed), MOST_NOTICE_MS),
    ):
        print(f"{what:52} {value:9.1f} {bar:7.0f}  {'ok' if value <= bar else 'MISSED'}")


def _usual(runs: list[Run]) -> list[str]:
    """The calls of a run as most runs make them; where calls run side by side, in one of their orders."""
    names = [tuple(call.name for call in run.calls) for run in runs]
    usual = Counter(tuple(sorted(found)) for found in names).most_common(1)[0][0]
    return list(next(found for found in names if tuple(sorted(found)) == usual))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trips", type=int, nargs="?", default=60)
    parser.add_argument("--profile", action="store_true", help="print where the CPU time goes instead")
    arguments = parser.parse_args()
    if arguments.profile:
        os.environ["TRIPCANVAS_PROFILE"] = "1"
        in_a_warm_process(arguments.trips, profiling=True)
        return
    runs = in_a_warm_process(arguments.trips, profiling=False)
    measured = on_the_real_path(arguments.trips)
    measured.runs = runs
    report(measured)


if __name__ == "__main__":
    main()
