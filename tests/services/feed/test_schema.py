"""The feed site against its own description, by requests that are generated from it.

Every operation is called with data that fits the description and with data that does not, signed as its sender signs
and unsigned. Whatever the site answers must stand in the description.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import requests
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import validate
from schemathesis.generation import GenerationMode

from localcloud.feed.posts import parse_post
from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from shared.errors import InvalidInput
from shared.feed_topic import SignedMessage
from shared.webhooks import sign
from tests.services.feed.test_posts import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis import Case

FILE = Path(__file__).parents[3] / "docs" / "feed-api.yaml"
DOCUMENT: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
API = schemathesis.openapi.from_path(FILE)
#: An endless stream is no answer that a check could read.
OPERATIONS = [found.ok() for found in API.get_all_operations() if found.ok().path != "/events"]
SIGNED = [operation for operation in OPERATIONS if "delivery" in (operation.tags or ())]
#: What takes no parameters can't be called with unfitting ones.
CALLS = [
    pytest.param(operation, mode, id=f"{operation.label} {mode.value}")
    for operation in OPERATIONS
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    if mode is GenerationMode.POSITIVE or operation.path != "/"
]
EXAMPLES = settings(
    max_examples=15,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    cloud = Cloud.open(tmp_path_factory.mktemp("schema") / "cloud", free_ports=True)
    with Supervisor(cloud, ["feed"]):
        yield cloud


def signed_request(case: Case, cloud: Cloud) -> requests.PreparedRequest:
    """The request of a case with the signature of a sender that means it, whatever it is about."""
    request = requests.Request(**case.as_transport_kwargs(base_url=cloud.url("feed"))).prepare()
    body = request.body or b""
    body = body.encode() if isinstance(body, str) else body
    query, path = case.query or {}, case.path_parameters or {}
    about = str(query.get("journey_id") or path.get("post_id") or "delivery")
    message_id = f"withdraw:{about}" if case.method.upper() == "DELETE" and query.get("journey_id") else about
    if not re.fullmatch(r"[A-Za-z0-9_:-]{1,128}", message_id):
        message_id = "unsignable"
    at = int(time.time())
    request.headers.update(
        {
            "webhook-id": message_id,
            "webhook-timestamp": str(at),
            "webhook-signature": sign(cloud.feed_secret, message_id, at, body),
        }
    )
    if request.method == "POST":
        request.headers["idempotency-key"] = journey_of(body)
    return request


def journey_of(body: bytes) -> str:
    try:
        journey = json.loads(body)["data"]["journey_id"]
    except (ValueError, TypeError, KeyError, IndexError):
        journey = "none"
    return journey if isinstance(journey, str) and re.fullmatch(r"[!-~]+", journey) else "none"


def answered(request: requests.PreparedRequest) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.send(request, timeout=10, allow_redirects=False)


def described(case: Case, answer: requests.Response) -> None:
    """Fail when status, media type or body of the answer do not stand in the description, or it is a server's error."""
    checks = schemathesis.checks
    case.validate_response(
        answer,
        checks=[
            checks.not_a_server_error,
            schemathesis.checks.CHECKS.get_one("status_code_conformance"),
            schemathesis.checks.CHECKS.get_one("content_type_conformance"),
            schemathesis.checks.CHECKS.get_one("response_schema_conformance"),
        ],
    )


@pytest.mark.parametrize(("operation", "mode"), CALLS)
def test_a_signed_request_gets_an_answer_that_stands_in_the_description(cloud, operation, mode):
    seen: set[int] = set()

    @EXAMPLES
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case: Case) -> None:
        answer = answered(signed_request(case, cloud))
        seen.add(answer.status_code)
        described(case, answer)

    call()
    if operation.label == "POST /api/posts":
        assert (422 if mode is GenerationMode.NEGATIVE else 201) in seen


@pytest.mark.parametrize("operation", SIGNED, ids=lambda operation: operation.label)
def test_an_unsigned_request_is_refused_whatever_it_carries(cloud, operation):
    @EXAMPLES
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def call(case: Case) -> None:
        answer = answered(requests.Request(**case.as_transport_kwargs(base_url=cloud.url("feed"))).prepare())
        assert answer.status_code == 401
        described(case, answer)

    call()


def test_every_signed_operation_says_so_and_names_the_headers():
    assert len(SIGNED) == 4
    for operation in SIGNED:
        raw = operation.definition.raw
        assert raw["security"] == [{"standardWebhooks": []}]
        named = {parameter.get("$ref", "") for parameter in raw["parameters"]}
        assert {"#/components/parameters/WebhookId", "#/components/parameters/WebhookTimestamp"} <= named
        assert "401" in raw["responses"]


def test_the_description_is_valid_openapi_3_1():
    validate(DOCUMENT)
    assert DOCUMENT["openapi"].startswith("3.1.")


def test_the_example_post_is_taken():
    example = DOCUMENT["components"]["examples"]["HolidayPost"]["value"]
    schema("Delivery").validate(example)
    assert parse_post(json.dumps(example, ensure_ascii=False).encode()).title == "我的五一公路"


def test_the_examples_of_errors_have_the_shape_of_errors():
    for response in DOCUMENT["components"]["responses"].values():
        content = response["content"]["application/json"]
        if "example" in content:
            schema("Refusal").validate(content["example"])


def test_what_does_not_fit_the_example_is_named():
    example = json.loads(json.dumps(DOCUMENT["components"]["examples"]["HolidayPost"]["value"]))
    example["data"]["images"][0]["width"] = 0
    with pytest.raises(InvalidInput, match=r"data\.images\[0\]\.width"):
        parse_post(json.dumps(example).encode())


def test_messages_of_the_topic_are_described():
    message = SignedMessage("withdraw:j", "1795000000", "v1,AAAA", "j", '{"type":"post.withdrawn"}')
    schema("TopicMessage").validate(json.loads(msgspec.json.encode(message)))
    schema("Withdrawal").validate({"type": "post.withdrawn", "data": {"journey_id": "j"}})
