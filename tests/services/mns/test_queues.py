"""Queues through the official SDK, unmodified."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests
from mns.message_property import MessagePropertyValue
from mns.mns_exception import MNSServerException
from mns.queue import Message, QueueMeta

from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from tests.services.mns.clients import account, eventually, made_queue

if TYPE_CHECKING:
    from collections.abc import Iterator

# The counters of `QueueMeta` are deprecated in the SDK, but only there.
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated function:DeprecationWarning")

TRIP = '{"emoji":"出游","text":"新司机的五一出游! <&>"}'


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    cloud = Cloud.open(tmp_path_factory.mktemp("mns") / "cloud", free_ports=True)
    with Supervisor(cloud, ["mns"]):
        yield cloud


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return hashlib.sha1(request.node.name.encode()).hexdigest()


def code_of(call: Any, *arguments: Any) -> str:
    with pytest.raises(MNSServerException) as error:
        call(*arguments)
    assert error.value.request_id
    return str(error.value.type)


def test_the_products_queue_and_topics_are_there_from_the_start(cloud: Cloud) -> None:
    queues, _ = account(cloud).list_queue(prefix="tripcanvas-")
    assert [url.rpartition("/")[2] for url in queues] == ["tripcanvas-dead-letters"]
    topics, _ = account(cloud).list_topic()
    assert {"trip-completed", "render-finished"} <= {url.rpartition("/")[2] for url in topics}


@pytest.mark.parametrize("encoded", [True, False])
def test_a_message_is_received_as_it_was_sent(cloud: Cloud, name: str, encoded: bool) -> None:
    queue = made_queue(cloud, name)
    queue.set_encoding(encoded)
    sent = queue.send_message(Message(TRIP))
    body = base64.b64encode(TRIP.encode()) if encoded else TRIP.encode()
    assert sent.message_body_md5 == hashlib.md5(body).hexdigest().upper()
    received = queue.receive_message(0)
    assert received.message_body == (TRIP.encode() if encoded else TRIP)
    assert (received.message_id, received.dequeue_count, received.priority) == (sent.message_id, 1, 8)
    queue.delete_message(received.receipt_handle)
    assert code_of(queue.receive_message, 0) == "MessageNotExist"


def test_properties_travel_with_the_message(cloud: Cloud, name: str) -> None:
    queue = made_queue(cloud, name)
    message = Message(TRIP)
    message.add_user_property("心情", MessagePropertyValue.create_string("出游"))
    message.add_user_property("raw", MessagePropertyValue.create_binary(b"\x00\xff"))
    queue.send_message(message)
    properties = queue.receive_message(0).user_properties
    assert properties["心情"].get_raw_value() == "出游"
    assert properties["raw"].get_raw_value() == b"\x00\xff"


def test_a_received_message_is_hidden_until_its_visibility_times_out(cloud: Cloud, name: str) -> None:
    queue = made_queue(cloud, name, visibility_timeout=1)
    queue.send_message(Message(TRIP))
    first = queue.receive_message(0)
    assert code_of(queue.receive_message, 0) == "MessageNotExist"
    second = queue.receive_message(5)
    assert (second.message_id, second.dequeue_count) == (first.message_id, 2)
    assert second.receipt_handle != first.receipt_handle
    assert code_of(queue.delete_message, first.receipt_handle) == "ReceiptHandleError"
    queue.delete_message(second.receipt_handle)


def test_changing_visibility_gives_a_new_handle_and_ends_the_old(cloud: Cloud, name: str) -> None:
    queue = made_queue(cloud, name)
    queue.send_message(Message(TRIP))
    held = queue.receive_message(0)
    changed = queue.change_message_visibility(held.receipt_handle, 1)
    assert changed.receipt_handle != held.receipt_handle
    assert code_of(queue.change_message_visibility, held.receipt_handle, 1) == "MessageNotExist"
    assert queue.receive_message(5).message_id == held.message_id


def test_a_long_poll_ends_when_a_message_comes(cloud: Cloud, name: str) -> None:
    made_queue(cloud, name)
    waiting = account(cloud).get_queue(name)
    waiting.set_encoding(False)
    sender = threading.Timer(0.5, lambda: made_queue(cloud, name).send_message(Message(TRIP)))
    started = time.monotonic()
    sender.start()
    assert waiting.receive_message(10).message_body == TRIP
    assert 0.3 < time.monotonic() - started < 5
    sender.join()


def test_a_long_poll_ends_empty_after_its_time(cloud: Cloud, name: str) -> None:
    queue = made_queue(cloud, name)
    started = time.monotonic()
    assert code_of(queue.receive_message, 1) == "MessageNotExist"
    assert 0.9 < time.monotonic() - started < 5


def test_a_client_that_left_its_long_poll_takes_no_message(cloud: Cloud, name: str) -> None:
    queue = made_queue(cloud, name)
    leaving = account(cloud)
    leaving.mns_client.set_connection_timeout(0.3)
    with pytest.raises(Exception, match="timed out"):
        leaving.get_queue(name).receive_message(10)
    queue.send_message(Message(TRIP))
    assert queue.receive_message(2).dequeue_count == 1


def test_every_message_goes_to_exactly_one_of_many_receivers(cloud: Cloud, name: str) -> None:
    queue = made_queue(cloud, name)
    for _ in range(4):
        queue.batch_send_message([Message(TRIP) for _ in range(10)])
    taken: list[str] = []

    def take() -> None:
        client = account(cloud).get_queue(name)
        client.set_encoding(False)
        while True:
            try:
                taken.extend(message.message_id for message in client.batch_receive_message(3, 0))
            except MNSServerException:
                return

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 40


def test_urgent_messages_come_first(cloud: Cloud, name: str) -> None:
    queue = made_queue(cloud, name)
    queue.batch_send_message([Message("backfill", priority=16), Message("live", priority=1), Message("usual")])
    assert [message.message_body for message in queue.batch_receive_message(16)] == ["live", "usual", "backfill"]


def test_a_delayed_message_comes_later_and_can_be_called_back(cloud: Cloud, name: str) -> None:
    queue = made_queue(cloud, name)
    queue.send_message(Message("soon", delay_seconds=1))
    recalled = queue.send_message(Message("recalled", delay_seconds=600))
    assert code_of(queue.receive_message, 0) == "MessageNotExist"
    assert queue.get_attributes().delay_messages == 2
    queue.delete_message(recalled.receipt_handle)
    assert queue.receive_message(5).message_body == "soon"
    assert queue.get_attributes().delay_messages == 0


def test_a_peek_changes_nothing(cloud: Cloud, name: str) -> None:
    queue = made_queue(cloud, name)
    assert code_of(queue.peek_message) == "MessageNotExist"
    queue.batch_send_message([Message("一"), Message("二")])
    assert [message.message_body for message in queue.batch_peek_message(16)] == ["一", "二"]
    assert queue.peek_message().dequeue_count == 0
    assert queue.get_attributes().active_messages == 2


def test_batches_are_deleted_and_stale_handles_are_named(cloud: Cloud, name: str) -> None:
    queue = made_queue(cloud, name)
    queue.batch_send_message([Message("一"), Message("二")])
    handles = [message.receipt_handle for message in queue.batch_receive_message(2)]
    with pytest.raises(MNSServerException) as error:
        queue.batch_delete_message([*handles, "8-" + "0" * 32])
    assert [each["ReceiptHandle"] for each in error.value.sub_errors] == ["8-" + "0" * 32]
    attributes = queue.get_attributes()
    assert (attributes.active_messages, attributes.inactive_messages) == (0, 0)


def test_a_message_too_often_received_becomes_a_dead_letter(cloud: Cloud, name: str) -> None:
    dead = made_queue(cloud, f"{name}-dead")
    queue = made_queue(cloud, name, visibility_timeout=1)
    _set_dead_letter(cloud, name, {"DeadLetterTargetQueue": f"{name}-dead", "MaxReceiveCount": 2})
    sent = queue.send_message(Message(TRIP))
    for count in (1, 2):
        assert queue.receive_message(5).dequeue_count == count
    letter = dead.receive_message(10)
    assert letter.message_body == TRIP
    assert letter.system_properties["DLQOriginMessageId"].get_raw_value() == sent.message_id
    assert code_of(queue.receive_message, 0) == "MessageNotExist"


def test_a_queue_can_not_be_its_own_dead_letter_queue(cloud: Cloud, name: str) -> None:
    made_queue(cloud, name)
    assert _put_dead_letter(cloud, name, {"DeadLetterTargetQueue": name}).status_code == 400
    assert _put_dead_letter(cloud, name, {"DeadLetterTargetQueue": "absent"}).status_code == 404


def test_creating_twice_is_harmless_unless_attributes_differ(cloud: Cloud, name: str) -> None:
    url = account(cloud).get_queue(name).create(QueueMeta())
    assert url == f"{cloud.url('mns')}/queues/{name}"
    assert account(cloud).get_queue(name).create(QueueMeta()) == url
    assert code_of(account(cloud).get_queue(name).create, QueueMeta(vis_timeout=60)) == "QueueAlreadyExist"


def test_attributes_can_be_changed_one_at_a_time(cloud: Cloud, name: str) -> None:
    queue = made_queue(cloud, name, visibility_timeout=60)
    meta = QueueMeta()
    for attribute in ("maximum_message_size", "message_retention_period", "delay_seconds", "visibility_timeout"):
        setattr(meta, attribute, -1)
    meta.polling_wait_seconds = 7
    queue.set_attributes(meta)
    found = queue.get_attributes()
    assert (found.polling_wait_seconds, found.visibility_timeout, found.queue_name) == (7, 60, name)


def test_lists_come_in_pages(cloud: Cloud, name: str) -> None:
    for number in range(5):
        made_queue(cloud, f"{name}-{number}")
    urls, marker = [], ""
    while True:
        page, marker = account(cloud).list_queue(f"{name}-", 2, marker)
        assert len(page) <= 2
        urls += page
        if not marker:
            break
    assert [url[-1] for url in urls] == list("01234")


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("visibility_timeout", 43_201),
        ("maximum_message_size", 65_537),
        ("message_retention_period", 59),
        ("delay_seconds", 604_801),
        ("polling_wait_seconds", 31),
    ],
)
def test_attributes_beyond_the_limits_are_refused(cloud: Cloud, name: str, attribute: str, value: int) -> None:
    meta = QueueMeta()
    setattr(meta, attribute, value)
    assert code_of(account(cloud).get_queue(name).create, meta) == "InvalidArgument"


def test_the_size_limit_counts_bytes_as_transported(cloud: Cloud, name: str) -> None:
    queue = made_queue(cloud, name)
    queue.send_message(Message("x" * 65_536))
    assert code_of(queue.send_message, Message("x" * 65_537)) == "InvalidArgument"
    assert code_of(queue.send_message, Message("画" * 21_846)) == "InvalidArgument"
    queue.set_encoding(True)
    assert code_of(queue.send_message, Message("x" * 49_153)) == "InvalidArgument"


def test_a_batch_holds_sixteen_messages_and_64_kb(cloud: Cloud, name: str) -> None:
    queue = made_queue(cloud, name)
    assert len(queue.batch_send_message([Message("x")] * 16)) == 16
    assert code_of(queue.batch_send_message, [Message("x")] * 17) == "InvalidArgument"
    assert code_of(queue.batch_send_message, [Message("x" * 40_000)] * 2) == "InvalidArgument"


def test_what_is_wrong_in_a_batch_is_told_for_each_message(cloud: Cloud, name: str) -> None:
    queue = made_queue(cloud, name)
    with pytest.raises(MNSServerException) as error:
        queue.batch_send_message([Message("good"), Message("bad", priority=17)])
    assert [sorted(each) for each in error.value.sub_errors] == [
        ["MessageBodyMD5", "MessageId"],
        ["ErrorCode", "ErrorMessage"],
    ]
    assert queue.receive_message(0).message_body == "good"


@pytest.mark.parametrize(("bad", "code"), [("-a", "InvalidQueueName"), ("a" * 121, "QueueNameLengthError")])
def test_impossible_names_are_refused(cloud: Cloud, bad: str, code: str) -> None:
    assert code_of(account(cloud).get_queue(bad).create, QueueMeta()) == code


def test_an_absent_queue_is_told(cloud: Cloud) -> None:
    absent = account(cloud).get_queue("absent")
    for call in (lambda: absent.send_message(Message("x")), lambda: absent.receive_message(0), absent.get_attributes):
        assert code_of(call) == "QueueNotExist"
    absent.delete()


def test_wrong_keys_and_signatures_are_refused(cloud: Cloud) -> None:
    assert code_of(account(cloud, secret="wrong").list_queue) == "SignatureDoesNotMatch"
    assert code_of(account(cloud, key_id="LTAIunknown").list_queue) == "InvalidAccessKeyId"
    assert requests.get(f"{cloud.url('mns')}/queues", timeout=5).status_code == 400


def test_nothing_of_a_message_is_logged(cloud: Cloud, name: str) -> None:
    queue = made_queue(cloud, name)
    queue.send_message(Message(TRIP))
    assert code_of(queue.send_message, Message("画" * 30_000)) == "InvalidArgument"
    log = cloud.log_file("mns").read_text("utf-8")
    assert "出游" not in log
    assert "画" not in log
    assert cloud.access_key_secret not in log


def test_queues_and_messages_survive_a_crash(tmp_path: Any) -> None:
    cloud = Cloud.open(tmp_path / "cloud", free_ports=True)
    with Supervisor(cloud, ["mns"]) as supervisor:
        queue = made_queue(cloud, "crash", visibility_timeout=60)
        queue.batch_send_message([Message("一"), Message("二")])
        held = queue.receive_message(0)
        supervisor.stop_service("mns", kill=True)

        supervisor.start_service("mns")
        queue = account(cloud).get_queue("crash")
        queue.set_encoding(False)
        queue.delete_message(held.receipt_handle)
        assert queue.receive_message(0).message_body == "二"


def test_retention_ends_a_message(cloud: Cloud, name: str) -> None:
    # The shortest retention is a minute, so the test reaches into the file to age the message.
    import sqlite3

    queue = made_queue(cloud, name)
    queue.send_message(Message(TRIP))
    with sqlite3.connect(cloud.folder("mns") / "smq.sqlite") as database:
        database.execute("UPDATE messages SET expires_ms = 0 WHERE queue = ?", (name,))
    database.close()
    eventually(lambda: queue.get_attributes().active_messages == 0)


def _put_dead_letter(cloud: Cloud, name: str, policy: dict[str, object]) -> requests.Response:
    return requests.put(f"{cloud.url('mns')}/-/queues/{name}/dead-letter", json=policy, timeout=5)


def _set_dead_letter(cloud: Cloud, name: str, policy: dict[str, object]) -> None:
    assert _put_dead_letter(cloud, name, policy).status_code == 204
