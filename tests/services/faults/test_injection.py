"""What a call that meets a fault gets, on each service, and what the service has done by then."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests
from websockets.exceptions import InvalidMessage, InvalidStatus

from localcloud.faults.active import ActiveRules
from localcloud.faults.injection import FaultInjection
from localcloud.faults.rules import FAULT_HEADER, FAULTY_SERVICES
from tests.services.eas import calls as eas
from tests.services.faults.callers import NO_ANSWER, NONSENSE
from tests.services.mns.clients import eventually
from tests.services.oss.clients import bucket

if TYPE_CHECKING:
    from collections.abc import Callable

    from localcloud.state import Cloud
    from tests.services.faults.callers import Caller

pytestmark = [
    pytest.mark.filterwarnings("ignore:Call to deprecated function:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning"),
]

UNAVAILABLE = {
    "oss": "503 ServiceUnavailable",
    "mns": "ServiceUnavailable",
    "eas": "503 no healthy instance",
    "dashscope": "503 ModelUnavailable",
    "feed": "503 service_unavailable",
    "fc": "503 ResourceThrottled",
    "green": "503 ServiceUnavailable",
}
each_service = pytest.mark.parametrize("service", FAULTY_SERVICES)
each_silence = pytest.mark.parametrize(
    "fault", [{"do": "reset"}, {"do": "hang", "seconds": 0.2}], ids=["reset", "hang"]
)


def raw_request(cloud: Cloud, service: str, fault: dict[str, Any], body: bytes = b"") -> socket.socket:
    """A connection on which a request with the fault in its header has been sent."""
    connection = socket.create_connection(("127.0.0.1", cloud.ports[service]), timeout=10)
    head = f"POST /x HTTP/1.1\r\nHost: h\r\n{FAULT_HEADER}: {json.dumps(fault)}\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


# Errors.


@each_service
def test_an_error_in_the_services_own_form_comes_before_any_effect(
    caller: Callable[[str], Caller], rules: Callable[..., Any], service: str
) -> None:
    ordinary = caller(service)
    before = ordinary.effects()
    rules({"service": service, "do": "status", "status": 503, "call": "P* /*", "times": 1})

    assert ordinary.call() == UNAVAILABLE[service]
    assert ordinary.effects() == before
    assert ordinary.call() == "ok"
    eventually(lambda: ordinary.effects() == before + 1)


@each_service
def test_an_error_after_the_effect_hides_that_the_work_was_done(
    caller: Callable[[str], Caller], rules: Callable[..., Any], service: str
) -> None:
    ordinary = caller(service)
    before = ordinary.effects()
    rules({"service": service, "do": "status", "status": 503, "call": "P* /*", "times": 1, "after_effect": True})

    assert ordinary.call() == UNAVAILABLE[service]
    eventually(lambda: ordinary.effects() == before + 1)


@pytest.mark.parametrize(
    ("service", "status", "seen"),
    [
        ("oss", 500, "500 InternalError"),
        ("mns", 429, "TooManyRequests"),
        ("dashscope", 429, "429 Throttling.RateQuota"),
        ("eas", 504, "504 gateway timeout"),
        ("eas", 450, "450 the queue is full"),
        ("fc", 429, "429 ResourceExhausted"),
        ("feed", 599, "599 error_599"),
    ],
)
def test_a_status_brings_the_code_that_the_service_gives_with_it(
    caller: Callable[[str], Caller], rules: Callable[..., Any], service: str, status: int, seen: str
) -> None:
    rules({"service": service, "do": "status", "status": status, "times": 1, "call": "POST /*"} | _put_on(service))
    assert caller(service).call() == seen


def _put_on(service: str) -> dict[str, str]:
    return {"call": "PUT /*"} if service == "oss" else {}


def test_another_code_can_be_asked_for(caller: Callable[[str], Caller], rules: Callable[..., Any]) -> None:
    rules({"service": "dashscope", "do": "status", "status": 400, "code": "DataInspectionFailed", "times": 1})
    assert caller("dashscope").call() == "400 DataInspectionFailed"


def test_a_head_request_gets_the_error_of_oss_in_its_header(running: Cloud, rules: Callable[..., Any]) -> None:
    rules({"service": "oss", "do": "status", "status": 503, "call": "HEAD /*"})
    with pytest.raises(Exception, match="ServiceUnavailable"):
        bucket(running).head_object("a")


# No answer.


@each_silence
@each_service
def test_a_connection_ends_without_an_answer_and_nothing_was_done(
    caller: Callable[[str], Caller], rules: Callable[..., Any], service: str, fault: dict[str, Any]
) -> None:
    ordinary = caller(service)
    before = ordinary.effects()
    rules({"service": service, "call": "P* /*"} | fault)

    assert ordinary.call() == NO_ANSWER
    assert ordinary.effects() == before


@each_silence
@each_service
def test_a_connection_ends_without_an_answer_and_the_work_was_done(
    caller: Callable[[str], Caller], rules: Callable[..., Any], service: str, fault: dict[str, Any]
) -> None:
    ordinary = caller(service)
    before = ordinary.effects()
    rules({"service": service, "call": "P* /*", "after_effect": True} | fault)

    assert ordinary.call() == NO_ANSWER
    # Two SDKs send a request again whose connection broke.
    eventually(lambda: before + 1 <= ordinary.effects() <= before + 2)


@each_service
@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("body", [b"", b"x" * 3_000_000], ids=["empty", "large"])
def test_a_reset_is_one_on_the_wire(running: Cloud, service: str, after_effect: bool, body: bytes) -> None:
    fault = {"do": "reset", "after_effect": after_effect}
    # A service may be through with a large request before it has read all of it: the reset then meets the sending.
    with (
        pytest.raises((ConnectionResetError, BrokenPipeError)),
        raw_request(running, service, fault, body) as connection,
    ):
        connection.recv(1)


@each_service
def test_a_connection_that_hangs_is_held_and_then_closed_without_a_byte(running: Cloud, service: str) -> None:
    started = time.monotonic()
    with raw_request(running, service, {"do": "hang", "seconds": 0.3}, b"x" * 300_000) as connection:
        assert connection.recv(1) == b""
    assert time.monotonic() - started >= 0.3


def test_a_client_that_gives_up_first_leaves_nothing_hanging(running: Cloud) -> None:
    with raw_request(running, "feed", {"do": "hang", "seconds": 3600}) as connection:
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    assert requests.get(f"{running.url('feed')}/api/feed", timeout=5).status_code == 200


# Garbage and delays.


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize(
    ("service", "seen"),
    [
        # Whoever reads the status alone takes it for a success: so do the SDK of OSS and a PUT.
        ("oss", "ok"),
        ("mns", NO_ANSWER),
        ("eas", NONSENSE),
        ("dashscope", NONSENSE),
        ("feed", NONSENSE),
        ("fc", NONSENSE),
    ],
)
def test_garbage_is_a_200_without_an_answer(
    caller: Callable[[str], Caller], rules: Callable[..., Any], service: str, seen: str, after_effect: bool
) -> None:
    ordinary = caller(service)
    before = ordinary.effects()
    rules({"service": service, "do": "garbage", "call": "P* /*", "times": 1, "after_effect": after_effect})

    assert ordinary.call() == seen
    eventually(lambda: ordinary.effects() == before + after_effect)


@each_service
@pytest.mark.parametrize("after_effect", [False, True])
def test_a_delayed_answer_is_the_usual_one(
    caller: Callable[[str], Caller], rules: Callable[..., Any], service: str, after_effect: bool
) -> None:
    ordinary = caller(service)
    before = ordinary.effects()
    rules(
        {"service": service, "do": "delay", "seconds": 0.3, "call": "P* /*", "times": 1, "after_effect": after_effect}
    )

    started = time.monotonic()
    assert ordinary.call() == "ok"
    assert time.monotonic() - started >= 0.3
    eventually(lambda: ordinary.effects() == before + 1)


@pytest.mark.parametrize("after_effect", [False, True])
def test_after_effect_says_on_which_side_of_the_work_the_delay_lies(running: Cloud, after_effect: bool) -> None:
    before = int(eas.attributes(running)["stream.length"])
    fault = json.dumps({"do": "delay", "seconds": 30, "after_effect": after_effect})
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(
            f"{running.url('eas')}/api/predict/{running.eas_service}",
            b"graph",
            headers={"Authorization": running.eas_token, FAULT_HEADER: fault},
            timeout=0.5,
        )
    assert int(eas.attributes(running)["stream.length"]) == before + after_effect


# The header of one request.


def test_a_fault_in_the_header_strikes_its_request_only_and_signatures_still_hold(running: Cloud) -> None:
    signed = bucket(running, version="v4")
    fault = {FAULT_HEADER: '{"do":"status","status":504,"after_effect":true}'}
    with pytest.raises(Exception, match="GatewayTimeout"):
        signed.put_object("headers/a", b"1", headers=fault)
    assert signed.get_object("headers/a").read() == b"1"
    late = signed.put_object("headers/b", b"2", headers={FAULT_HEADER: '{"do":"delay","seconds":0.01}'})
    assert late.status == 200


def test_a_fault_in_the_header_leaves_the_rules_and_their_counts_alone(
    running: Cloud, rules: Callable[..., Any]
) -> None:
    rules({"service": "feed", "do": "status", "status": 500, "skip": 1})
    url = f"{running.url('feed')}/api/feed"
    fault = {FAULT_HEADER: '{"do":"status","status":503}'}
    assert [requests.get(url, headers=fault, timeout=5).status_code for _ in range(3)] == [503, 503, 503]
    assert [requests.get(url, timeout=5).status_code for _ in range(2)] == [200, 500]


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("no json", "not valid JSON"),
        ("{}", "`do`"),
        ('{"do":"explode"}', "do: "),
        ('{"do":"status"}', "status: "),
        ('{"do":"reset","seconds":1}', "seconds: "),
        ('{"do":"reset","probability":0.5}', "`probability`"),
        ('{"do":"kill","seconds":1}', "do: "),
    ],
)
def test_a_header_that_cannot_be_read_is_refused_and_says_why(running: Cloud, header: str, named: str) -> None:
    answer = requests.get(running.url("feed"), headers={FAULT_HEADER: header}, timeout=5)
    assert answer.status_code == 400
    assert FAULT_HEADER in answer.text
    assert named in answer.text


# What no fault reaches, and WebSockets.


@each_service
def test_health_and_the_rules_themselves_meet_no_fault(running: Cloud, rules: Callable[..., Any], service: str) -> None:
    rules({"service": service, "do": "reset"})
    for path in ("/-/health", "/-/fault-rules"):
        answer = requests.get(running.url(service) + path, headers={FAULT_HEADER: '{"do":"reset"}'}, timeout=5)
        assert answer.status_code == 200


def test_a_websocket_handshake_can_be_refused(running: Cloud, rules: Callable[..., Any]) -> None:
    rules({"service": "eas", "do": "status", "status": 503, "query": "*_watch_=true*", "times": 1})
    with pytest.raises(InvalidStatus) as refused:
        eas.dial(running)
    assert refused.value.response.status_code == 503
    assert refused.value.response.body == b"no healthy instance"


def test_a_websocket_handshake_can_be_reset(running: Cloud, rules: Callable[..., Any]) -> None:
    rules({"service": "eas", "do": "reset", "times": 1})
    with pytest.raises(InvalidMessage):
        eas.dial(running)


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("do", [{"do": "garbage"}, {"do": "hang", "seconds": 60}, {"do": "delay", "seconds": 60}])
def test_a_websocket_is_passed_by_by_all_other_faults(
    running: Cloud, rules: Callable[..., Any], do: dict[str, Any], after_effect: bool
) -> None:
    rules({"service": "eas", "after_effect": after_effect} | do)
    with eas.dial(running, uid=f"{do['do']}{after_effect}"):
        pass


def test_the_service_never_sees_the_header() -> None:
    seen: list[list[tuple[bytes, bytes]]] = []

    async def service(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["headers"])

    class Server:
        """What a server's `send` belongs to; no fault here ends its connection."""

        transport = None

        async def send(self, message: Any) -> None:
            raise AssertionError(message)

    async def receive() -> Any:
        return {"type": "http.request", "more_body": False}

    headers = [(b"host", b"h"), (FAULT_HEADER.encode(), b'{"do":"delay","seconds":0}'), (b"date", b"d")]
    scope = {"type": "http", "method": "PUT", "path": "/a", "query_string": b"", "headers": headers}
    asyncio.run(FaultInjection(service, ActiveRules("oss"), "h")(scope, receive, Server().send))
    assert seen == [[(b"host", b"h"), (b"date", b"d")]]
