"""SMQ by the official SDK: what each answer means, and what goes out."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from shared.clouds.messages import Messages, open_messages
from shared.errors import Misconfigured, OutcomeUnknown, Refused, Unavailable
from shared.settings import Credentials
from tests.unit.clouds.scripted import CUT_SHORT, DROPPED, GARBAGE, HTML, SILENT, Reply

CREDENTIALS = Credentials("LTAI0123", "secret-7b1e")
TRIP = '{"trip_id":"T-1","text":"新司机的五一出游! <&> 🚗"}'.encode()
TAKEN = Reply(
    201,
    b'<?xml version="1.0"?><Message xmlns="http://mns.aliyuncs.com/doc/v1/"><MessageId>M-1</MessageId>'
    b"<MessageBodyMD5>0</MessageBodyMD5></Message>",
    {"x-mns-request-id": "R-1", "Content-Type": "text/xml"},
)


def at(url: str) -> Messages:
    return open_messages(url, CREDENTIALS)


@pytest.fixture
def messages(service) -> Messages:
    return at(service.url)


def waiting(url: str, patience_s: float) -> Messages:
    """Messages by the SDK with another limit than the product's."""
    from mns.account import Account

    account = Account(url, CREDENTIALS.access_key_id, CREDENTIALS.access_key_secret, "")
    account.mns_client.http.set_connection_timeout(patience_s)
    return Messages(account)


def refusal(status: int, code: str) -> Reply:
    body = (
        f'<?xml version="1.0"?><Error xmlns="http://mns.aliyuncs.com/doc/v1"><Code>{code}</Code>'
        "<Message>不行</Message><RequestId>R-9</RequestId><HostId>h</HostId></Error>"
    )
    return Reply(status, body.encode(), {"x-mns-request-id": "R-9", "Content-Type": "text/xml"})


def sent_body(seen: Any) -> str:
    found = ElementTree.fromstring(seen.body).find("{http://mns.aliyuncs.com/doc/v1/}MessageBody")
    assert found is not None
    return found.text or ""


def test_a_topic_gets_the_text_as_it_is(messages, service):
    service.answers(TAKEN)
    assert messages.publish("trip-completed", TRIP) == "M-1"
    [seen] = service.seen
    assert (seen.method, seen.path) == ("POST", "/topics/trip-completed/messages")
    assert sent_body(seen).encode() == TRIP
    assert seen.headers["authorization"].startswith("MNS LTAI0123:")


def test_a_queue_gets_the_text_without_base64(messages, service):
    service.answers(TAKEN)
    assert messages.send("tripcanvas-dead-letters", TRIP) == "M-1"
    [seen] = service.seen
    assert (seen.method, seen.path) == ("POST", "/queues/tripcanvas-dead-letters/messages")
    assert sent_body(seen).encode() == TRIP


def test_a_security_token_travels_with_every_call(service):
    service.answers(TAKEN)
    open_messages(service.url, Credentials("STS.1", "secret", "token-令牌".encode().hex())).publish("t", TRIP)
    assert service.seen[0].headers["security-token"] == "token-令牌".encode().hex()


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "AccessDenied", Misconfigured),
        (403, "InvalidAccessKeyId", Misconfigured),
        (403, "SignatureDoesNotMatch", Misconfigured),
        (404, "TopicNotExist", Misconfigured),
        (404, "QueueNotExist", Misconfigured),
        (408, "TimeExpired", Misconfigured),
        (400, "InvalidArgument", Refused),
        (400, "MalformedXML", Refused),
    ],
)
def test_each_refusal_says_whose_fault_it_is_and_is_sent_once(messages, service, status, code, kind):
    service.answers(refusal(status, code))
    with pytest.raises(kind) as raised:
        messages.publish("trip-completed", TRIP)
    assert type(raised.value) is kind
    assert code in str(raised.value)
    assert "R-9" in str(raised.value)
    assert "不行" not in str(raised.value)
    assert len(service.seen) == 1


@pytest.mark.parametrize("code", ["QpsLimitExceeded", "InternalError"])
def test_what_passes_by_itself_is_sent_again(messages, service, code):
    service.answers(refusal(500, code), TAKEN)
    assert messages.publish("trip-completed", TRIP) == "M-1"
    assert len(service.seen) == 2


def test_a_throttled_message_is_given_up_after_four_times(messages, service):
    service.answers(refusal(400, "QpsLimitExceeded"))
    with pytest.raises(Unavailable) as raised:
        messages.publish("trip-completed", TRIP)
    assert raised.value.code == "QpsLimitExceeded"
    assert len(service.seen) == 4


