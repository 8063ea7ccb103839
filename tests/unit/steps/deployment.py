"""One deployment of the product on the embedded services: its steps are called as functions, its clock is the test's."""

from __future__ import annotations

import base64
import io
import json
import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import requests
from PIL import Image

from shared.delivery import take_result
from shared.events import Message
from shared.intake import take_message
from shared.journey import Journey, task_id
from shared.ledger import Marker
from shared.reporting import Outcome
from shared.results import SinkRecord
from shared.services import Services
from shared.settings import Credentials, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from localcloud.state import Cloud

EXAMPLES = Path(__file__).parents[3] / "examples" / "trips"
START = datetime(2026, 11, 22, 8, 0, 5, tzinfo=timezone.utc)
_OUTPUT_NODE = "9"


class Crash(BaseException):
    """The end of a function's instance in the middle of its work."""


@dataclass
class Clock:
    """The time, which only a test moves on.

    Every record is stamped just before it is written, and after whatever effect it tells of. So to interrupt the
    n-th look at the clock is to interrupt a step between its effect and its record.
    """

    at: datetime = START
    looks: int = 0
    interruptions: dict[int, Callable[[], object]] = field(default_factory=dict)

    def __call__(self) -> datetime:
        self.looks += 1
        interrupt = self.interruptions.pop(self.looks, None)
        if interrupt:
            interrupt()
        return self.at

    def advance(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass(frozen=True)
class QueuedGraph:
    """A record of the GPU side's input queue."""

    task_id: str
    tags: dict[str, str]
    graph: dict[str, Any]
    index: int


class GpuSide:
    """The test in the place of ComfyUI: it sees what is queued, takes it, and puts answers into the sink."""

    def __init__(self, cloud: Cloud) -> None:
        self._url = f"{cloud.url('eas')}/api/predict/{cloud.eas_service}"
        self._headers = {"Authorization": cloud.eas_token}
        self._restart = f"{cloud.url('eas')}/-/restart-queues"
        self._faults = f"{cloud.url('eas')}/-/faults"

    def forget_everything(self) -> None:
        requests.post(self._restart, timeout=10).raise_for_status()

    def order_fault(self, fault: str) -> None:
        requests.post(f"{self._faults}/{fault}", timeout=10).raise_for_status()

    def queued(self, *, take: bool = False) -> list[QueuedGraph]:
        return [
            QueuedGraph(
                item["tags"]["task_id"], item["tags"], json.loads(base64.b64decode(item["data"])), item["index"]
            )
            for item in self._read("", take=take)
        ]

    def in_sink(self) -> list[str]:
        return [item["tags"].get("task_id", "") for item in self._read("/sink", take=False)]

    def answer(self, task: str, answer: bytes, **tags: str) -> None:
        self._call("POST", "/sink", {"task_id": task, **tags}, answer)

    def _read(self, queue: str, *, take: bool) -> list[dict[str, Any]]:
        query = {"_index_": "0", "_length_": "50", "_timeout_": "0s", "_raw_": "false"}
        answer = self._call("GET", queue, {**query, "_auto_delete_": str(take).lower()})
        found: list[dict[str, Any]] = answer.json() if answer.status_code == 200 else []
        return found

    def _call(self, method: str, queue: str, query: dict[str, str], body: bytes | None = None) -> requests.Response:
        answer = requests.request(method, self._url + queue, params=query, headers=self._headers, data=body, timeout=10)
        answer.raise_for_status()
        return answer


@dataclass
class Deployment:
    """A ledger, a topic and a queue of its own in a cloud that other tests use too."""

    cloud: Cloud
    settings: Settings
    gpu: GpuSide
    clock: Clock = field(default_factory=Clock)

    def instance(self, *, clock: Clock | None = None, **settings: str) -> Services:
        """The services of a new function instance; the SDKs are not thread-safe, so every thread needs its own."""
        credentials = Credentials(self.cloud.access_key_id, self.cloud.access_key_secret)
        return Services(replace(self.settings, **settings), credentials, clock or self.clock)

    def crashing(self, look: int) -> Services:
        """An instance that ends at its `look`-th look at the clock."""
        return self.interrupted(look, _crash)

    def interrupted(self, look: int, action: Callable[[], object]) -> Services:
        """An instance during whose `look`-th look at the clock something else happens."""
        return self.instance(clock=Clock(self.clock.at, interruptions={look: action}))

    def take(self, trip: dict[str, object] | bytes, services: Services | None = None) -> Outcome:
        """Have one function instance take a trip of one style."""
        [outcome] = take_message(message(trip), services or self.instance())
        return outcome

    def submitted(self, **changes: Any) -> str:
        """The id of a journey whose first render is queued."""
        outcome = self.take(trip(**changes))
        assert outcome.step == "submitted", outcome
        return outcome.journey

    def finish(
        self, journey: str, *, attempt: int = 1, picture: bytes | None = None, services: Services | None = None
    ) -> Outcome:
        """Have the GPU side paint a journey's attempt, and a function instance take the result."""
        self.paint(journey, attempt, picture)
        return self.deliver(journey, painted(journey, attempt), attempt=attempt, services=services)

    def paint(self, journey: str, attempt: int = 1, picture: bytes | None = None) -> None:
        key = f"comfy/output/{task_id(journey, attempt)}/picture_00001_.png"
        self.instance().renders.put(key, picture or landscape(), "image/png")

    def deliver(
        self, journey: str, answer: str, *, attempt: int = 1, status: int = 200, services: Services | None = None
    ) -> Outcome:
        record = SinkRecord(task_id=task_id(journey, attempt), request_id="r-1", index=1, answer=answer, status=status)
        return take_result(result(record), services or self.instance())

    def read(self, journey: str) -> Journey:
        return self.instance().ledger.read(journey)

    def steps(self, journey: str) -> list[str]:
        """The journey's records by their names, with the attempt from the second on."""
        return [
            str(record.__struct_config__.tag) + (f" {record.attempt}" if record.attempt > 1 else "")
            for record in self.read(journey).records
        ]

    def markers(self) -> list[str]:
        """The minutes for which journeys stand open to the sweeper."""
        return [key.split("/")[1] for key in self.instance().ledger.bucket.keys("open/")]

    def mark(self, journey: str) -> None:
        """Put a marker that is due now."""
        minute = self.clock.at.replace(second=0, microsecond=0)
        self.instance().ledger.mark(Marker(minute, "live", journey, str(uuid.uuid4())))

    def posts(self, journey: str) -> list[dict[str, Any]]:
        """The public posts of a journey: those whose picture's address holds its id."""
        answer = requests.get(f"{self.cloud.url('feed')}/api/feed", params={"limit": "50"}, timeout=10)
        contents = [post["content"] for post in answer.json()["posts"]]
        return [content for content in contents if journey in content["images"][0]["url"]]

    def dead_letters(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.waiting(self.settings.dead_letter_queue)]

    def waiting(self, queue: str) -> list[str]:
        """The messages of a queue, as they are."""
        from mns.mns_exception import MNSServerException

        channel = self.instance().messages._account.get_queue(queue)
        channel.set_encoding(False)
        try:
            return [found.message_body for found in channel.batch_peek_message(16)]
        except MNSServerException as error:
            assert error.type == "MessageNotExist", error
            return []


STRAIGHT = ["received", "prompted", "submitting", "submitted", "rendered", "inspected", "stored", "published"]


def trip(name: str = "02-west-lake-rain", **changes: Any) -> dict[str, object]:
    """An example trip under an id of its own, with changes."""
    found = json.loads((EXAMPLES / f"{name}.json").read_text("utf-8"))
    return {**found, "trip_id": f"T-{uuid.uuid4()}", **changes}


def message(content: dict[str, object] | bytes) -> Message:
    body = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
    return Message(sent=body, body=body, message_id="M-1")


def result(record: SinkRecord) -> Message:
    body = msgspec.json.encode(record)
    return Message(sent=body, body=body)


def painted(journey: str, attempt: int = 1) -> str:
    """What ComfyUI answers when it has saved a picture."""
    picture = {"filename": "picture_00001_.png", "subfolder": task_id(journey, attempt), "type": "output"}
    return json.dumps([{_OUTPUT_NODE: {"images": [picture]}}])


def failed(kind: str = "RuntimeError", text: str = "显卡出错") -> str:
    """What ComfyUI answers when a node raised."""
    error = {"node_type": "WanxImage", "exception_type": kind, "exception_message": text}
    return json.dumps([{"type": "execution_error", "data": error}], ensure_ascii=False)


@cache
def landscape() -> bytes:
    """A picture of the ordered size with edges in it."""
    y, x = np.mgrid[0:960, 0:768]
    ridges = np.where(y > 480 + 120 * np.sin(x / 90), 60, 190) + 30 * ((x // 24 + y // 24) % 2)
    return png(np.stack([ridges, ridges * 0.8, ridges * 0.6], axis=-1).astype(np.uint8))


@cache
def blank(width: int = 768, height: int = 960) -> bytes:
    return png(np.full((height, width, 3), 200, np.uint8))


def png(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    with io.BytesIO() as file:
        Image.fromarray(pixels).save(file, "PNG")
        return file.getvalue()


def _crash() -> None:
    raise Crash
