"""Invoking by the official SDKs of FC 3.0 and FC 2.0: what goes over the wire, and what each refusal means."""

from __future__ import annotations

import json
import logging

import pytest

from cli.backfill.functions import function_of, open_functions
from shared.errors import Misconfigured, Refused, Unavailable
from shared.settings import Credentials
from tests.unit.clouds.scripted import CUT_SHORT, DROPPED, HTML, Reply, ScriptedService, refusing_address

KEY = Credentials("LTAI-test", "secret", "token")
ACCEPTED = Reply(202, headers={"x-fc-request-id": "r-1"})


@pytest.fixture
def service():
    service = ScriptedService()
    service.answers(ACCEPTED)
    yield service
    service.close()


def by(api, url):
    function = "tripcanvas-backfill-trips" if api == "3.0" else "tripcanvas/backfill-trips"
    environment = {"TRIPCANVAS_FC_ENDPOINT": url, "TRIPCANVAS_ACCOUNT_ID": "1000", "TRIPCANVAS_REGION": "cn-shanghai"}
    return open_functions(api, function, environment, KEY)


def refused(status, code):
    names = {"Code": code, "Message": "杭州", "ErrorCode": code, "ErrorMessage": "杭州", "RequestId": "r-1"}
    return Reply(status, json.dumps(names).encode(), {"Content-Type": "application/json"})


def test_fc_3_gets_the_event_and_the_task_id(service):
    assert by("3.0", service.url).invoke("杭州".encode(), "b1-t")
    [seen] = service.seen
    assert (seen.method, seen.path) == ("POST", "/2023-03-30/functions/tripcanvas-backfill-trips/invocations")
    assert seen.body == "杭州".encode()
    assert seen.headers["x-fc-invocation-type"] == "Async"
    assert seen.headers["x-fc-async-task-id"] == "b1-t"
    assert seen.headers["x-acs-security-token"] == "token"


def test_fc_2_gets_the_event_and_the_task_id(service):
    assert by("2.0", service.url).invoke("杭州".encode(), "b1-t")
    [seen] = service.seen
    assert seen.path == "/2016-08-15/services/tripcanvas/functions/backfill-trips/invocations"
    assert seen.body == "杭州".encode()
    assert seen.headers["x-fc-invocation-type"] == "Async"
    assert seen.headers["x-fc-stateful-async-invocation-id"] == "b1-t"
    assert seen.headers["x-fc-security-token"] == "token"


@pytest.mark.parametrize("api", ["3.0", "2.0"])
@pytest.mark.parametrize("code", ["AsyncTaskAlreadyExists", "StatefulAsyncInvocationAlreadyExists", ""])
def test_an_id_that_was_taken_before_is_no_fault(service, api, code):
    service.answers(refused(409, code))
    assert not by(api, service.url).invoke(b"{}", "b1-t")


@pytest.mark.parametrize("api", ["3.0", "2.0"])
@pytest.mark.parametrize(
    ("status", "code", "kind", "said"),
    [
        (429, "ResourceExhausted", Unavailable, "fc: ResourceExhausted"),
        (503, "ResourceThrottled", Unavailable, "fc: ResourceThrottled"),
        (500, "InternalServerError", Unavailable, "fc: InternalServerError"),
        (409, "ConcurrentUpdateError", Unavailable, "fc: ConcurrentUpdateError"),
        (400, "InvalidArgument", Refused, "fc: InvalidArgument"),
        (413, "EntityTooLarge", Refused, "fc: EntityTooLarge"),
        (403, "AccessDenied", Misconfigured, "fc: AccessDenied; this access key needs fc:InvokeFunction on acs:fc:"),
        (403, "InvalidAccessKeyID", Misconfigured, "fc: InvalidAccessKeyID; check ALIBABA_CLOUD_ACCESS_KEY_ID"),
        (403, "SignatureNotMatch", Misconfigured, "fc: SignatureNotMatch; check ALIBABA_CLOUD_ACCESS_KEY_ID"),
        (404, "FunctionNotFound", Misconfigured, "fc: FunctionNotFound; there is no acs:fc:"),
    ],
)
def test_each_refusal_says_what_to_do_and_never_what_was_sent(service, api, status, code, kind, said):
    service.answers(refused(status, code))
    with pytest.raises(kind) as caught:
        by(api, service.url).invoke(b"{}", "b1-t")
    assert type(caught.value) is kind
    assert str(caught.value).startswith(said)
    assert "杭州" not in str(caught.value)


@pytest.mark.parametrize("api", ["3.0", "2.0"])
@pytest.mark.parametrize("answer", [DROPPED, CUT_SHORT, HTML, Reply(502, HTML.body), Reply(503, b"<html>")])
def test_no_answer_and_a_proxys_page_are_to_be_repeated(service, api, answer):
    service.answers(answer)
    with pytest.raises(Unavailable):
        by(api, service.url).invoke(b"{}", "b1-t")


def test_an_address_where_nobody_is_can_be_told():
    with refusing_address() as address, pytest.raises(Unavailable, match="fc: ConnectionFailed"):
        by("3.0", f"http://{address}").invoke(b"{}", "b1-t")


def test_the_state_of_a_task_is_asked_by_its_id(service):
    body = json.dumps({"taskId": "b1-t", "status": "Failed"}).encode()
    service.answers(Reply(200, body, {"Content-Type": "application/json"}))
    assert by("3.0", service.url).state("b1-t") == "Failed"
    assert service.seen[0].path == "/2023-03-30/functions/tripcanvas-backfill-trips/async-tasks/b1-t"
    service.answers(refused(404, "AsyncTaskNotFound"))
    assert by("3.0", service.url).state("b1-t") == ""


def test_the_sdk_of_fc_2_puts_no_header_into_the_log(service, caplog):
    service.answers(refused(403, "AccessDenied"))
    with caplog.at_level(logging.DEBUG), pytest.raises(Misconfigured):
        by("2.0", service.url).invoke(b"{}", "b1-t")
    assert "LTAI-test" not in caplog.text


@pytest.mark.parametrize(
    ("api", "prefix", "name"),
    [
        ("3.0", "", "tripcanvas-backfill-trips"),
        ("3.0", "tripcanvas-dev", "tripcanvas-dev-backfill-trips"),
        ("2.0", "fleet", "fleet/fleet-backfill-trips"),
    ],
)
def test_the_function_is_that_of_the_environment(api, prefix, name):
    assert function_of(api, {"TRIPCANVAS_PREFIX": prefix}) == name


@pytest.mark.parametrize(
    ("api", "function", "environment", "said"),
    [
        ("2.0", "backfill", {"TRIPCANVAS_ACCOUNT_ID": "1"}, "--function: SERVICE/FUNCTION"),
        ("2.0", "a/b", {}, "TRIPCANVAS_ACCOUNT_ID is not set"),
        ("3.0", "a", {"TRIPCANVAS_FC_ENDPOINT": "fcv3.cn-shanghai.aliyuncs.com"}, "TRIPCANVAS_FC_ENDPOINT must be"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_sent(api, function, environment, said):
    with pytest.raises(Misconfigured, match=said):
        open_functions(api, function, environment, KEY)
