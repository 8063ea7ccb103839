"""The commands on dead letters, against the real queue and the real bucket; the functions do not run here."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import stat
import warnings
from pathlib import Path

import msgspec
import pytest
from mns.account import Account
from mns.mns_exception import MNSServerException
from mns.queue import QueueMeta
from mns.subscription import SubscriptionMeta
from typer.testing import CliRunner

from cli.cloud import services_of
from cli.letter_box import LetterBox
from cli.main import app
from localcloud.state import Cloud
from localcloud.supervisor import Supervisor
from shared.rejection import DeadLetter

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

TRIP = json.loads((Path(__file__).parents[2] / "examples" / "trips" / "01-may-holiday.json").read_text("utf-8"))
LETTERS = "tripcanvas-dead-letters"
SECRET = "海棠路9431号"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    opened = Cloud.open(tmp_path_factory.mktemp("letters") / "cloud", free_ports=True)
    with Supervisor(opened, ["oss", "mns"]):
        yield opened


@pytest.fixture
def run(cloud, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")

    def run(*arguments: object, answer: str = ""):
        given = ["dead-letters", *(str(argument) for argument in arguments), "--root", str(cloud.root)]
        done = CliRunner().invoke(app, given, input=answer)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done

    return run


@pytest.fixture(autouse=True)
def queue(cloud):
    """The dead-letter queue, empty, and a queue that hears what is published to each topic."""
    account = Account(cloud.url("mns"), cloud.access_key_id, cloud.access_key_secret, "")
    for name in (LETTERS, "heard-trip-completed", "heard-render-finished"):
        found = account.get_queue(name)
        found.delete()
        found.create(QueueMeta())
    for topic in ("trip-completed", "render-finished"):
        endpoint = f"acs:mns:{cloud.region}:{cloud.account_id}:queues/heard-{topic}"
        account.get_topic(topic).get_subscription("heard").subscribe(
            SubscriptionMeta(endpoint, "BACKOFF_RETRY", "SIMPLIFIED")
        )
    found = account.get_queue(LETTERS)
    found.set_encoding(False)
    yield found
    account.mns_client.close_connection()


@pytest.fixture
def put(cloud):
    services = services_of(cloud)
    return lambda letter: services.messages.send(LETTERS, letter if isinstance(letter, bytes) else encode(letter))


@pytest.fixture
def heard(cloud):
    """What was published to a topic since the test began: waits for `count` messages, then for no further one."""
    messages = services_of(cloud).messages

    def heard(topic: str, count: int) -> list[bytes]:
        found: list[bytes] = []
        while len(found) < count:
            batch = messages.receive(f"heard-{topic}", wait_s=10)
            assert batch, f"{len(found)} of {count}"
            found += [message.body for message in batch]
        return found + [message.body for message in messages.receive(f"heard-{topic}")]

    return heard


def encode(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def trip(**changes: object) -> bytes:
    return encode({**TRIP, "text": SECRET, **changes})


def rejected(body: bytes, code: str = "invalid", **changes: object) -> bytes:
    letter = DeadLetter(
        journey="3f2b7c1e-6a0d-5c7f-9d3b-2a8e4f1c5d60",
        code=code,
        reason="styles[0]: one of anime, ink_wash",
        sha256=hashlib.sha256(body).hexdigest(),
        size_bytes=len(body),
        message_id="M-1",
        body_base64="" if code == "no_consent" else base64.b64encode(body).decode(),
    )
    return msgspec.json.encode(msgspec.structs.replace(letter, **changes))


def failed(event: bytes, function: str = "tripcanvas-trip-completed", error: object = None) -> bytes:
    error = error or {
        "errorMessage": "1 of 1 not done: oss: ConnectionFailed",
        "errorType": "DeliverAgain",
        "stackTrace": [],
    }
    return encode(
        {
            "timestamp": 1660120276975,
            "requestContext": {
                "requestId": "R-7",
                "functionArn": f"acs:fc:cn-shanghai:1000:functions/{function}",
                "condition": "UnhandledInvocationError",
                "approximateInvokeCount": 4,
            },
            "requestPayload": event.decode(),
            "responseContext": {"statusCode": 200, "functionError": "UnhandledInvocationError"},
            "responsePayload": json.dumps(error),
        }
    )


def topic_event(body: bytes, topic: str = "trip-completed") -> bytes:
    return encode({"TopicName": topic, "MessageId": "M-2", "Message": body.decode()})


def listed(run, *arguments):
    answer = run("list", "--json", *arguments)
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def left(queue) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        meta = queue.get_attributes()
        return meta.active_messages + meta.inactive_messages


# Looking.


def test_an_empty_queue_is_said_to_be_empty(run):
    assert run("list").output.strip() == "no dead letters"
    assert listed(run) == []


def test_every_shape_is_listed_and_nothing_of_its_content(run, put):
    put(rejected(trip(styles=["cubism"])))
    put(failed(topic_event(trip())))
    put(trip())
    put(f"{SECRET} [red]\x85 what is this".encode())
    put(b'{"requestContext": 3, "journey": []}')
    answers = [run("list"), run("list", "--json")]
    for letter in listed(run):
        answers.append(run("show", letter["id"]))
    for answer in answers:
        assert answer.exit_code == 0
        assert SECRET not in answer.output
    letters = json.loads(answers[1].stdout)
    assert [letter["origin"] for letter in letters] == ["rejected", "invocation", "undelivered", "unknown", "unknown"]
    assert [letter["code"] for letter in letters] == [
        "invalid",
        "UnhandledInvocationError",
        "undelivered",
        "unknown",
        "unknown",
    ]
    assert letters[1]["reason"] == "DeliverAgain: 1 of 1 not done: oss: ConnectionFailed"
    assert [letter["topic"] for letter in letters] == ["trip-completed"] * 3 + ["", ""]
    assert letters[1]["journeys"] == letters[2]["journeys"] != []


def test_looking_changes_nothing_however_long_the_queue(run, put, queue):
    for number in range(40):
        put(rejected(trip(trip_id=f"T-{number}")))
    first = listed(run)
    assert len(first) == 40
    # The letters of the first look are hidden for a second; the second look waits for them.
    assert listed(run) == first
    assert left(queue) == 40


def test_letters_can_be_chosen_by_journey_and_by_code(run, put):
    put(rejected(b"a"))
    put(rejected(b"b", code="conflict", journey="c0ffee00-6a0d-5c7f-9d3b-2a8e4f1c5d60"))
    assert [letter["code"] for letter in listed(run, "--code", "conflict")] == ["conflict"]
    assert [letter["code"] for letter in listed(run, "--journey", "c0ffee00-6a0d-5c7f-9d3b-2a8e4f1c5d60")] == [
        "conflict"
    ]
    assert listed(run, "--code", "conflict", "--journey", "3f2b7c1e-6a0d-5c7f-9d3b-2a8e4f1c5d60") == []


def test_the_original_is_shown_and_saved_only_when_asked_for(run, put, tmp_path):
    body = trip(styles=["cubism"])
    put(rejected(body))
    [letter] = listed(run)
    assert SECRET in run("show", letter["id"], "--content").output
    file = tmp_path / "原件.json"
    assert run("show", letter["id"].upper(), "--save", file).exit_code == 0
    assert file.read_bytes() == body
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = run("show", letter["id"], "--save", file)
    assert (again.exit_code, again.stderr.strip()) == (1, f"{file}: File exists")


def test_an_original_in_the_bucket_is_fetched_checked_and_discarded(run, put, cloud, tmp_path):
    body = trip(text="长" * 20_000)
    digest = hashlib.sha256(body).hexdigest()
    bucket = services_of(cloud).ledger.bucket
    bucket.put(f"dead-letters/{digest}", body, "application/octet-stream")
    put(rejected(body, body_base64="", object_key=f"dead-letters/{digest}"))
    [letter] = listed(run)
    assert run("show", letter["id"], "--save", tmp_path / "a").exit_code == 0
    assert (tmp_path / "a").read_bytes() == body
    bucket.put(f"dead-letters/{digest}", body + b" ", "application/octet-stream")
    assert "not those that the letter's hash" in run("redrive", letter["id"]).stderr
    assert run("discard", letter["id"]).exit_code == 0
    assert list(bucket.keys("dead-letters/")) == []
    assert listed(run) == []


def test_content_cannot_steer_the_terminal(run, put):
    put(rejected(b"\x1b[2J\x07", reason="\x1b[31mred\x1b]0;title\x07"))
    [letter] = listed(run)
    for answer in (run("list"), run("show", letter["id"], "--content")):
        assert "\x1b" not in answer.output
        assert "\x07" not in answer.output


def test_an_unforeseen_exception_is_named_by_its_type_only(run, put):
    put(
        failed(
            topic_event(trip()),
            error={"errorMessage": f"'{SECRET}'", "errorType": "KeyError", "stackTrace": [["index.py", 3]]},
        )
    )
    put(
        failed(
            topic_event(trip()),
            error={"errorMessage": "Function timed out after 120 seconds", "errorType": "FunctionTimeout"},
        )
    )
    assert [letter["reason"] for letter in listed(run)] == [
        "KeyError",
        "FunctionTimeout: Function timed out after 120 seconds",
    ]


# Sending again.


def test_a_letter_goes_back_to_its_topic_with_its_own_bytes_and_is_gone(run, put, heard, queue):
    body = trip()
    put(rejected(body))
    [letter] = listed(run)
    answer = run("redrive", letter["id"])
    assert answer.exit_code == 0
    assert re.findall(r"^journey ([0-9a-f-]{36})$", answer.output, re.MULTILINE)
    assert heard("trip-completed", 1) == [body]
    assert left(queue) == 0


def test_a_failed_invocation_goes_back_message_by_message(run, put, heard, queue):
    result = encode(
        {"task_id": "3f2b7c1e-6a0d-5c7f-9d3b-2a8e4f1c5d60-1", "request_id": "r", "index": 1, "answer": "[]"}
    )
    put(failed(topic_event(trip(trip_id="T-1"))))
    put(failed(topic_event(result, "render-finished"), "tripcanvas-image-ready"))
    put(failed(b"[" + trip(trip_id="T-2") + b"," + trip(trip_id="T-3") + b"]"))
    answer = run("redrive", "--all", "--yes")
    assert answer.exit_code == 0, answer.output
    assert "journey 3f2b7c1e-6a0d-5c7f-9d3b-2a8e4f1c5d60" in answer.output
    assert sorted(heard("trip-completed", 3)) == [trip(trip_id=f"T-{number}") for number in (1, 2, 3)]
    assert heard("render-finished", 1) == [result]
    assert left(queue) == 0


@pytest.mark.parametrize(
    ("letter", "why"),
    [
        (rejected(trip(), code="no_consent"), "no bytes were kept: its owner has not agreed to any processing"),
        (rejected(trip(), code="conflict"), "it would conflict again: the trip's first message stands"),
        (rejected(trip(styles=["cubism"])), "it would be rejected again: styles[0]: one of anime, "),
        (rejected(b"hello topic"), "it would be rejected again: message: "),
        (rejected(b"[]"), "it would be rejected again: message: "),
        (rejected(b"\xff\xfe"), "a topic carries text in UTF-8 only"),
        (rejected(trip(), sha256="0" * 64), "its bytes are not those that the letter's hash was made of"),
        (rejected(trip(), body_base64="", object_key="dead-letters/gone"), "the object that held its bytes is gone"),
        (failed(b"{}", "another-function"), "it is nothing that a function of this product takes"),
        (b"hello queue", "it is nothing that a function of this product takes"),
        (rejected(trip(), body_base64="", object_key="journeys/3f/x/received.json"), "it is nothing that a function"),
    ],
)  # fmt: skip
def test_what_cannot_help_is_not_sent_and_the_letter_stays(run, put, queue, letter, why):
    put(letter)
    [shown] = listed(run)
    answer = run("redrive", shown["id"])
    assert answer.exit_code == 1
    assert f"{shown['id']}: stays: {why}" in answer.stderr
    assert [again["id"] for again in listed(run)] == [shown["id"]]
    assert run("discard", shown["id"]).exit_code == 0
    assert left(queue) == 0


def test_all_does_what_it_can_and_says_what_stays(run, put, heard):
    put(rejected(trip(trip_id="T-1")))
    put(rejected(b"bad"))
    put(rejected(trip(trip_id="T-2")))
    answer = run("redrive", "--all", "--yes")
    assert answer.exit_code == 1
    assert answer.output.count("sent again") == 2
    assert sorted(heard("trip-completed", 2)) == [trip(trip_id="T-1"), trip(trip_id="T-2")]
    assert [letter["size_bytes"] for letter in listed(run)] == [3]


def test_all_takes_only_the_chosen_ones_and_asks_before(run, put, queue):
    put(rejected(trip(trip_id="T-1")))
    put(rejected(trip(trip_id="T-2"), code="conflict"))
    refused = run("discard", "--all", "--code", "conflict", answer="n\n")
    assert (refused.exit_code, left(queue)) == (1, 2)
    assert "Throw away every dead letter with code conflict?" in refused.output
    assert run("discard", "--all", "--code", "conflict", answer="y\n").exit_code == 0
    assert [letter["code"] for letter in listed(run)] == ["invalid"]


def test_a_letter_that_comes_back_is_not_sent_again_by_the_same_command(run, put, cloud, queue):
    """A letter arrives while the command runs, as one does whose cause was not mended."""
    put(rejected(trip()))
    box_sees = []
    with LetterBox(services_of(cloud)) as box:
        for letter in box.letters():
            box_sees.append(letter.id)
            box.redrive(letter)
            put(rejected(trip()))
    assert len(box_sees) == 1
    assert left(queue) == 1


def test_two_people_never_hold_the_same_letter_and_an_interrupted_one_lets_go(run, put, cloud):
    for number in range(20):
        put(rejected(trip(trip_id=f"T-{number}")))
    with LetterBox(services_of(cloud)) as first, LetterBox(services_of(cloud)) as second:
        mine = next(first.letters())
        theirs = [letter.id for letter in second.letters()]
    # A batch is held by the first from its first letter on.
    assert (len(theirs), mine.id in theirs) == (4, False)
    with contextlib.suppress(KeyboardInterrupt), LetterBox(services_of(cloud)) as interrupted:
        next(interrupted.letters())
        raise KeyboardInterrupt
    assert len(listed(run)) == 20


def test_without_its_topic_a_letter_stays(run, put, cloud, queue, monkeypatch):
    put(rejected(trip()))
    [letter] = listed(run)
    monkeypatch.setenv("TRIPCANVAS_TRIP_TOPIC", "no-such-topic")
    answer = run("redrive", letter["id"])
    assert answer.exit_code == 1
    assert "TopicNotExist" in answer.stderr
    assert left(queue) == 1


# Bad calls.


@pytest.mark.parametrize("command", ["show", "redrive", "discard"])
def test_a_letter_that_is_not_there_is_an_error_of_one_line(run, command):
    answer = run(command, "00000000")
    assert answer.exit_code == 1
    assert (
        answer.stderr.strip()
        == "there is no dead letter 00000000; `tripcanvas dead-letters list` shows which there are"
    )


@pytest.mark.parametrize("command", ["redrive", "discard"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give the id of one letter, or --all"),
        (("12345678", "--all"), "give the id of one letter, or --all"),
        (("12345678", "--code", "invalid"), "--journey and --code go with --all"),
    ],
)
def test_a_call_that_does_not_say_which_letters_does_nothing(run, put, queue, command, arguments, said):
    put(rejected(trip()))
    answer = run(command, *arguments)
    assert (answer.exit_code, answer.stderr.strip()) == (1, said)
    assert left(queue) == 1


def test_a_queue_that_does_not_exist_is_named(run, monkeypatch):
    monkeypatch.setenv("TRIPCANVAS_DEAD_LETTER_QUEUE", "no-such-queue")
    answer = run("list")
    assert answer.exit_code == 1
    assert "QueueNotExist" in answer.stderr
    assert answer.stderr.strip().endswith("TRIPCANVAS_DEAD_LETTER_QUEUE is no-such-queue")


def test_where_no_cloud_runs_the_way_out_is_named(tmp_path):
    cloud = Cloud.open(tmp_path / "cloud", free_ports=True)
    answer = CliRunner().invoke(app, ["dead-letters", "list", "--root", str(cloud.root)])
    assert answer.exit_code == 1
    assert "tripcanvas up" in answer.stderr


def test_a_receipt_that_is_over_removes_nothing(cloud, queue, put):
    put(b"x")
    messages = services_of(cloud).messages
    [message] = messages.receive(LETTERS)
    assert messages.release(LETTERS, message)
    assert not messages.delete(LETTERS, message)
    [again] = messages.receive(LETTERS, wait_s=5)
    assert (again.id, again.receive_count) == (message.id, 2)
    assert messages.delete(LETTERS, again)
    with pytest.raises(MNSServerException):
        queue.peek_message()
