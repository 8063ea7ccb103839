"""The framework beside the container: from the input queue through the worker to the sink, at least once."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import logging
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from localcloud.eas.framework import InputQueue, InputRecord
from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from shared.errors import Misconfigured
from tests.services.eas.calls import DEADLINE_S, PROMPT, attributes, call, configured, eventually, order_fault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine

T = TypeVar("T")

REAR = {"X-EAS-QueueService-Access-Rear": "true"}


def within_deadline(scene: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(scene, 3 * DEADLINE_S))


async def soon(step: Awaitable[T]) -> T:
    return await asyncio.wait_for(step, DEADLINE_S)


def sink_records(cloud: Cloud) -> list[dict[str, Any]]:
    read = {"_index_": "0", "_length_": "9", "_timeout_": "0s", "_raw_": "false", "_auto_delete_": "false"}
    answer = call(cloud, "GET", read, "/sink")
    return list(answer.json()) if answer.status_code == 200 else []


def length(cloud: Cloud, queue: str = "", **headers: str) -> str:
    return attributes(cloud, queue, **headers)["stream.length"]


async def answer_one(cloud: Cloud, answer: bytes, status: int = 200) -> InputRecord:
    async with InputQueue(cloud) as queue:
        record = await soon(anext(queue))
        await soon(queue.finish(record, answer, status))
        return record


def test_a_workflow_reaches_the_worker_with_its_path_and_its_answer_keeps_the_tags(service: Cloud) -> None:
    put = call(service, "POST", {"task_id": "旅程-1-1"}, "/api_prompt", data=PROMPT.encode())
    record = within_deadline(answer_one(service, "[画好了]".encode()))
    request_id = put.headers["X-Eas-Queueservice-Request-Id"]
    assert record == InputRecord(1, {"task_id": "旅程-1-1", "requestId": request_id}, "/api_prompt", PROMPT.encode())
    (result,) = sink_records(service)
    assert result["tags"] == record.tags
    assert base64.b64decode(result["data"]).decode() == "[画好了]"
    assert length(service) == "0"


def test_a_failed_inference_is_told_by_last_code(service: Cloud) -> None:
    call(service, "POST", {}, data=PROMPT.encode())
    within_deadline(answer_one(service, b'{"error": "bad graph"}', 400))
    (result,) = sink_records(service)
    assert result["tags"]["lastCode"] == "400"


def test_an_empty_answer_leaves_no_sink_record(service: Cloud) -> None:
    call(service, "POST", {}, data=PROMPT.encode())
    within_deadline(answer_one(service, b""))
    assert (length(service), length(service, "/sink")) == ("0", "0")


def test_an_answer_too_large_for_the_sink_is_lost_with_a_line_in_the_log(
    service: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    call(service, "POST", {"task_id": "t-1"}, data=PROMPT.encode())
    with caplog.at_level(logging.WARNING, "localcloud.eas"):
        within_deadline(answer_one(service, b"x" * 8193))
    assert (length(service), length(service, "/sink")) == ("0", "0")
    assert caplog.messages == ["the answer of record 1 is too large for the sink and is lost"]


def test_one_record_at_a_time_and_the_next_after_it_is_finished(service: Cloud) -> None:
    for _ in range(2):
        call(service, "POST", {}, data=PROMPT.encode())

    async def scene() -> None:
        async with InputQueue(service) as queue:
            first = await soon(anext(queue))
            assert "Pending: 1" in attributes(service)["consumers.list.[0]"]
            following = asyncio.ensure_future(anext(queue))
            assert not (await asyncio.wait({following}, timeout=0.2))[0]
            await soon(queue.finish(first, b"[]"))
            assert (await soon(following)).index == 2

    within_deadline(scene())


def test_a_worker_that_stops_gives_its_record_back_without_using_up_a_try(cloud: Cloud) -> None:
    async def stop_in_the_middle() -> None:
        async with InputQueue(cloud) as queue:
            await soon(anext(queue))

    with Supervisor(configured(cloud, max_delivery=1), ["eas"]):
        call(cloud, "POST", {}, data=PROMPT.encode())
        within_deadline(stop_in_the_middle())
        assert (length(cloud), length(cloud, **REAR)) == ("1", "0")
        assert within_deadline(answer_one(cloud, b"[]")).index == 1


def test_the_worker_outlives_an_outage_and_sees_no_record_twice(cloud: Cloud) -> None:
    def delivered_again() -> bool:
        return "Pending: 1, Status: Running" in attributes(cloud).get("consumers.list.[0]", "")

    async def scene(supervisor: Supervisor) -> None:
        async with InputQueue(cloud) as queue:
            call(cloud, "POST", {}, data=PROMPT.encode())
            first = await soon(anext(queue))
            supervisor.stop_service("eas", kill=True)
            following = asyncio.ensure_future(anext(queue))
            await asyncio.to_thread(supervisor.start_service, "eas")
            await asyncio.to_thread(eventually, delivered_again)
            await soon(queue.finish(first, b"[]"))
            call(cloud, "POST", {}, data=PROMPT.encode())
            assert (await soon(following)).index == 2

    with Supervisor(cloud, ["eas"]) as supervisor:
        within_deadline(scene(supervisor))
        assert len(sink_records(cloud)) == 1


def test_an_answer_waits_out_an_outage(cloud: Cloud) -> None:
    async def scene(supervisor: Supervisor) -> None:
        async with InputQueue(cloud) as queue:
            call(cloud, "POST", {}, data=PROMPT.encode())
            record = await soon(anext(queue))
            supervisor.stop_service("eas")
            finishing = asyncio.ensure_future(queue.finish(record, b"[]"))
            await asyncio.to_thread(supervisor.start_service, "eas")
            await soon(finishing)

    with Supervisor(cloud, ["eas"]) as supervisor:
        within_deadline(scene(supervisor))
        assert (length(cloud), length(cloud, "/sink")) == ("0", "1")


def test_a_worker_started_before_the_queue_service_waits_for_it(cloud: Cloud) -> None:
    async def scene() -> None:
        async with InputQueue(cloud) as queue:
            first = asyncio.ensure_future(anext(queue))
            with Supervisor(cloud, []) as later:
                later.services = ("eas",)
                await asyncio.to_thread(later.start)
                call(cloud, "POST", {}, data=PROMPT.encode())
                assert (await soon(first)).index == 1

    within_deadline(scene())


def test_a_refused_handshake_is_tried_again(service: Cloud) -> None:
    call(service, "POST", {}, data=PROMPT.encode())
    order_fault(service, "watch-refused", times=2)
    assert within_deadline(answer_one(service, b"[]")).index == 1


def test_a_full_sink_stalls_the_worker_until_someone_drains_it(cloud: Cloud) -> None:
    async def scene() -> None:
        async with InputQueue(cloud) as queue:
            for _ in range(2):
                call(cloud, "POST", {}, data=PROMPT.encode())
            await soon(queue.finish(await soon(anext(queue)), b"[1]"))
            stalled = asyncio.ensure_future(queue.finish(await soon(anext(queue)), b"[2]"))
            assert not (await asyncio.wait({stalled}, timeout=0.5))[0]
            assert length(cloud) == "1"
            call(cloud, "DELETE", {"_indexes_": "1"}, "/sink")
            await soon(stalled)
            assert (length(cloud), length(cloud, "/sink")) == ("0", "1")

    with Supervisor(configured(cloud, sink_max_length=1), ["eas"]):
        within_deadline(scene())


@pytest.mark.parametrize("wrong", [{"eas_token": "other"}, {"eas_service": "other"}], ids=["token", "service"])
def test_a_wrong_token_or_name_is_told_at_once(service: Cloud, wrong: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured):
        within_deadline(answer_one(dataclasses.replace(service, **wrong), b""))
