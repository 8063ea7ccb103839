"""The smallest case of everything that fuzzing has found, so that it stays mended."""

from __future__ import annotations

import gzip
import json
import time

import pytest

from shared.clouds.image_queue import open_image_queue
from shared.clouds.llm import TextModel
from shared.clouds.objects import open_bucket
from shared.composing import compose
from shared.errors import Misconfigured, OutcomeUnknown, Refused
from shared.events import MAX_MESSAGES, messages_of
from shared.feed import open_feed
from shared.prompts import BriefInvalid, parse_brief, repair_messages
from shared.render_errors import RenderError
from shared.results import SinkRecord, read_answer
from shared.settings import Credentials
from tests.fuzz import seeds
from tests.fuzz.driver import no_pauses
from tests.fuzz.mutation import MARKER
from tests.fuzz.service_targets import no_waiting
from tests.fuzz.transport import Reply, answering
from workflows.custom_nodes.tripcanvas.dashscope_client import DashScope
from workflows.custom_nodes.tripcanvas.errors import NodeError, PictureRefused

DEEP = "[" * 100_000 + "]" * 100_000


def cpu_seconds_of(call) -> float:
    before = time.process_time()
    call()
    return time.process_time() - before


@pytest.mark.parametrize("answer", ["```" + "\n" * 3000, "```json\n{}" + "\n" * 3000 + "x", "{" + "\n" * 3000])
def test_a_fence_that_never_closes_is_given_up_at_once(answer):
    def read():
        with pytest.raises(BriefInvalid):
            parse_brief(answer, seeds.FACTS, seeds.STYLE)

    assert cpu_seconds_of(read) < 0.5


@pytest.mark.parametrize("text", ["a-" * 50_000, "a-" * 4000, "1 " * 9000])
def test_an_endless_text_in_a_brief_is_given_up_at_once(text):
    brief = json.dumps({**json.loads(seeds.BRIEFS[0]), "title": text})

    def read():
        with pytest.raises(BriefInvalid):
            parse_brief(brief, seeds.FACTS, seeds.STYLE)

    assert cpu_seconds_of(read) < 0.5


def test_half_a_surrogate_pair_in_an_answer_does_not_break_the_next_question():
    asked = repair_messages([], 'x\ud800"', "answer: one JSON object")
    assert json.dumps(asked, ensure_ascii=False).encode()