@pytest.mark.parametrize(
    "reply",
    [SILENT, DROPPED, GARBAGE, CUT_SHORT, HTML, Reply(502, HTML.body), Reply(201, b""), Reply(201, b"<Message/>")],
    ids=["silent", "dropped", "garbage", "cut", "html", "html 502", "empty", "no id"],
)
def test_a_message_without_a_readable_answer_may_have_arrived_and_is_sent_again(service, reply):
    service.answers(reply, TAKEN)
    messages = waiting(service.url, reply.patience_s)
    # The SDK itself repeats once after a connection that was closed without an answer.
    assert messages.publish("trip-completed", TRIP) == "M-1"
    assert len(service.seen) == 2


def test_a_message_that_is_never_answered_has_an_unknown_outcome(service):
    service.answers(Reply(502, HTML.body))
    with pytest.raises(OutcomeUnknown) as raised:
        at(service.url).send("tripcanvas-dead-letters", TRIP)
    assert (raised.value.service, len(service.seen)) == ("mns", 4)


def test_a_refused_connection_has_taken_nothing(refusing):
    with pytest.raises(Unavailable) as raised:
        at(f"http://{refusing}").publish("trip-completed", TRIP)
    assert (raised.value.service, raised.value.code) == ("mns", "ConnectionFailed")


def received(*bodies: str) -> Reply:
    items = "".join(
        f"<Message><MessageId>M-{n}</MessageId><MessageBodyMD5>0</MessageBodyMD5><MessageBody>{body}</MessageBody>"
        f"<ReceiptHandle>8-{n}</ReceiptHandle><EnqueueTime>1716900000123</EnqueueTime>"
        "<FirstDequeueTime>1716900001000</FirstDequeueTime><NextVisibleTime>1716900031000</NextVisibleTime>"
        "<DequeueCount>2</DequeueCount><Priority>8</Priority></Message>"
        for n, body in enumerate(bodies)
    )
    body = f'<?xml version="1.0"?><Messages xmlns="http://mns.aliyuncs.com/doc/v1/">{items}</Messages>'
    return Reply(200, body.encode(), {"x-mns-request-id": "R-1", "Content-Type": "text/xml"})


def test_received_messages_come_with_their_times_and_without_base64(messages, service):
    service.answers(received("新司机", "aGVsbG8="))
    first, second = messages.receive("letters", wait_s=2)
    assert (service.seen[0].path, service.seen[0].query) == (
        "/queues/letters/messages", {"numOfMessages": "16", "waitseconds": "2"},
    )  # fmt: skip
    assert (first.id, first.body, second.body) == ("M-0", "新司机".encode(), b"aGVsbG8=")
    assert (first.enqueued_at.isoformat(), first.hidden_until.isoformat(), first.receive_count) == (
        "2024-05-28T12:40:00.123000+00:00", "2024-05-28T12:40:31+00:00", 2,
    )  # fmt: skip
    assert "新司机" not in repr(first)
    assert "8-0" not in repr(first)


def test_an_empty_queue_gives_no_messages(messages, service):
    service.answers(refusal(404, "MessageNotExist"))
    assert messages.receive("letters") == []
    assert len(service.seen) == 1


def test_a_queue_that_is_not_there_is_a_wrong_setting(messages, service):
    service.answers(refusal(404, "QueueNotExist"))
    for call in (lambda: messages.receive("letters"), lambda: messages.state("letters")):
        with pytest.raises(Misconfigured):
            call()


@pytest.mark.parametrize("code", ["ReceiptHandleError", "MessageNotExist"])
def test_a_message_that_is_not_held_any_more_is_neither_deleted_nor_released(messages, service, code):
    service.answers(received("x"), refusal(404, code))
    [message] = messages.receive("letters")
    assert not messages.delete("letters", message)
    assert not messages.release("letters", message)
    assert len(service.seen) == 3


def test_a_queue_tells_how_long_it_hides_messages_and_how_many_there_are(messages, service):
    body = (
        '<?xml version="1.0"?><Queue xmlns="http://mns.aliyuncs.com/doc/v1/"><QueueName>letters</QueueName>'
        "<CreateTime>1</CreateTime><LastModifyTime>1</LastModifyTime><VisibilityTimeout>30</VisibilityTimeout>"
        "<MaximumMessageSize>65536</MaximumMessageSize><MessageRetentionPeriod>345600</MessageRetentionPeriod>"
        "<DelaySeconds>0</DelaySeconds><PollingWaitSeconds>0</PollingWaitSeconds><LoggingEnabled>False</LoggingEnabled>"
        "<ActiveMessages>2</ActiveMessages><InactiveMessages>3</InactiveMessages><DelayMessages>1</DelayMessages></Queue>"
    )
    service.answers(Reply(200, body.encode(), {"x-mns-request-id": "R-1", "Content-Type": "text/xml"}))
    state = messages.state("letters")
    assert (state.hidden_for.total_seconds(), state.length) == (30, 6)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_call_waits_without_limit(scheme):
    http = at(f"{scheme}://1.mns.cn-shanghai.aliyuncs.com")._account.mns_client.http
    assert 0 < (http.conn.timeout if scheme == "https" else http.conn.connection_timeout) <= 30
