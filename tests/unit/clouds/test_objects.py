"""OSS by the official SDK: what each answer means, what is repeated, and whose a create-only object is."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import unquote

import oss2
import pytest
from oss2.credentials import StaticCredentialsProvider

from shared.clouds.objects import Bucket, NotFound, open_bucket
from shared.errors import Misconfigured, OutcomeUnknown, Refused, Unavailable
from shared.settings import Credentials
from tests.unit.clouds.scripted import CUT_SHORT, DROPPED, GARBAGE, HTML, PATIENCE_S, SILENT, Reply

CREDENTIALS = Credentials("LTAI0123", "secret-7b1e")
KEY = "journeys/3f/3f2b7c1e/received.json"
BODY = '{"style":"水墨"}'.encode()
#: OSS puts it on every answer; what has none is not from OSS.
FROM_OSS = {"x-oss-request-id": "R-1"}
PUT = Reply(200, b"", {"ETag": '"0"', **FROM_OSS})


def at(endpoint: str, patience_s: float = PATIENCE_S) -> Bucket:
    """A bucket whose calls wait no longer than `patience_s`; the SDK takes one limit for connecting and reading."""
    auth = oss2.ProviderAuthV4(StaticCredentialsProvider(CREDENTIALS.access_key_id, CREDENTIALS.access_key_secret))
    return Bucket(oss2.Bucket(auth, endpoint, "ledger", region="cn-shanghai", connect_timeout=patience_s))


@pytest.fixture
def bucket(service) -> Bucket:
    return at(service.url)


def refusal(status: int, code: str) -> Reply:
    body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>不行</Message><RequestId>R-9</RequestId></Error>'
    return Reply(status, body.encode(), {"Content-Type": "application/xml", "x-oss-request-id": "R-9"})


def listing(*keys: str, after: str = "") -> Reply:
    items = "".join(
        f"<Contents><Key>{key}</Key><LastModified>2026-11-22T08:00:00.000Z</LastModified><ETag>0</ETag>"
        "<Type>Normal</Type><Size>1</Size><StorageClass>Standard</StorageClass></Contents>"
        for key in keys
    )
    more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{after}</NextContinuationToken>"
    end = more if after else "<IsTruncated>false</IsTruncated>"
    body = f'<?xml version="1.0"?><ListBucketResult><Name>ledger</Name>{end}{items}</ListBucketResult>'
    return Reply(200, body.encode(), {"Content-Type": "application/xml", **FROM_OSS})


def held(body: bytes) -> Reply:
    return Reply(200, body, {"Content-Length": str(len(body)), **FROM_OSS})


def requests_of(service: Any) -> list[str]:
    return [seen.method for seen in service.seen]


def test_a_create_only_put_forbids_overwriting_and_names_its_type(bucket, service):
    service.answers(PUT)
    assert bucket.create(KEY, BODY, "application/json")
    [seen] = service.seen
    assert (seen.method, unquote(seen.path), seen.body) == ("PUT", f"/ledger/{KEY}", BODY)
    assert seen.headers["x-oss-forbid-overwrite"] == "true"
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["authorization"].startswith("OSS4-HMAC-SHA256 Credential=LTAI0123/")


def test_a_put_that_something_else_than_oss_has_answered_is_sent_again(bucket, service):
    service.answers(HTML, PUT)
    assert bucket.create(KEY, BODY, "application/json")
    bucket.put(KEY, BODY, "application/json")
    assert requests_of(service) == ["PUT", "PUT", "PUT"]


def test_a_key_that_was_taken_at_once_is_another_instances(bucket, service):
    service.answers(refusal(409, "FileAlreadyExists"))
    assert not bucket.create(KEY, BODY, "application/json")
    assert requests_of(service) == ["PUT"]


@pytest.mark.parametrize(
    "lost", [DROPPED, SILENT, GARBAGE, Reply(500)], ids=["dropped", "silent", "garbage", "500"]
)  # fmt: skip
def test_a_create_whose_answer_was_lost_is_known_as_ones_own_by_its_bytes(service, lost):
    service.answers(lost, refusal(409, "FileAlreadyExists"), held(BODY))
    assert at(service.url, lost.patience_s).create(KEY, BODY, "application/json")
    assert requests_of(service) == ["PUT", "PUT", "GET"]


def test_a_create_whose_answer_was_lost_is_not_ones_own_when_other_bytes_stand_there(bucket, service):
    service.answers(DROPPED, refusal(409, "FileAlreadyExists"), held(b"another"))
    assert not bucket.create(KEY, BODY, "application/json")


def test_a_create_that_was_not_taken_is_sent_again_and_no_ones_before(bucket, service):
    service.answers(Reply(503), refusal(409, "FileAlreadyExists"))
    assert not bucket.create(KEY, BODY, "application/json")
    assert requests_of(service) == ["PUT", "PUT"]


def test_a_create_that_is_not_allowed_is_no_taken_key(bucket, service):
    service.answers(refusal(400, "InvalidArgument"))
    with pytest.raises(Refused):
        bucket.create(KEY, BODY, "application/json")
    assert requests_of(service) == ["PUT"]


def test_a_public_picture_says_so_and_a_private_one_does_not(bucket, service):
    service.answers(PUT)
    bucket.put("posts/a.jpg", b"JPEG", "image/jpeg", public=True, cache_control="public, max-age=31536000, immutable")
    bucket.put("private/a.png", b"PNG", "image/png", cache_control="private")
    public, private = service.seen
    assert public.headers["x-oss-object-acl"] == "public-read"
    assert public.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "x-oss-object-acl" not in private.headers
    assert "x-oss-forbid-overwrite" not in private.headers


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "AccessDenied", Misconfigured),
        (403, "InvalidAccessKeyId", Misconfigured),
        (403, "SignatureDoesNotMatch", Misconfigured),
        (404, "NoSuchBucket", Misconfigured),
        (400, "InvalidBucketName", Misconfigured),
        (404, "NoSuchKey", NotFound),
        (400, "InvalidArgument", Refused),
        (403, "RequestTimeTooSkewed", Refused),
    ],
)
def test_each_refusal_says_whose_fault_it_is_and_is_asked_for_once(bucket, service, status, code, kind):
    service.answers(refusal(status, code))
    with pytest.raises(kind) as raised:
        bucket.get(KEY, max_bytes=1000)
    assert type(raised.value) is kind
    assert code in str(raised.value)
    assert "不行" not in str(raised.value)
    assert len(service.seen) == 1


def test_a_404_without_a_word_is_an_object_that_is_not_there(bucket, service):
    service.answers(Reply(404))
    with pytest.raises(NotFound):
        bucket.get(KEY, max_bytes=1000)


@pytest.mark.parametrize(
    "passing",
    [Reply(503), refusal(503, "ServiceUnavailable"), refusal(500, "InternalError"), Reply(502, HTML.body), Reply(429),
     DROPPED, GARBAGE, CUT_SHORT, SILENT, HTML],
    ids=["503", "unavailable", "internal", "html 502", "429", "dropped", "garbage", "cut", "silent", "page"],
)  # fmt: skip
def test_what_passes_by_itself_is_asked_for_again(service, passing):
    service.answers(passing, held(BODY))
    assert at(service.url, passing.patience_s).get(KEY, max_bytes=1000) == BODY
    assert requests_of(service) == ["GET", "GET"]


@pytest.mark.parametrize(
    ("lasting", "kind"), [(Reply(503), Unavailable), (refusal(500, "InternalError"), OutcomeUnknown)]
)
def test_what_lasts_is_given_up_after_four_times(bucket, service, lasting, kind):
    service.answers(lasting)
    with pytest.raises(kind) as raised:
        bucket.put(KEY, BODY, "application/json")
    assert type(raised.value) is kind
    assert len(service.seen) == 4


def test_a_refused_connection_has_taken_nothing(refusing):
    with pytest.raises(Unavailable) as raised:
        at(f"http://{refusing}").put(KEY, BODY, "application/json")
    assert (raised.value.service, raised.value.code) == ("oss", "ConnectionFailed")


def test_a_connection_that_was_never_made_has_taken_nothing(unreachable):
    with pytest.raises(Unavailable) as raised:
        at(f"http://{unreachable}", patience_s=0.05).put(KEY, BODY, "application/json")
    assert raised.value.code == "ConnectionFailed"


def test_an_object_larger_than_expected_is_not_read(bucket, service):
    service.answers(held(b"x" * 11))
    with pytest.raises(Refused) as raised:
        bucket.get(KEY, max_bytes=10)
    assert raised.value.code == "TooLarge"
    assert len(service.seen) == 1


def test_a_success_of_something_else_is_no_success(bucket, service):
    """A proxy's page, perhaps, and nothing was stored."""
    service.answers(Reply(200, b"OK"), PUT)
    bucket.put(KEY, BODY, "application/json")
    assert requests_of(service) == ["PUT", "PUT"]