def chat(text: str = "", **changes: object) -> bytes:
    choice = {"finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    return json.dumps({"output": {"choices": [choice]}, "usage": {}, "request_id": "r-1", **changes}).encode()


@pytest.mark.parametrize(
    "answer",
    [
        Reply(200, DEEP.encode()),
        Reply(200, chat(usage="x") + b"x"),
        Reply(200, b"", {"Content-Type": "text/event-stream"}),
        Reply(200, b"data: 7\n\n", {"Content-Type": "text/event-stream"}),
        Reply(400, b"\xff", {"Content-Type": "text/html"}),
        Reply(400, b"[]"),
        Reply(200, chat('\ud800{"')),
    ],
    ids=["deep", "not JSON", "no event", "an event that is a number", "not UTF-8", "a list", "surrogate"],
)  # fmt: skip
def test_whatever_the_text_model_answers_the_template_writes(answer):
    model = TextModel("http://127.0.0.1:1/api/v1", "sk-0123456789abcdef", "qwen3.7-plus", 5.0)
    with answering(lambda _: answer), no_pauses():
        assert compose(seeds.FACTS, seeds.STYLE, 7, model, name_places=True).written_by == "template"


def test_a_refusal_whose_code_is_a_sentence_is_not_repeated():
    body = json.dumps({"code": "your prompt: " + MARKER, "message": MARKER, "request_id": MARKER}).encode()
    model = TextModel("http://127.0.0.1:1/api/v1", "sk-0123456789abcdef", "qwen3.7-plus", 5.0)
    with answering(lambda _: Reply(400, body)), pytest.raises(Refused, match=r"^dashscope: 400$"):
        model.ask([{"role": "user", "content": "x"}])


@pytest.mark.parametrize("tokens", [True, -1, 10**400, 1.5, "7", None])
def test_a_count_of_tokens_that_is_none_counts_nothing(tokens):
    body = chat("x", usage={"input_tokens": tokens, "output_tokens": 7})
    model = TextModel("http://127.0.0.1:1/api/v1", "sk-0123456789abcdef", "qwen3.7-plus", 5.0)
    with answering(lambda _: Reply(200, body)):
        answer = model.ask([{"role": "user", "content": "x"}])
    assert (answer.input_tokens, answer.output_tokens) == (0, 7)


@pytest.mark.parametrize("body", [b"9" * 5000, "٣".encode(), "²".encode(), b"-1", b"1.0"])
def test_an_index_that_is_none_leaves_the_outcome_unknown(body):
    queue = open_image_queue("http://127.0.0.1:1", "svc", "token")
    with answering(lambda _: Reply(200, body)), pytest.raises(OutcomeUnknown, match="NoIndex"):
        queue.put(b"{}", task_id=seeds.TASK)


def test_one_odd_record_does_not_block_those_behind_it():
    records = [
        {"index": 1, "tags": {"lastCode": "9" * 5000}},
        {"index": True, "tags": {}},
        {"index": -1, "tags": {}},
        {"index": 10**30, "tags": {}},
        {"index": 2, "tags": {"task_id": "x" * 100_000, "requestId": [7]}, "data": 7},
        {"index": 3, "tags": {"task_id": seeds.TASK}},
    ]
    queue = open_image_queue("http://127.0.0.1:1", "svc", "token")
    with answering(lambda _: Reply(200, json.dumps(records).encode())):
        found = queue.poll_sink(wait_s=0, length=16)
    assert [(record.index, record.status) for record in found] == [(1, 500), (2, 200), (3, 200)]
    assert all(len(record.task_id) + len(record.request_id) <= 400 for record in found)


def test_an_answer_of_the_queue_that_is_nested_too_deep_is_unreadable():
    queue = open_image_queue("http://127.0.0.1:1", "svc", "token")
    with answering(lambda _: Reply(200, DEEP.encode())), pytest.raises(OutcomeUnknown, match="UnreadableRecords"):
        queue.poll_sink(wait_s=0, length=16)


def test_a_redirect_to_no_address_is_a_wrong_setting():
    queue = open_image_queue("http://127.0.0.1:1", "svc", "token")
    with answering(lambda _: Reply(301, b"", {"Location": "http://[::1"})), pytest.raises(Misconfigured):
        queue.poll_sink(wait_s=0, length=16)


@pytest.mark.parametrize(
    "body",
    [
        b'{"x":' + DEEP.encode() + b"}",
        b'{"post_id": ""}',
        json.dumps({"post_id": "p" * 201}).encode(),
        json.dumps({"post_id": "p", "url": "u" * 100_000}).encode(),
    ],
    ids=["deep", "empty id", "long id", "long address"],
)
def test_a_receipt_that_no_record_can_hold_is_unreadable(body):
    feed = open_feed("http://127.0.0.1:1/api/posts", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    with answering(lambda _: Reply(200, body)), no_pauses(), pytest.raises(OutcomeUnknown, match="UnreadableAnswer"):
        feed.find("j")


def bucket():
    return open_bucket("http://oss-cn-shanghai.aliyuncs.com", "cn-shanghai", "ledger", Credentials("LTAI", "secret"))


LISTING = seeds.OSS_ANSWERS[0]


@pytest.mark.parametrize(
    ("listing", "why"),
    [
        (LISTING.replace(b"344606", b"many"), "UnreadableAnswer"),
        (LISTING.replace(b"2024-05-05T10:57:00.000Z", b"yesterday"), "UnreadableAnswer"),
        (b"<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>x</NextContinuationToken>"
         b"</ListBucketResult>", "UnreadableAnswer"),
    ],
    ids=["size", "time", "never ends"],
)  # fmt: skip
def test_a_listing_that_is_none_leaves_the_outcome_unknown(listing, why):
    with answering(lambda _: Reply(200, listing)), no_pauses(), pytest.raises(OutcomeUnknown, match=why):
        list(bucket().keys("journeys/"))


@pytest.mark.parametrize("body", [b"\xff\xfe", b"<Error><Code>\xff</Code></Error>", DEEP.encode()])
def test_an_error_of_oss_that_is_no_text_is_an_error_of_the_tree(body):
    with answering(lambda _: Reply(500, body)), no_pauses(), pytest.raises(OutcomeUnknown):
        bucket().get("k", max_bytes=100)


@pytest.mark.parametrize("headers", [{}, {"Content-Length": "3", "Content-Encoding": "gzip"}])
def test_an_object_that_does_not_tell_its_length_is_read_up_to_the_limit(headers):
    body = gzip.compress(bytes(200_000_000), 1) if headers else bytes(20_000)
    reply = Reply(
        200, body, {"x-oss-request-id": "r-1", **headers, **({"Content-Length": str(len(body))} if headers else {})}
    )
    with answering(lambda _: reply), pytest.raises(Refused, match="TooLarge"):
        bucket().get("k", max_bytes=1_000_000 if headers else 10_000)


def node_client() -> DashScope:
    return DashScope("http://127.0.0.1:7713/api/v1", "sk-0123456789abcdef", 0.1)


@pytest.mark.parametrize(
    "reply", [Reply(200, b'{"x":' + DEEP.encode() + b"}"), Reply(302, b"", {"Location": "http://[::1"})]
)
def test_a_node_ends_in_a_sentence_whatever_is_answered(reply):
    with answering(lambda _: reply), pytest.raises(NodeError):
        node_client().write("qwen3.7-plus", "s", "u")


def test_a_picture_that_is_somewhere_else_is_refused():
    elsewhere = Reply(302, b"", {"Location": "http://[::1"})
    with answering(lambda _: elsewhere), pytest.raises(PictureRefused):
        node_client().download("http://127.0.0.1:7713/pictures/1.png")


def test_a_tasks_state_that_is_a_sentence_is_not_repeated():
    body = json.dumps({"output": {"task_status": MARKER, "code": MARKER}}).encode()
    with answering(lambda _: Reply(200, body)), no_waiting(), pytest.raises(NodeError) as raised:
        node_client().picture_url("task-1", lambda _: None)
    assert MARKER not in str(raised.value)


def test_a_list_of_more_than_a_batch_is_one_message():
    event = b"[" + b"0," * MAX_MESSAGES + b"0]"
    assert [message.sent for message in messages_of(event)] == [event]
    assert len(messages_of(b"[" + b"0," * (MAX_MESSAGES - 1) + b"0]")) == MAX_MESSAGES


def failure_of(answer: object, status: int = 200) -> RenderError:
    record = SinkRecord(task_id=seeds.TASK, request_id="", index=1, answer=json.dumps(answer), status=status)
    error = read_answer(record, "9")
    assert isinstance(error, RenderError)
    return error


def test_what_stands_in_place_of_a_name_is_not_repeated():
    data = {"node_type": MARKER, "exception_type": MARKER, "exception_message": MARKER}
    assert failure_of([{"type": "execution_error", "data": data}]).reason == "unknown node: failed"
    node = {"class_type": MARKER, "errors": [{"type": MARKER, "extra_info": {"input_name": MARKER}}]}
    refused = failure_of({"error": {"type": MARKER}, "node_errors": {MARKER: node}})
    assert (refused.code, refused.reason) == ("graph_refused", "node ? (?): error")
    assert (
        failure_of({"error": {"type": "missing_node_type", "message": MARKER}}).reason
        == "node missing: of another name"
    )


def test_a_missing_node_is_named():
    for message in ("Cannot execute because node WanxImage does not exist.", "Node 'WanxImage' not found."):
        assert failure_of({"error": {"type": "invalid_prompt", "message": message}}).reason == "node missing: WanxImage"


def test_ten_thousand_refused_nodes_make_a_short_reason():
    answer = {"error": {"type": "x"}, "node_errors": {str(number): {} for number in range(10_000)}}
    assert len(failure_of(answer).reason) < 200


def test_a_status_that_is_none_makes_a_short_code():
    assert failure_of([], 10**400).code == "http_0"
