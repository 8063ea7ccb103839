"""The official SDK, as it is, against the embedded moderation service."""

from __future__ import annotations

import io
import json

import oss2
import pytest
import requests
from alibabacloud_green20220302 import models
from alibabacloud_green20220302.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.utils_models import Config
from PIL import Image

from localcloud.green.rules import WORDS


@pytest.fixture
def client(cloud) -> Client:
    return client_of(cloud, cloud.access_key_secret)


def client_of(cloud, secret: str) -> Client:
    return Client(
        Config(
            access_key_id=cloud.access_key_id,
            access_key_secret=secret,
            endpoint=cloud.url("green").removeprefix("http://"),
            protocol="HTTP",
        )
    )


def text(client: Client, content: str, service: str = "llm_query_moderation"):
    parameters = json.dumps({"content": content, "dataId": "d-1"}, ensure_ascii=False)
    request = models.TextModerationPlusRequest(service=service, service_parameters=parameters)
    return client.text_moderation_plus(request).body


def picture(client: Client, service: str = "aigcCheck", **parameters: str):
    request = models.ImageModerationRequest(service=service, service_parameters=json.dumps(parameters))
    return client.image_moderation(request).body


def batch(client: Client, services: str, **parameters: str):
    request = models.ImageBatchModerationRequest(service=services, service_parameters=json.dumps(parameters))
    return client.image_batch_moderation(request).body


def order(cloud, *rules: dict[str, object]) -> requests.Response:
    return requests.put(f"{cloud.url('green')}/-/rules", json=list(rules), timeout=10)


def jpeg(width: int = 300, height: int = 200) -> bytes:
    with io.BytesIO() as file:
        Image.new("RGB", (width, height), (90, 140, 200)).save(file, "JPEG")
        return file.getvalue()


@pytest.fixture
def uploaded(client):
    """Puts a file into the bucket that the service lends, with the token it gives."""

    def upload(body: bytes, name: str = "p.jpg") -> dict[str, str]:
        place = client.describe_upload_token().body.data
        auth = oss2.StsAuth(place.access_key_id, place.access_key_secret, place.security_token)
        key = f"{place.file_name_prefix}{name}"
        oss2.Bucket(auth, place.oss_internet_end_point, place.bucket_name).put_object(key, body)
        return {"ossBucketName": place.bucket_name, "ossObjectName": key}

    return upload


def test_harmless_words_pass(client):
    body = text(client, "新司机的五一出游!")
    assert (body.code, body.message, body.data.risk_level, body.data.data_id) == (200, "OK", "none", "d-1")
    assert body.request_id
    assert [found.label for found in body.data.result] == ["nonLabel"]


@pytest.mark.parametrize(
    ("level", "label", "word"), [(level, label, word) for (level, label), words in WORDS.items() for word in words]
)
def test_each_listed_word_has_its_level(client, level, label, word):
    body = text(client, f"路上 {word.upper()} 了")
    assert body.data.risk_level == level
    assert (body.data.result[0].label, body.data.result[0].risk_words) == (label, word)


@pytest.mark.parametrize("spelling", ["毒 品", "毒\u3000品", "ＣＯＣＡＩＮＥ"])
def test_spaces_and_widths_hide_no_word(client, spelling):
    assert text(client, spelling).data.risk_level == "high"


def test_the_riskiest_finding_is_the_risk(client):
    body = text(client, "用优惠券换毒品")
    assert (body.data.risk_level, len(body.data.result)) == ("high", 2)


@pytest.mark.parametrize(
    ("content", "service", "code"),
    [("字" * 2001, "llm_query_moderation", 589), ("", "llm_query_moderation", 400), ("x", "no_such_service", 400)],
)
def test_what_can_not_be_checked_is_told_by_a_number_under_200(client, content, service, code):
    body = text(client, content, service)
    assert (body.code, body.data) == (code, None)


def test_a_picture_by_url_and_by_its_place_in_storage(client, cloud, uploaded):
    place = uploaded(jpeg())
    bucket = oss2.Bucket(
        oss2.Auth(cloud.access_key_id, cloud.access_key_secret), cloud.url("oss"), place["ossBucketName"]
    )
    url = bucket.sign_url("GET", place["ossObjectName"], 60, slash_safe=True)
    for parameters in (place, {"imageUrl": url}):
        body = picture(client, dataId="d-2", **parameters)
        assert (body.code, body.msg, body.data.risk_level, body.data.data_id) == (200, "OK", "none", "d-2")


@pytest.mark.parametrize(
    ("body", "code"), [(b"no picture", 590), (jpeg(16385, 1), 589)], ids=["no picture", "too wide"]
)
def test_a_file_beyond_the_limits_is_not_checked(client, uploaded, body, code):
    assert picture(client, **uploaded(body)).code == code


def test_a_picture_that_is_not_there_is_not_checked(client, cloud, uploaded):
    place = uploaded(jpeg())
    assert picture(client, **{**place, "ossObjectName": "upload/none.jpg"}).code == 404
    assert picture(client, imageUrl=f"{cloud.url('oss')}/{place['ossBucketName']}/{place['ossObjectName']}").code == 403
    assert picture(client, imageUrl="http://127.0.0.1:1/p.jpg").code == 480
    assert picture(client, imageUrl="file:///etc/passwd").code == 400


def test_several_services_look_at_one_picture_in_one_call(client, cloud, uploaded):
    order(cloud, {"service": "baselineCheck", "level": "medium", "label": "sexual_cleavage"}).raise_for_status()
    body = batch(client, "aigcCheck,baselineCheck", **uploaded(jpeg()))
    assert (body.code, body.data.risk_level) == (200, "medium")
    assert [(each.service, each.risk_level, each.result[0].label) for each in body.data.results] == [
        ("aigcCheck", "none", "nonLabel"),
        ("baselineCheck", "medium", "sexual_cleavage"),
    ]
    assert batch(client, "aigcCheck,noSuchCheck", **uploaded(jpeg())).code == 400


def test_a_rule_is_met_as_often_as_it_says(client, cloud):
    order(cloud, {"service": "llm_*", "level": "medium", "contains": "西湖", "times": 1}).raise_for_status()
    assert text(client, "东湖").data.risk_level == "none"
    assert [text(client, "西 湖").data.risk_level for _ in range(2)] == ["medium", "none"]
    assert requests.get(f"{cloud.url('green')}/-/rules", timeout=10).json()[0]["left"] == 0


@pytest.mark.parametrize(
    "rule", [{"level": "high"}, {"service": "*", "level": "none"}, {"service": "*", "levl": "low"}]
)
def test_a_rule_that_can_not_be_read_is_refused(cloud, rule):
    answer = order(cloud, rule)
    assert (answer.status_code, answer.json()["error"].startswith("rules: ")) == (400, True)


def test_a_wrong_secret_is_refused_by_code(cloud):
    with pytest.raises(ClientException) as raised:
        text(client_of(cloud, "wrong"), "x")
    assert (raised.value.status_code, raised.value.code) == (400, "SignatureDoesNotMatch")


def test_an_ordered_fault_is_worded_as_the_api_words_errors(client, cloud):
    rules = f"{cloud.url('green')}/-/fault-rules"
    plan = {"rules": [{"service": "green", "do": "status", "status": 429}]}
    requests.put(rules, json=plan, timeout=10).raise_for_status()
    try:
        with pytest.raises(ClientException) as raised:
            text(client, "x")
    finally:
        requests.delete(rules, timeout=10)
    assert (raised.value.status_code, raised.value.code) == (429, "Throttling.User")
