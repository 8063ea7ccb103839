"""Moderation's client: only a clear answer passes, and what every other one means."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, unquote

import pytest

from localcloud import acs3
from localcloud.signing import WireRequest
from shared.clouds.moderation import LEVELS, open_moderation
from shared.errors import Misconfigured, OutcomeUnknown, Refused, ServiceError, Unavailable
from shared.settings import Credentials
from tests.unit.clouds.scripted import CUT_SHORT, DROPPED, GARBAGE, HTML, Reply

KEY = Credentials("LTAIexample", "0123456789secret")
ROLE = Credentials("STS.example", "role-secret", "role-token")
TEXT = ("llm_query_moderation", "新司机的五一出游!", "j-1")


@pytest.fixture
def green(service):
    return open_moderation(service.url, "cn-shanghai", KEY)


def answer(code: object = 200, status: int = 200, **data: object) -> Reply:
    body = {"Code": code, "Message": "OK", "RequestId": "R-1", **({"Data": data} if data else {})}
    return Reply(status, json.dumps(body, ensure_ascii=False).encode())


def failure(status: int, code: str) -> Reply:
    return Reply(status, json.dumps({"Code": code, "Message": "含有内容", "RequestId": "R-1"}).encode())


def picture_answer(**levels: object) -> Reply:
    results = [{"Service": name, "RiskLevel": level, "Result": [{"Label": "x_y"}]} for name, level in levels.items()]
    return answer(RiskLevel="none", Results=results)


def token(service, **changes: object) -> Reply:
    place = {
        "AccessKeyId": "STS.x", "AccessKeySecret": "s", "SecurityToken": "t", "BucketName": "lent",
        "FileNamePrefix": "upload/1/", "OssInternetEndPoint": service.url, "Expiration": 4_000_000_000,
    }  # fmt: skip
    return answer(**{**place, **changes})


UPLOADED = Reply(200, b"", {"x-oss-request-id": "O-1", "ETag": '"1"'})


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_is_told_with_the_names_of_the_risks(green, service, level):
    service.answers(answer(RiskLevel=level, Result=[{"Label": "a_b", "RiskWords": "词"}, {"Label": "nonLabel"}]))
    found = green.text(*TEXT)
    assert (found.service, found.level, found.labels, found.request_id) == (TEXT[0], level, ("a_b",), "R-1")


def test_an_attack_on_the_model_counts_as_the_level_it_has(green, service):
    service.answers(answer(RiskLevel="none", Result=[], AttackLevel="high"))
    found = green.text(*TEXT)
    assert (found.level, found.labels) == ("high", ("attack",))


@pytest.mark.parametrize("credentials", [KEY, ROLE], ids=["key", "role"])
def test_a_call_is_signed_and_carries_what_it_asks(service, credentials):
    service.answers(answer(RiskLevel="none", Result=[]))
    open_moderation(service.url, "cn-shanghai", credentials).text(*TEXT)
    [seen] = service.seen
    wire = WireRequest(seen.method, seen.path, "", seen.headers)
    acs3.verify(
        wire, seen.body, access_key_id=credentials.access_key_id, access_key_secret=credentials.access_key_secret
    )
    assert seen.headers.get("x-acs-security-token", "") == credentials.security_token
    assert (seen.headers["x-acs-action"], seen.headers["x-acs-version"]) == ("TextModerationPlus", "2022-03-02")
    form = parse_qs(seen.body.decode())
    assert form["Service"] == [TEXT[0]]
    assert json.loads(form["ServiceParameters"][0]) == {"content": TEXT[1], "dataId": "j-1"}


@pytest.mark.parametrize(
    "reply",
    [
        answer(RiskLevel="None"), answer(RiskLevel="veryHigh"), answer(RiskLevel=""), answer(RiskLevel=0),
        answer(RiskLevel=["none"]), answer(Result=[]), answer(), answer("200", RiskLevel="none"),
        answer(True, RiskLevel="none"), answer(None, RiskLevel="none"), answer(500), answer(581), answer(586),
        answer(480), answer(10**9), Reply(200, b"{}"), Reply(200, b"[]"), Reply(200, b"null"), Reply(200, b"\xff"),
        Reply(200, b'{"Code":200,"Data":"none"}'), Reply(200, b'{"Code":200,"Data":[{"RiskLevel":"none"}]}'),
        Reply(200, b"[" * 100_000), HTML, DROPPED, GARBAGE, CUT_SHORT, failure(500, "InternalError"), Reply(504, b"<html>"),
    ],
)  # fmt: skip
def test_what_is_no_clear_answer_is_none(green, service, reply):
    service.answers(reply)
    with pytest.raises(OutcomeUnknown) as raised:
        green.text(*TEXT)
    assert raised.value.service == "green"
    assert "含有内容" not in str(raised.value)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer(588), Unavailable),
        (failure(400, "Throttling.User"), Unavailable),
        (failure(429, "Throttling"), Unavailable),
        (failure(503, "ServiceUnavailable"), Unavailable),
        (answer(408), Misconfigured),
        (failure(404, "InvalidAccessKeyId.NotFound"), Misconfigured),
        (failure(400, "SignatureDoesNotMatch"), Misconfigured),
        (failure(400, "InvalidSecurityToken.Expired"), Misconfigured),
        (failure(403, "Forbidden.RAM"), Misconfigured),
        (failure(403, "NoPermission"), Misconfigured),
        (failure(404, "InvalidAction.NotFound"), Misconfigured),
        (answer(400), Refused),
        (failure(400, "InvalidParameter"), Refused),
        (Reply(301, b"", {"Location": "http://127.0.0.1:1/"}), Misconfigured),
    ],
)
def test_what_an_error_means(green, service, reply, kind):
    service.answers(reply)
    with pytest.raises(kind):
        green.text(*TEXT)


@pytest.mark.parametrize("lost", [DROPPED, failure(400, "Throttling.User"), answer(581)])
def test_a_lost_or_throttled_call_is_repeated_once(green, service, lost):
    service.answers(lost, answer(RiskLevel="low", Result=[]))
    assert green.text(*TEXT).level == "low"
    assert len(service.seen) == 2


def test_an_address_that_refuses_took_nothing(refusing):
    with pytest.raises(Unavailable):
        open_moderation(f"http://{refusing}", "cn-shanghai", KEY).text(*TEXT)


@pytest.mark.parametrize("endpoint", ["", "green-cip.cn-shanghai.aliyuncs.com", "ftp://green", "https://"])
def test_an_endpoint_is_an_address(endpoint):
    with pytest.raises(Misconfigured, match="TRIPCANVAS_GREEN_ENDPOINT"):
        open_moderation(endpoint, "cn-shanghai", KEY)


class TestPicture:
    def test_is_put_into_the_lent_bucket_and_every_service_is_asked_in_one_call(self, green, service):
        service.answers(token(service), UPLOADED, picture_answer(aigcCheck="none", baselineCheck="medium"))
        found = green.picture(("aigcCheck", "baselineCheck"), b"JPEG", "j-1.jpg")
        assert [(each.service, each.level, each.labels) for each in found] == [
            ("aigcCheck", "none", ("x_y",)),
            ("baselineCheck", "medium", ("x_y",)),
        ]
        lent, put, asked = service.seen
        assert lent.headers["x-acs-action"] == "DescribeUploadToken"
        assert (put.method, unquote(put.path), put.body) == ("PUT", "/lent/upload/1/j-1.jpg", b"JPEG")
        assert put.headers["x-oss-security-token"] == "t"
        assert asked.query["Service"] == "aigcCheck,baselineCheck"
        assert json.loads(asked.query["ServiceParameters"]) == {
            "ossBucketName": "lent", "ossObjectName": "upload/1/j-1.jpg", "dataId": "j-1.jpg",
        }  # fmt: skip

    def test_the_lent_bucket_is_kept_until_its_token_ends(self, green, service):
        service.answers(token(service), UPLOADED, picture_answer(aigcCheck="none"))
        green.picture(("aigcCheck",), b"1", "a")
        service.answers(UPLOADED, picture_answer(aigcCheck="none"))
        green.picture(("aigcCheck",), b"2", "b")
        assert [seen.headers.get("x-acs-action", "put") for seen in service.seen].count("DescribeUploadToken") == 1

    def test_a_token_that_ends_soon_is_replaced(self, green, service):
        for _ in range(2):
            service.answers(token(service, Expiration=1), UPLOADED, picture_answer(aigcCheck="none"))
            green.picture(("aigcCheck",), b"1", "a")
        assert [seen.headers.get("x-acs-action", "put") for seen in service.seen].count("DescribeUploadToken") == 2

    @pytest.mark.parametrize(
        "reply",
        [
            picture_answer(aigcCheck="none"),
            picture_answer(aigcCheck="none", baselineCheck=None),
            picture_answer(aigcCheck="none", baselineCheck="unknown"),
            answer(RiskLevel="none"),
            answer(RiskLevel="none", Results="none"),
            answer(RiskLevel="none", Results=[None, 7]),
            answer(592),
        ],
    )
    def test_one_service_without_a_clear_answer_leaves_none(self, green, service, reply):
        service.answers(token(service), UPLOADED, reply)
        with pytest.raises(OutcomeUnknown):
            green.picture(("aigcCheck", "baselineCheck"), b"JPEG", "a")

    @pytest.mark.parametrize(
        "changes",
        [
            {"BucketName": None},
            {"BucketName": "²"},
            {"OssInternetEndPoint": "http://[::1"},
            {"Expiration": "soon"},
            {"AccessKeySecret": ""},
        ],
    )
    def test_a_token_that_names_no_place_is_none(self, green, service, changes):
        service.answers(token(service, **changes))
        with pytest.raises(OutcomeUnknown, match="UnreadableToken"):
            green.picture(("aigcCheck",), b"1", "a")

    @pytest.mark.parametrize(
        "refused",
        [
            Reply(403, b"<Error><Code>AccessDenied</Code></Error>", {"x-oss-request-id": "O-1"}),
            Reply(400, b"<Error><Code>InvalidArgument</Code></Error>", {"x-oss-request-id": "O-1"}),
        ],
    )
    def test_an_upload_that_is_refused_is_trouble_of_moderation(self, green, service, refused):
        service.answers(token(service), refused)
        with pytest.raises(ServiceError) as raised:
            green.picture(("aigcCheck",), b"1", "a")
        assert raised.value.service == "green"


def test_secrets_stay_out_of_every_repr(service):
    service.answers(token(service), UPLOADED, picture_answer(aigcCheck="none"))
    green = open_moderation(service.url, "cn-shanghai", ROLE)
    green.picture(("aigcCheck",), b"1", "a")
    assert not any(secret in repr(green) + repr(green._place) for secret in ("role-secret", "role-token"))
