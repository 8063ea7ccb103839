"""How fast the embedded EAS queue service is: ``python -m benchmarks.eas_queue [rounds]``.

Starts the service as a process on free ports in a temporary folder, and measures with `requests` on kept connections,
as a function would: puts with 1 and with 8 senders, one put + get + delete, a record's way to a waiting watch, a long
poll with 200 others waiting.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import requests
from websockets.sync.client import connect

from localcloud.state import Cloud
from localcloud.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable

BODY = b"x" * 4096
READ = {"_index_": "0", "_length_": "1", "_timeout_": "5s", "_raw_": "false", "_auto_delete_": "false"}


class Caller:
    """One kept connection to one queue."""

    def __init__(self, cloud: Cloud, queue: str = "") -> None:
        self.url = f"{cloud.url('eas')}/api/predict/{cloud.eas_service}{queue}"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = cloud.eas_token

    def put(self, **tags: str) -> str:
        answer = self.session.post(self.url, params=tags, data=BODY, timeout=30)
        answer.raise_for_status()
        return answer.text

    def get(self, **query: str) -> requests.Response:
        return self.session.get(self.url, params=READ | query, timeout=60)

    def delete(self, index: str) -> None:
        self.session.delete(self.url, params={"_indexes_": index}, timeout=30).raise_for_status()

    def empty(self) -> None:
        query = {"_trunc_": "true", "_index_": str(2**40)}
        self.session.delete(self.url, params=query, timeout=30).raise_for_status()


def timed(step: Callable[[], object], rounds: int) -> list[float]:
    """Milliseconds of each round."""
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        step()
        taken.append((time.perf_counter() - started) * 1000)
    return taken


def report(what: str, taken_ms: list[float]) -> None:
    ordered = sorted(taken_ms)
    median, high = statistics.median(ordered), ordered[int(len(ordered) * 0.99)]
    print(f"{what:<46} median {median:7.2f} ms   p99 {high:7.2f} ms   n {len(ordered)}")


def puts_per_second(cloud: Cloud, senders: int, each: int) -> None:
    callers = [Caller(cloud) for _ in range(senders)]
    started = time.perf_counter()
    with ThreadPoolExecutor(senders) as pool:
        list(pool.map(lambda caller: timed(caller.put, each), callers))
    rate = senders * each / (time.perf_counter() - started)
    print(f"puts of {len(BODY)} bytes, {senders} sender(s): {rate:.0f} a second")
    callers[0].empty()


def round_trip(cloud: Cloud, rounds: int) -> None:
    caller = Caller(cloud)

    def step() -> None:
        index = caller.put(task_id="t")
        assert caller.get().json()[0]["index"] == int(index)
        caller.delete(index)

    report("put + get + delete", timed(step, rounds))


def watch_latency(cloud: Cloud, rounds: int) -> None:
    caller = Caller(cloud, "/sink")
    query = {"_watch_": "true", "_index_": "0", "_window_": "1", "_auto_commit_": "true"}
    url = f"ws{caller.url.removeprefix('http')}?{urlencode(query)}"
    with connect(url, additional_headers={"Authorization": cloud.eas_token}) as watching:

        def step() -> None:
            caller.put()
            watching.recv(10)

        report("put until a waiting watch has the record", timed(step, rounds))


def long_poll_among_others(cloud: Cloud, rounds: int, others: int = 200) -> None:
    waiting = [
        threading.Thread(target=Caller(cloud).get, kwargs={"nobody": "sends", "_timeout_": "20s"}, daemon=True)
        for _ in range(others)
    ]
    for thread in waiting:
        thread.start()
    round_trip_caller = Caller(cloud)

    def step() -> None:
        index = round_trip_caller.put(task_id="t")
        round_trip_caller.get(task_id="t")
        round_trip_caller.delete(index)

    report(f"put + get + delete, {others} long polls waiting", timed(step, rounds))


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    with tempfile.TemporaryDirectory() as folder:
        cloud = Cloud.open(Path(folder) / "cloud", free_ports=True)
        with Supervisor(cloud, ["eas"]):
            puts_per_second(cloud, 1, rounds)
            puts_per_second(cloud, 8, max(rounds // 4, 1))
            round_trip(cloud, rounds)
            watch_latency(cloud, rounds)
            long_poll_among_others(cloud, rounds)


if __name__ == "__main__":
    main()
