"""The official, unmodified Python client works against the queue service."""

from __future__ import annotations

import gc
import threading
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import InvalidStatus

from localcloud.state import Cloud
from tests.services.eas.calls import (
    DEADLINE_S,
    PROMPT,
    attributes,
    dial,
    eventually,
    order_fault,
    receive,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eas_prediction import QueueClient
    from eas_prediction.queue_client import DataFrame

pytestmark = [
    # protobuf 3.20, which the official client needs, warns on every import with a current Python.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    # The client never closes the sockets of its watches, it only shuts them down.
    pytest.mark.filterwarnings("ignore:.*unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:.*unclosed <socket:pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def client() -> Iterator[Callable[..., QueueClient]]:
    """Makes official clients, and ends their threads afterwards."""
    from eas_prediction import QueueClient

    made: list[QueueClient] = []

    def make(cloud: Cloud, queue: str = "", *, gid: str = "eas", uid: str | None = None, token: str = "") -> Any:
        made.append(QueueClient(cloud.url("eas").removeprefix("http://"), cloud.eas_service + queue))
        made[-1].set_token(token or cloud.eas_token)
        made[-1].set_timeout(20_000)
        made[-1].init(gid=gid, uid=uid)
        made[-1].set_logger(None)
        return made[-1]

    yield make
    for one in made:
        one.destroy()
        one.connection_pool.clear()
    # The sockets that the client left open end here, where their warning is expected, and not in some later test.
    made.clear()
    gc.collect()


def take(client: QueueClient, count: int, *, commit: bool = True, **watch: Any) -> list[DataFrame]:
    """`count` records by the official watch, which knows no deadline of its own."""
    taken: list[DataFrame] = []

    def run() -> None:
        watcher = client.watch(0, watch.pop("window", 5), **watch)
        for frame in watcher.run():
            taken.append(frame)
            if commit:
                client.commit(frame.index)
            if len(taken) == count:
                break
        watcher.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(DEADLINE_S)
    assert not thread.is_alive(), f"only {len(taken)} of {count} records came"
    return taken


def test_put_returns_the_index_and_the_request_id_under_which_get_finds_the_record(
    service: Cloud, client: Callable[..., QueueClient]
) -> None:
    queue = client(service)
    assert queue.put("先来的")[0] == "1"
    index, request_id = queue.put(PROMPT, {"task_id": "任务-7", "city": "湖州市 & 上海"})
    (frame,) = queue.get(request_id=request_id, timeout="0s")
    assert (frame.index, frame.data.decode()) == (int(index), PROMPT)
    assert dict(frame.tags) == {"requestId": request_id, "task_id": "任务-7", "city": "湖州市 & 上海"}
    assert queue.get(request_id=request_id, timeout="0s") == []


def test_get_filters_by_index_and_tags_and_keeps_records_unless_told_otherwise(
    service: Cloud, client: Callable[..., QueueClient]
) -> None:
    queue = client(service, "/sink")
    for task in ("甲", "乙", "丙"):
        queue.put(b"", {"task_id": task})
    read = {"length": 9, "timeout": "0s", "auto_delete": False}
    assert [frame.index for frame in queue.get(index=2, **read)] == [2, 3]
    assert [frame.index for frame in queue.get(tags={"task_id": "乙"}, **read)] == [2]
    assert len(queue.get(**read)) == 3


def test_delete_commit_and_truncate_remove_and_accept_indexes_that_are_not_there(
    service: Cloud, client: Callable[..., QueueClient]
) -> None:
    queue = client(service)
    for _ in range(5):
        queue.put(PROMPT)
    assert queue.delete([1, 99]) == "OK"
    assert queue.commit(2) == b"OK"
    assert queue.truncate(4) == b"OK"
    assert [frame.index for frame in queue.get(length=9, timeout="0s")] == [4, 5]
    assert queue.attributes()["stream.lastEntry"] == "5"


def test_attributes_are_strings_and_exist_for_an_empty_queue(
    service: Cloud, client: Callable[..., QueueClient]
) -> None:
    found = client(service, "/sink").attributes()
    assert found["stream.length"] == found["stream.firstEntry"] == found["stream.lastEntry"] == "0"
    assert found["meta.maxPayloadBytes"] == "8192"
    assert found["meta.header.user"] == "X-EAS-QueueService-Redis-Uid"
    assert all(isinstance(value, str) for value in found.values())


def test_search_knows_pending_only_for_the_group_that_holds_the_record(
    service: Cloud, client: Callable[..., QueueClient]
) -> None:
    for _ in range(3):
        client(service).put(PROMPT)
    with dial(service, gid=service.eas_service, uid="worker-0") as framework:
        receive(framework)
        sweeper = client(service, gid=service.eas_service)
        held = {"ConsumerId": f"{service.eas_service}.worker-0", "IsPending": True, "WaitCount": 0}
        assert sweeper.search(1) == held
        assert sweeper.search(3) == {"ConsumerId": "", "IsPending": False, "WaitCount": 1}
        assert client(service).search(1)["IsPending"] is False
        assert sweeper.search(77) == {}


def test_a_priority_given_as_a_tag_goes_first_and_is_no_tag(service: Cloud, client: Callable[..., QueueClient]) -> None:
    queue = client(service)
    queue.put("补录")
    queue.put("刚结束", {"_priority_": "1"})
    first, second = take(queue, 2)
    assert [first.data.decode(), second.data.decode()] == ["刚结束", "补录"]
    assert set(first.tags) == {"requestId"}


def test_watch_delivers_in_order_with_tags_until_committed(service: Cloud, client: Callable[..., QueueClient]) -> None:
    queue = client(service, "/sink")
    sent = [queue.put(f"第{number}张", {"task_id": str(number)})[1] for number in range(8)]
    taken = take(queue, 8, window=3)
    assert [frame.data.decode() for frame in taken] == [f"第{number}张" for number in range(8)]
    assert [frame.tags["requestId"] for frame in taken] == sent
    assert attributes(service, "/sink")["stream.length"] == "0"


def test_watch_with_auto_commit_empties_the_queue(service: Cloud, client: Callable[..., QueueClient]) -> None:
    queue = client(service, "/sink")
    for _ in range(6):
        queue.put(PROMPT)
    take(queue, 6, commit=False, window=1, auto_commit=True)
    assert attributes(service, "/sink")["stream.length"] == "0"


def test_watch_by_tag_and_by_index_only(service: Cloud, client: Callable[..., QueueClient]) -> None:
    queue = client(service)
    queue.put("补录", {"source": "backfill"})
    queue.put("实时", {"source": "live"})
    (frame,) = take(queue, 1, tags={"source": "live"}, index_only=True)
    assert (frame.index, frame.data) == (2, b"")


def test_a_watch_waits_for_what_comes_later(service: Cloud, client: Callable[..., QueueClient]) -> None:
    queue = client(service)
    taken: list[DataFrame] = []
    waiting = threading.Thread(target=lambda: taken.extend(take(queue, 1)), daemon=True)
    waiting.start()
    eventually(lambda: attributes(service)["consumers.stats.total"] == "1")
    client(service).put("后来的")
    waiting.join(DEADLINE_S)
    assert [frame.data.decode() for frame in taken] == ["后来的"]


def test_the_client_dials_again_after_a_close_and_gets_the_record_it_held(
    service: Cloud, client: Callable[..., QueueClient]
) -> None:
    queue = client(service)
    queue.put(PROMPT)
    order_fault(service, "watch-closed")
    first, second = take(queue, 2, commit=False)
    assert first.index == second.index == 1


def test_a_wrong_token_is_refused_on_every_road(service: Cloud, client: Callable[..., QueueClient]) -> None:
    from eas_prediction.exception import PredictException
    from websocket import WebSocketBadStatusException

    stranger = client(service, token="wrong")
    with pytest.raises(PredictException) as refused:
        stranger.put(PROMPT)
    assert refused.value.code == 401
    with pytest.raises(WebSocketBadStatusException) as handshake:
        next(stranger.watch(0, 1).run())
    assert handshake.value.status_code == 401


def test_a_service_that_does_not_exist_is_not_made(service: Cloud, client: Callable[..., QueueClient]) -> None:
    from eas_prediction.exception import PredictException

    with pytest.raises(PredictException) as refused:
        client(service, "_other").put(PROMPT)
    assert refused.value.code == 404
    with pytest.raises(InvalidStatus) as handshake:
        dial(service, "_other")
    assert handshake.value.response.status_code == 404


def test_the_official_client_makes_six_records_of_one_put(service: Cloud, client: Callable[..., QueueClient]) -> None:
    from eas_prediction.exception import PredictException

    order_fault(service, "put-taken-but-503", times=99)
    with pytest.raises(PredictException):
        client(service).put(PROMPT)
    order_fault(service, "put-taken-but-503", times=0)
    assert attributes(service)["stream.length"] == "6"
