"""Objects through oss2, unmodified, signed with V1 and with V4."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from tests.services.oss.clients import LEDGER, bucket, fresh_bucket, oss2

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

TRIP = '{"emoji":"出游","text":"新司机的五一出游!"}'.encode()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    cloud = Cloud.open(tmp_path_factory.mktemp("oss") / "cloud", free_ports=True)
    with Supervisor(cloud, ["oss"]):
        yield cloud


@pytest.fixture(params=["v1", "v4"])
def ledger(request: pytest.FixtureRequest, cloud: Cloud) -> Any:
    return bucket(cloud, version=request.param)


@pytest.mark.parametrize("key", ["旅程/2024 五一+上海.json", "a%2Fb", "中文!@#$%^&*()-=文件\x0c.txt", "x" * 1023])
def test_what_was_put_is_got_with_its_checksums(ledger: Any, key: str) -> None:
    put = ledger.put_object(key, TRIP)
    got = ledger.get_object(key)
    assert got.read() == TRIP
    assert put.etag == got.etag == hashlib.md5(TRIP).hexdigest().upper()
    assert put.crc == got.server_crc
    assert got.headers["Content-MD5"] == base64.b64encode(hashlib.md5(TRIP).digest()).decode()
    assert len(got.request_id) == 24


def test_metadata_and_headers_come_back(ledger: Any) -> None:
    headers = {
        "Content-Type": "image/png",
        "Cache-Control": "max-age=60",
        "Content-Disposition": "inline; filename*=UTF-8''%E5%9B%BE.png",
        "x-oss-meta-journey": "j-1",
    }
    ledger.put_object("图.png", b"png", headers=headers)
    head = ledger.head_object("图.png")
    for name, value in headers.items():
        assert head.headers[name] == value
    assert head.content_length == 3
    assert head.object_type == "Normal"


def test_metadata_that_is_no_ascii_comes_back_byte_for_byte(cloud: Cloud) -> None:
    url = bucket(cloud).sign_url("PUT", "meta", 60, headers={"x-oss-meta-a": "é", "x-oss-meta-b": "图"})
    headers = {"x-oss-meta-a": "é".encode(), "x-oss-meta-b": "图".encode()}
    assert requests.put(url, b"", headers=headers, timeout=5).status_code == 200
    got = bucket(cloud).head_object("meta").headers
    assert [got[name].encode("latin-1") for name in headers] == list(headers.values())


def test_an_object_that_is_absent_is_told_with_its_code(ledger: Any) -> None:
    with pytest.raises(oss2.exceptions.NoSuchKey) as error:
        ledger.get_object("没有")
    assert (error.value.status, error.value.ec) == (404, "0026-00000001")
    assert not ledger.object_exists("没有")
    assert ledger.delete_object("没有").status == 204


def test_a_bucket_that_is_absent_is_told_with_its_code(cloud: Cloud) -> None:
    with pytest.raises(oss2.exceptions.NoSuchBucket):
        bucket(cloud, "no-such-bucket").put_object("a", b"")


def test_create_only_put_keeps_the_first(ledger: Any) -> None:
    ledger.delete_object("claim")
    create_only = {"x-oss-forbid-overwrite": "true"}
    ledger.put_object("claim", b"first", headers=create_only)
    with pytest.raises(oss2.exceptions.ServerError) as error:
        ledger.put_object("claim", b"second", headers=create_only)
    assert (error.value.status, error.value.code, error.value.ec) == (409, "FileAlreadyExists", "0026-00000002")
    assert ledger.get_object("claim").read() == b"first"


def test_of_racing_create_only_puts_exactly_one_succeeds(cloud: Cloud) -> None:
    for round_ in range(5):
        key = f"race/{round_}"
        start = threading.Barrier(8)
        outcomes: dict[int, int] = {}

        def put(
            number: int, key: str = key, start: threading.Barrier = start, outcomes: dict[int, int] = outcomes
        ) -> None:
            client = bucket(cloud)
            start.wait()
            try:
                outcomes[number] = client.put_object(
                    key, b"%d" % number, headers={"x-oss-forbid-overwrite": "true"}
                ).status
            except oss2.exceptions.ServerError as error:
                outcomes[number] = error.status

        threads = [threading.Thread(target=put, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes.values()) == [200] + [409] * 7
        winner = next(number for number, status in outcomes.items() if status == 200)
        assert bucket(cloud).get_object(key).read() == b"%d" % winner


def test_forbid_overwrite_is_ignored_where_versions_are_kept(cloud: Cloud) -> None:
    versioned = fresh_bucket(cloud, "versioned-bucket")
    versioned.put_bucket_versioning(oss2.models.BucketVersioningConfig(oss2.BUCKET_VERSIONING_ENABLE))
    assert versioned.get_bucket_info().versioning_status == "Enabled"
    versioned.put_object("claim", b"first")
    versioned.put_object("claim", b"second", headers={"x-oss-forbid-overwrite": "true"})
    assert versioned.get_object("claim").read() == b"second"


@pytest.mark.parametrize("name", ["If-Match", "If-None-Match"])
def test_a_conditional_put_is_refused_rather_than_ignored(ledger: Any, name: str) -> None:
    with pytest.raises(oss2.exceptions.ServerError) as error:
        ledger.put_object("claim", b"", headers={name: "*"})
    assert (error.value.status, error.value.code) == (501, "NotImplemented")


def test_ranges(ledger: Any) -> None:
    ledger.put_object("range", b"0123456789")
    assert ledger.get_object("range", byte_range=(2, 4)).read() == b"234"
    assert ledger.get_object("range", byte_range=(7, None)).read() == b"789"
    last = ledger.get_object("range", byte_range=(None, 3))
    assert (last.status, last.read(), last.headers["Content-Range"]) == (206, b"789", "bytes 7-9/10")


def test_a_range_beyond_the_object_is_ignored_unless_standard_behaviour_is_asked_for(ledger: Any) -> None:
    ledger.put_object("range", b"0123456789")
    whole = ledger.get_object("range", byte_range=(5, 100))
    assert (whole.status, whole.read()) == (200, b"0123456789")
    standard = {"x-oss-range-behavior": "standard"}
    assert ledger.get_object("range", byte_range=(5, 100), headers=standard).read() == b"56789"
    with pytest.raises(
        oss2.exceptions.InvalidRange if hasattr(oss2.exceptions, "InvalidRange") else Exception
    ) as error:
        ledger.get_object("range", byte_range=(10, 11), headers=standard)
    assert error.value.status == 416


def test_conditions_of_a_get(ledger: Any) -> None:
    etag = ledger.put_object("conditional", b"x").etag
    modified = ledger.head_object("conditional").headers["Last-Modified"]
    assert ledger.get_object("conditional", headers={"If-Match": f'"{etag}"'}).status == 200
    with pytest.raises(oss2.exceptions.PreconditionFailed):
        ledger.get_object("conditional", headers={"If-Match": '"0"'})
    with pytest.raises(oss2.exceptions.NotModified):
        ledger.get_object("conditional", headers={"If-None-Match": f'"{etag}"'})
    with pytest.raises(oss2.exceptions.NotModified):
        ledger.head_object("conditional", headers={"If-Modified-Since": modified})


def test_tags_by_header_and_by_call(ledger: Any) -> None:
    ledger.put_object("tagged", b"", headers={"x-oss-tagging": "style=%E6%B0%B4%E5%BD%A9&state=open"})
    assert ledger.get_object_tagging("tagged").tag_set.tagging_rule == {"style": "水彩", "state": "open"}
    assert ledger.head_object("tagged").headers["x-oss-tagging-count"] == "2"
    tagging = oss2.models.Tagging()
    tagging.tag_set.add("state", "closed")
    ledger.put_object_tagging("tagged", tagging)
    assert ledger.get_object_tagging("tagged").tag_set.tagging_rule == {"state": "closed"}
    ledger.delete_object_tagging("tagged")
    assert ledger.get_object_tagging("tagged").tag_set.tagging_rule == {}


def test_too_many_tags_are_refused(ledger: Any) -> None:
    with pytest.raises(oss2.exceptions.ServerError) as error:
        ledger.put_object("tagged", b"", headers={"x-oss-tagging": "&".join(f"k{n}=v" for n in range(11))})
    assert error.value.code == "InvalidTag"


def test_a_wrong_content_md5_keeps_nothing(ledger: Any) -> None:
    ledger.delete_object("digest")
    with pytest.raises(oss2.exceptions.ServerError) as error:
        ledger.put_object("digest", b"body", headers={"Content-MD5": base64.b64encode(b"0" * 16).decode()})
    assert (error.value.status, error.value.code) == (400, "InvalidDigest")
    assert not ledger.object_exists("digest")


def test_copy_takes_bytes_and_metadata(ledger: Any) -> None:
    ledger.put_object("源/图", b"picture", headers={"x-oss-meta-a": "1", "Content-Type": "image/png"})
    ledger.copy_object(LEDGER, "源/图", "copy")
    ledger.delete_object("源/图")
    copied = ledger.get_object("copy")
    assert (copied.read(), copied.headers["x-oss-meta-a"], copied.content_type) == (b"picture", "1", "image/png")
    ledger.copy_object(LEDGER, "copy", "copy", headers={"x-oss-metadata-directive": "REPLACE", "x-oss-meta-a": "2"})
    assert ledger.head_object("copy").headers["x-oss-meta-a"] == "2"


def test_many_are_deleted_at_once(ledger: Any) -> None:
    keys = ["批/一", "批/二\x0c", "<批&三>"]
    for key in keys:
        ledger.put_object(key, b"")
    assert ledger.batch_delete_objects([*keys, "absent"]).deleted_keys == [*keys, "absent"]
    assert not any(ledger.object_exists(key) for key in keys)


def test_a_public_object_can_be_read_by_anybody_a_private_one_not(cloud: Cloud, ledger: Any) -> None:
    ledger.put_object("public", b"shown", headers={"x-oss-object-acl": "public-read"})
    ledger.put_object("private", b"hidden")
    assert requests.get(f"{cloud.url('oss')}/{LEDGER}/public", timeout=5).content == b"shown"
    for key in ("private", "absent"):
        answer = requests.get(f"{cloud.url('oss')}/{LEDGER}/{key}", timeout=5)
        assert (answer.status_code, "<Code>AccessDenied</Code>" in answer.text) == (403, True)
    assert requests.put(f"{cloud.url('oss')}/{LEDGER}/public", b"x", timeout=5).status_code == 403
    ledger.put_object_acl("private", oss2.OBJECT_ACL_PUBLIC_READ)
    assert ledger.get_object_acl("private").acl == "public-read"
    assert requests.get(f"{cloud.url('oss')}/{LEDGER}/private", timeout=5).status_code == 200


def test_resumable_upload_makes_a_multipart_object(ledger: Any, tmp_path: Any) -> None:
    content = bytes(range(256)) * 2000
    file = tmp_path / "大图.bin"
    file.write_bytes(content)
    ledger.delete_object("大图")
    store = oss2.ResumableStore(root=str(tmp_path))
    done = oss2.resumable_upload(
        ledger, "大图", str(file), store=store, multipart_threshold=1, part_size=200 * 1024, num_threads=2
    )
    got = ledger.get_object("大图")
    assert got.read() == content
    assert got.object_type == "Multipart"
    assert done.etag.endswith("-3")
    target = tmp_path / "back.bin"
    oss2.resumable_download(ledger, "大图", str(target), store=oss2.ResumableDownloadStore(root=str(tmp_path)))
    assert target.read_bytes() == content


def test_an_aborted_upload_leaves_nothing(ledger: Any) -> None:
    upload_id = ledger.init_multipart_upload("aborted").upload_id
    ledger.upload_part("aborted", upload_id, 1, b"part")
    assert [part.part_number for part in ledger.list_parts("aborted", upload_id).parts] == [1]
    ledger.abort_multipart_upload("aborted", upload_id)
    assert not ledger.object_exists("aborted")
    with pytest.raises(oss2.exceptions.NoSuchUpload):
        ledger.upload_part("aborted", upload_id, 2, b"part")


def test_a_reader_keeps_its_object_while_it_is_replaced(ledger: Any) -> None:
    old, new = b"o" * 3_000_000, b"n" * 3_000_000
    ledger.put_object("replaced", old)
    reader = ledger.get_object("replaced")
    head = reader.read(1000)
    ledger.put_object("replaced", new)
    assert head + reader.read() == old
    assert ledger.get_object("replaced").read() == new


def test_what_is_not_emulated_says_so_at_once(ledger: Any) -> None:
    ledger.put_object("plain", b"")
    started = time.monotonic()
    for call in (
        lambda: ledger.put_symlink("plain", "link"),
        lambda: ledger.append_object("appended", 0, b"x"),
        lambda: ledger.get_object("plain", process="image/resize,w_100"),
        lambda: ledger.put_object("plain", b"", headers={"x-oss-server-side-encryption": "KMS"}),
        lambda: ledger.get_bucket_website(),
    ):
        with pytest.raises(oss2.exceptions.ServerError) as error:
            call()
        assert (error.value.status, error.value.code) == (501, "NotImplemented")
    assert time.monotonic() - started < 2


def test_a_get_that_announces_a_body_does_not_spoil_the_connection(cloud: Cloud, ledger: Any) -> None:
    ledger.put_object("announced", b"body", headers={"x-oss-object-acl": "public-read"})
    with requests.Session() as session:
        for _ in range(3):
            url = f"{cloud.url('oss')}/{LEDGER}/announced"
            assert session.get(url, headers={"Content-Length": "9"}, timeout=5).content == b"body"