def test_what_is_put_says_its_checksum(bucket, service):
    service.answers(PUT)
    bucket.put(KEY, BODY, "application/json")
    assert service.seen[0].headers["content-md5"] == base64.b64encode(hashlib.md5(BODY).digest()).decode()


def test_a_listing_goes_on_to_the_next_page_until_there_is_none(bucket, service):
    service.answers(listing("a", "b", after="next"), listing("c"))
    assert list(bucket.keys("journeys/")) == ["a", "b", "c"]
    assert service.seen[1].query["continuation-token"] == "next"
    assert service.seen[0].query["prefix"] == "journeys/"


def test_a_listing_ends_at_its_limit_and_asks_for_no_more_than_that(bucket, service):
    service.answers(listing("a", "b", after="next"), listing("c", "d", after="next"))
    assert list(bucket.keys("open/", limit=3)) == ["a", "b", "c"]
    assert [seen.query["max-keys"] for seen in service.seen] == ["3", "3"]


def test_a_page_of_a_listing_is_asked_for_again(bucket, service):
    service.answers(Reply(503), listing("a"))
    assert list(bucket.keys("open/")) == ["a"]


@pytest.mark.parametrize("reply", [HTML, Reply(200, b"")], ids=["html", "empty"])
def test_a_listing_that_cannot_be_read_leaves_the_outcome_unknown(bucket, service, reply):
    service.answers(reply)
    with pytest.raises(OutcomeUnknown):
        list(bucket.keys("open/"))


def test_deleting_is_repeated_because_that_changes_nothing(bucket, service):
    service.answers(DROPPED, HTML, Reply(204, b"", FROM_OSS))
    bucket.delete(KEY)
    assert requests_of(service) == ["DELETE", "DELETE", "DELETE"]


def test_a_signed_address_reads_one_object_for_a_limited_time(service):
    url = open_bucket(service.url, "cn-shanghai", "gallery", CREDENTIALS).signed_url("posts/水墨.jpg", expires_s=600)
    assert url.startswith(f"{service.url}/gallery/posts/%E6%B0%B4%E5%A2%A8.jpg?")
    assert "x-oss-expires=600" in url
    assert CREDENTIALS.access_key_secret not in url


def test_a_security_token_travels_with_every_call(service):
    service.answers(held(BODY))
    given = Credentials("STS.1", "secret", "token-0a1b")
    open_bucket(service.url, "cn-shanghai", "ledger", given).get(KEY, max_bytes=100)
    assert service.seen[0].headers["x-oss-security-token"] == "token-0a1b"
