"""Buckets and their listings through oss2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from tests.services.oss.clients import bucket, fresh_bucket, oss2

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

KEYS = ["a", "a/", "a/1", "a/2/x", "b/1", "b/2", "z", "中文/一", "中文/二", "𝄞", "\ufffd"]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    cloud = Cloud.open(tmp_path_factory.mktemp("oss") / "cloud", free_ports=True)
    with Supervisor(cloud, ["oss"]):
        yield cloud


@pytest.fixture(scope="module")
def filled(cloud: Cloud) -> Any:
    made = fresh_bucket(cloud, "filled-bucket")
    for key in KEYS:
        made.put_object(key, b"")
    return made


def test_the_products_buckets_are_there_from_the_start(cloud: Cloud) -> None:
    service = oss2.Service(
        oss2.AuthV4(cloud.access_key_id, cloud.access_key_secret), cloud.url("oss"), region=cloud.region
    )
    names = [each.name for each in oss2.BucketIterator(service, prefix="tripcanvas-")]
    assert names == ["tripcanvas-gallery", "tripcanvas-ledger", "tripcanvas-render"]


def test_listing_is_in_the_order_of_utf8_bytes(filled: Any) -> None:
    expected = sorted(KEYS, key=str.encode)
    assert [each.key for each in oss2.ObjectIterator(filled)] == expected
    assert [each.key for each in oss2.ObjectIteratorV2(filled)] == expected


@pytest.mark.parametrize("page_size", [1, 2, 3, 100])
@pytest.mark.parametrize("version", ["1", "2"])
def test_pages_join_to_the_whole_with_prefixes_rolled_up(filled: Any, page_size: int, version: str) -> None:
    iterator = oss2.ObjectIterator if version == "1" else oss2.ObjectIteratorV2
    found = list(iterator(filled, delimiter="/", max_keys=page_size))
    assert [each.key for each in found] == ["a", "a/", "b/", "z", "中文/", "\ufffd", "𝄞"]
    assert [each.is_prefix() for each in found] == [False, True, True, False, True, False, False]


@pytest.mark.parametrize("page_size", [1, 100])
def test_an_object_named_like_its_prefix_does_not_hide_what_is_below(filled: Any, page_size: int) -> None:
    found = oss2.ObjectIteratorV2(filled, prefix="a/", delimiter="/", max_keys=page_size)
    assert [each.key for each in found] == ["a/", "a/1", "a/2/"]


def test_start_after_and_prefix(filled: Any) -> None:
    page = filled.list_objects_v2(prefix="b", start_after="b/1")
    assert [each.key for each in page.object_list] == ["b/2"]
    page = filled.list_objects_v2(start_after="z", fetch_owner=True, max_keys=1)
    assert [each.key for each in page.object_list] == ["中文/一"]
    assert page.is_truncated
    assert page.object_list[0].owner.id


def test_max_keys_has_limits(filled: Any) -> None:
    with pytest.raises(oss2.exceptions.InvalidArgument) as error:
        filled.list_objects_v2(max_keys=1001)
    assert error.value.name == "max-keys"


def test_a_bucket_with_an_object_can_not_be_deleted(cloud: Cloud) -> None:
    made = fresh_bucket(cloud, "short-lived", version="v4")
    made.put_object("x", b"")
    with pytest.raises(oss2.exceptions.BucketNotEmpty):
        made.delete_bucket()
    made.delete_object("x")
    made.delete_bucket()
    with pytest.raises(oss2.exceptions.NoSuchBucket):
        made.get_bucket_info()


def test_bucket_acl_and_info(cloud: Cloud) -> None:
    made = fresh_bucket(cloud, "open-bucket")
    assert made.get_bucket_acl().acl == "private"
    made.put_bucket_acl(oss2.BUCKET_ACL_PUBLIC_READ)
    info = made.get_bucket_info()
    assert (info.name, info.acl.grant, info.location) == ("open-bucket", "public-read", "oss-cn-shanghai")
    made.put_object("x", b"12345")
    stat = made.get_bucket_stat()
    assert (stat.object_count, stat.storage_size_in_bytes) == (1, 5)


def test_a_new_bucket_blocks_public_access_until_it_is_let(cloud: Cloud) -> None:
    made = bucket(cloud, "blocked-bucket", version="v4")
    made.create_bucket()
    assert made.get_bucket_public_access_block().block_public_access is True
    for put in (
        lambda: made.put_bucket_acl(oss2.BUCKET_ACL_PUBLIC_READ),
        lambda: made.put_object("图.jpg", b"x", headers={"x-oss-object-acl": "public-read"}),
    ):
        with pytest.raises(oss2.exceptions.AccessDenied):
            put()
    made.put_bucket_public_access_block(False)
    made.put_object("图.jpg", b"x", headers={"x-oss-object-acl": "public-read"})
    address = f"{cloud.url('oss')}/blocked-bucket/图.jpg"
    assert requests.get(address, timeout=5).content == b"x"
    made.put_bucket_public_access_block(True)
    assert requests.get(address, timeout=5).status_code == 403
    with pytest.raises(oss2.exceptions.AccessDenied):
        made.put_object_acl("图.jpg", oss2.OBJECT_ACL_PUBLIC_READ)


def test_unfinished_uploads_are_listed(cloud: Cloud) -> None:
    made = fresh_bucket(cloud, "uploads-bucket")
    ids = [made.init_multipart_upload("部分/一").upload_id for _ in range(3)]
    made.init_multipart_upload("部分/深/二")
    found = list(oss2.MultipartUploadIterator(made, prefix="部分/", delimiter="/", max_uploads=1))
    assert [each.upload_id for each in found if not each.is_prefix()] == sorted(ids)
    assert [each.key for each in found if each.is_prefix()] == ["部分/深/"]


@pytest.mark.parametrize("name", ["AB", "a_b", "-ab", "ab"])
def test_impossible_bucket_names_are_refused(cloud: Cloud, name: str) -> None:
    client = bucket(cloud, "valid-name")
    client.bucket_name = name
    with pytest.raises(oss2.exceptions.ServerError) as error:
        client.create_bucket()
    assert error.value.code == "InvalidBucketName"
