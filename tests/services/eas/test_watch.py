"""Watches on the wire: windows, redelivery and take-over, over a WebSocket and over plain HTTP."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import ConnectionClosed

from localcloud.eas import codec
from localcloud.state import Cloud
from tests.services.eas.calls import (
    DEADLINE_S,
    PROMPT,
    attributes,
    call,
    dial,
    eventually,
    receive,
)

if TYPE_CHECKING:
    pass


def test_a_consumer_gets_no_more_than_its_window_until_someone_commits(service: Cloud) -> None:
    for number in range(4):
        call(service, "POST", {}, data=str(number).encode())
    with dial(service, _window_="2") as watching:
        assert [receive(watching).index for _ in range(2)] == [1, 2]
        line = attributes(service)["consumers.list.[0]"]
        assert "Pending: 2, Status: Running" in line
        assert "Slots: 0" in line
        call(service, "PUT", {"_indexes_": "1"}, headers={"X-EAS-QueueService-Redis-Uid": "someone else"})
        assert receive(watching).index == 3


def test_a_dropped_connection_gives_its_record_to_the_next_member_of_the_group(service: Cloud) -> None:
    call(service, "POST", {"task_id": "t-1"}, data=PROMPT.encode())
    with dial(service, uid="a") as dropped:
        first = receive(dropped)
        dropped.socket.shutdown(socket.SHUT_RDWR)
        with dial(service, uid="b") as watching:
            assert receive(watching) == first


def test_a_connection_of_the_same_name_takes_the_record_over(service: Cloud) -> None:
    call(service, "POST", {}, data=b"x")
    with dial(service, uid="a") as old:
        receive(old)
        with dial(service, uid="a") as new:
            assert receive(new).index == 1
            with pytest.raises(ConnectionClosed):
                old.recv(DEADLINE_S)


def test_a_ping_is_answered_while_the_queue_is_empty(service: Cloud) -> None:
    with dial(service) as watching:
        assert watching.ping("ping").wait(DEADLINE_S)


def test_the_path_is_for_the_framework_only(service: Cloud) -> None:
    call(service, "POST", {}, "/api_prompt", data=b"x")
    with dial(service) as watching:
        assert set(receive(watching).tags) == {"requestId"}


def test_the_plain_http_stream_carries_the_same_frames(service: Cloud) -> None:
    query = {"_watch_": "true", "_index_": "0", "_window_": "2", "_auto_commit_": "false"}
    with call(service, "GET", query, stream=True) as stream:
        assert stream.status_code == 200
        for number in range(2):
            call(service, "POST", {}, data=f"第{number}".encode())
        for number in range(2):
            length = int.from_bytes(stream.raw.read(4), "big")
            frame = codec.decode_frame(stream.raw.read(length))
            assert (frame.index, frame.data.decode()) == (number + 1, f"第{number}")
        assert "Pending: 2" in attributes(service)["consumers.list.[0]"]
    eventually(lambda: "Pending: 0, Status: Complete" in attributes(service)["consumers.list.[0]"])
