"""What was answered with 200 is kept, even if the service dies the next moment."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from localcloud.supervisor import Supervisor
from tests.services.oss.clients import bucket, oss2

if TYPE_CHECKING:
    from collections.abc import Callable

    from localcloud.state import Cloud


def test_objects_and_uploads_survive_a_crash(cloud: Cloud) -> None:
    with Supervisor(cloud, ["oss"]) as supervisor:
        for number in range(20):
            bucket(cloud).put_object(f"旅程/{number:02}", f"内容{number}".encode())
        upload_id = bucket(cloud).init_multipart_upload("大").upload_id
        part = bucket(cloud).upload_part("大", upload_id, 1, b"part")
        supervisor.stop_service("oss", kill=True)

        supervisor.start_service("oss")
        for number in range(20):
            assert bucket(cloud).get_object(f"旅程/{number:02}").read() == f"内容{number}".encode()
        assert [each.etag for each in bucket(cloud).list_parts("大", upload_id).parts] == [part.etag]


def test_bytes_that_never_became_an_object_are_swept_away(cloud: Cloud) -> None:
    blobs = cloud.folder("oss") / "blobs"
    with Supervisor(cloud, ["oss"]):
        bucket(cloud).put_object("kept", b"kept")
    (blobs / "left-over").write_bytes(b"half an upload")
    with Supervisor(cloud, ["oss"]):
        assert bucket(cloud).get_object("kept").read() == b"kept"
    assert len(list(blobs.iterdir())) == 1


def test_an_upload_that_breaks_off_leaves_nothing(cloud: Cloud) -> None:
    with Supervisor(cloud, ["oss"]):
        client = bucket(cloud)
        path = urlsplit(client.sign_url("PUT", "broken", 60, slash_safe=True))
        with socket.create_connection(("127.0.0.1", cloud.ports["oss"])) as connection:
            request = f"PUT {path.path}?{path.query} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
            connection.sendall(request.encode() + b"half")
            blobs = cloud.folder("oss") / "blobs"
            _wait_for(lambda: len(list(blobs.iterdir())) == 1)
        _wait_for(lambda: not list(blobs.iterdir()))
        assert not client.object_exists("broken")


def _wait_for(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.02)


def test_a_deleted_first_bucket_does_not_come_back(cloud: Cloud) -> None:
    with Supervisor(cloud, ["oss"]):
        bucket(cloud, "tripcanvas-render").delete_bucket()
    with Supervisor(cloud, ["oss"]):
        assert bucket(cloud, "tripcanvas-gallery").get_bucket_info().name == "tripcanvas-gallery"
        with pytest.raises(oss2.exceptions.NoSuchBucket):
            bucket(cloud, "tripcanvas-render").get_bucket_info()
