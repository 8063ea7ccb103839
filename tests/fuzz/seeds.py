"""Real examples of everything that comes from outside, as the contracts and the emulators give it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from shared.facts import TripFacts, facts_of
from shared.journey import journey_id, task_id
from shared.styles import Style, load_styles
from shared.trips import parse_trip
from shared.workflows import FOLDER
from tests.fuzz.mutation import MARKER

_ROOT = Path(__file__).parents[2]
TASK = task_id(journey_id("T-1", "watercolour"), 1)
OUTPUT_NODE = "9"

_PRIVATE_TEXTS = ("text", "emoji", "owner_id")


def _dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _with_private_texts(trip: bytes) -> bytes:
    """The trip with the marker in every free text."""
    found = json.loads(trip)
    for name in _PRIVATE_TEXTS:
        found[name] = MARKER[:30]
    for stop in ("start", "end"):
        found[stop] |= {"address": MARKER}
    found["team"] = {"name": MARKER, "size": 3}
    return _dumped(found)


_files = sorted((_ROOT / "examples" / "trips").glob("*.json"))
TRIPS = tuple(path.read_bytes() for path in _files)
PRIVATE_TRIPS = tuple(map(_with_private_texts, TRIPS[:4]))

_event_files = sorted((_ROOT / "tests" / "events").glob("*.[jt][sx]*"))
EVENTS = (
    *(path.read_bytes() for path in _event_files),
    PRIVATE_TRIPS[0],
    b"[" + b",".join(PRIVATE_TRIPS) + b"]",
    base64.b64encode(TRIPS[0]),
)

STYLE: Style = load_styles(FOLDER / "styles")["watercolour"]
FACTS: TripFacts = facts_of(parse_trip(TRIPS[0]))
FACTS_IN_ENGLISH: TripFacts = facts_of(parse_trip(TRIPS[11]))

_PICTURE = {"filename": "picture_00001_.png", "subfolder": TASK, "type": "output"}
_EXECUTED = {"type": "executed", "data": {"node": "9", "output": {"images": [_PICTURE]}, "prompt_id": "c3c9"}}
_FAILED = {
    "type": "execution_error",
    "data": {
        "prompt_id": "c3c9",
        "node_id": "1",
        "node_type": "WanxImage",
        "exception_type": "tripcanvas.errors.ContentRefused",
        "exception_message": f"[DataInspectionFailed] {MARKER}",
        "traceback": [MARKER],
        "current_inputs": {"prompt": [MARKER]},
    },
}
_INVALID = {
    "error": {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed", "details": MARKER},
    "node_errors": {
        "1": {
            "class_type": "WanxImage",
            "errors": [
                {
                    "type": "value_not_in_list",
                    "message": MARKER,
                    "details": MARKER,
                    "extra_info": {"input_name": "size"},
                }
            ],
        }
    },
}

#: What a sink record's data is (contracts/eas-queue.md §3): a finished render, one from the cache, and failures.
RENDER_ANSWERS = tuple(
    map(
        _dumped,
        (
            [_EXECUTED, {"9": {"images": [_PICTURE]}, "15": {"images": [_PICTURE], "animated": [True]}, "19": {"gifs": [_PICTURE]}}],
            [{"9": {"images": [_PICTURE]}}],
            [_FAILED],
            [{"type": "execution_interrupted", "data": {"prompt_id": "c3c9", "node_id": "1"}}],
            _INVALID,
            {"error": {"type": "missing_node_type", "message": MARKER, "extra_info": {}}, "node_errors": {}},
        ),
    )
)  # fmt: skip


def sink_message(answer: bytes) -> bytes:
    """A sink record as `relay_results` forwards it."""
    return _dumped({"task_id": TASK, "request_id": "r-1", "index": 7, "answer": answer.decode(), "status": 200})


SINK_MESSAGES = tuple(map(sink_message, RENDER_ANSWERS))


def _queued(data: bytes, index: int, **tags: str) -> dict[str, Any]:
    return {
        "index": index,
        "tags": {"task_id": TASK, "requestId": "0a1b", **tags},
        "data": base64.b64encode(data).decode(),
    }


#: What the EAS queue service answers: records of the sink as JSON, and an index.
EAS_ANSWERS = (
    _dumped([_queued(RENDER_ANSWERS[0], 43)]),
    _dumped([_queued(RENDER_ANSWERS[2], 44, lastCode="500"), _queued(RENDER_ANSWERS[1], 45, traceparent="00-0-0-01")]),
    b"42",
)


def _entry(outputs: object, status: str, *messages: object) -> dict[str, Any]:
    told = {"status_str": status, "completed": status == "success", "messages": messages}
    return {"prompt": [4, TASK, {"1": {"inputs": {"prompt": MARKER}}}, {}, ["9"]], "outputs": outputs, "status": told}


#: What ComfyUI's own routes answer: an order taken, refused or taken in part, the queue, and the history.
COMFYUI_ANSWERS = (
    _dumped({"prompt_id": TASK, "number": 4, "node_errors": {}}),
    _dumped({**_INVALID, "prompt_id": TASK, "number": 4}),
    _dumped({"queue_running": [[4, TASK, {}, {}, ["9"]]], "queue_pending": [[5, MARKER, {}, {}, ["9"]]], "exec_info": {"queue_remaining": 2}}),
    _dumped({TASK: _entry({"9": {"images": [_PICTURE], "animated": [False]}, "3": {"text": [MARKER]}}, "success")}),
    _dumped({TASK: _entry({}, "error", ["execution_error", _FAILED["data"]])}),
)  # fmt: skip

_BRIEF = {
    "painting_prompt": f"{STYLE.phrase}: a calm lake between low green hills under a clear morning sky, willows in the "
    "foreground, an empty road along the shore, soft light on the water",
    "negative_prompt": "",
    "title": "{CITY}的初夏",
    "caption": "湖面很静，风从山那边来，这一路都是好天气。",
    "tags": ["自驾", "湖边", "初夏"],
    "alt_text": "晴空下的湖，岸边有柳树和一条空路。",
    "city": "上海市",
}
_BRIEF_IN_ENGLISH = {
    **_BRIEF,
    "title": "A bright coast",
    "caption": "Sea air and an open road.",
    "tags": ["coast", "summer", "road trip"],
    "alt_text": "A bay under a clear sky.",
}
#: What the text model writes, with and without a fence.
BRIEFS = (
    _dumped(_BRIEF),
    _dumped(_BRIEF_IN_ENGLISH),
    b"```json\n" + _dumped(_BRIEF) + b"\n```",
    _dumped({**_BRIEF, "caption": MARKER}),
)


def _chat(text: str) -> dict[str, Any]:
    choice = {"finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    return {
        "output": {"text": None, "finish_reason": None, "choices": [choice]},
        "usage": {"input_tokens": 812, "output_tokens": 240, "total_tokens": 1052},
        "request_id": "b042e72d-7994-97dd-b3d2-7ee7e0140525",
    }


#: What DashScope answers to a question, refusals among it.
#: What moderation answers: to a text, to a picture, to who asks for a place to put one, and errors.
GREEN_ANSWERS = (
    b'{"Code":200,"Message":"OK","RequestId":"R","Data":{"RiskLevel":"none","Result":[{"Label":"nonLabel"}],"AttackLevel":"none"}}',
    b'{"Code":200,"Message":"OK","RequestId":"R","Data":{"RiskLevel":"high","Score":99.0,"Result":[{"Label":"a_b","Confidence":99.0,"RiskWords":"x"}]}}',
    b'{"Code":200,"Msg":"OK","RequestId":"R","Data":{"RiskLevel":"low","Results":[{"Service":"aigcCheck","RiskLevel":"low","Result":[{"Label":"a"}]},{"Service":"baselineCheck","RiskLevel":"none","Result":[]}]}}',
    b'{"Code":200,"Msg":"OK","RequestId":"R","Data":{"AccessKeyId":"STS.x","AccessKeySecret":"s","SecurityToken":"t","BucketName":"lent","FileNamePrefix":"upload/1/","OssInternetEndPoint":"oss-cn-shanghai.aliyuncs.com","Expiration":4000000000}}',
    b'{"Code":588,"Message":"EXCEED_QUOTA","RequestId":"R"}',
    b'{"Code":"Throttling.User","Message":"x","RequestId":"R","HostId":"h"}',
)
CHAT_ANSWERS = (
    _dumped(_chat(BRIEFS[0].decode())),
    _dumped(_chat(BRIEFS[2].decode())),
    _dumped(_chat("画面：湖")),
    _dumped({"code": "DataInspectionFailed", "message": MARKER, "request_id": "r-3"}),
    _dumped({"error": {"code": "invalid_api_key", "message": MARKER, "type": "invalid_request_error"}, "request_id": "r-4"}),
)  # fmt: skip

_TASK_STATE = {"task_id": "task-1", "submit_time": "2024-05-05 18:57:00.000", "task_metrics": {"TOTAL": 1, "SUCCEEDED": 1, "FAILED": 0}}  # fmt: skip
_PICTURE_URL = "http://127.0.0.1:7713/pictures/1.png?Expires=1"
#: What DashScope answers to the nodes in ComfyUI: a question, an ordered picture, the states of its task.
NODE_ANSWERS = (
    *CHAT_ANSWERS,
    _dumped({"output": {"task_status": "PENDING", "task_id": "task-1"}, "request_id": "r-1"}),
    _dumped({"output": {**_TASK_STATE, "task_status": "RUNNING"}, "request_id": "r-2"}),
    _dumped({"output": {**_TASK_STATE, "task_status": "SUCCEEDED", "results": [{"url": _PICTURE_URL}]}, "request_id": "r-2"}),
    _dumped({"output": {**_TASK_STATE, "task_status": "SUCCEEDED", "results": [{"code": "DataInspectionFailed", "message": MARKER}]}}),
    _dumped({"output": {**_TASK_STATE, "task_status": "FAILED", "code": "InternalError.Algo", "message": MARKER}}),
    _dumped({"output": {"choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": [{"image": _PICTURE_URL}]}}]}}),
    _dumped({"request_id": "r-3", "data": {
        "policy": "eyJ9", "signature": "c2ln", "upload_dir": "dashscope-instant/0a/2026-11-22/u", "expire_in_seconds": 300,
        "upload_host": "http://127.0.0.1:7713/uploads", "oss_access_key_id": "LTAI", "max_file_size_mb": 1024, "capacity_limit_mb": 10,
        "x_oss_object_acl": "private", "x_oss_forbid_overwrite": "true"}}),
)  # fmt: skip

#: What the feed answers.
FEED_ANSWERS = (
    _dumped({"post_id": "e02c82e0f632d02c", "url": "https://feed.example.com/posts/e02c82e0f632d02c", "created": True}),
    _dumped({"post_id": "e02c82e0f632d02c"}),
    _dumped({"error": "conflict", "message": MARKER}),
)

_LISTED = (
    "<Contents><Key>journeys/3d/3d67a0b4/000.json</Key><LastModified>2024-05-05T10:57:00.000Z</LastModified>"
    "<ETag>&quot;5B3C1A2E053D763E1B002CC607C5A0FE&quot;</ETag><Type>Normal</Type><Size>344606</Size>"
    "<StorageClass>Standard</StorageClass></Contents>"
)


def _listing(*, truncated: bool) -> bytes:
    more = "<NextContinuationToken>CgJiYw--</NextContinuationToken>" if truncated else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>ledger</Name><Prefix>journeys/</Prefix>'
        f"<MaxKeys>1000</MaxKeys><KeyCount>2</KeyCount><IsTruncated>{str(truncated).lower()}</IsTruncated>{more}"
        f"<EncodingType>url</EncodingType>{_LISTED}{_LISTED}</ListBucketResult>"
    ).encode()


#: What OSS answers: a listing, one of several pages, an error.
OSS_ANSWERS = (
    _listing(truncated=False),
    _listing(truncated=True),
    b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message>'
    b"<RequestId>5C3D9175B6FC201293AD</RequestId><HostId>b.oss-cn-shanghai.aliyuncs.com</HostId><Key>k</Key></Error>",
    b'<?xml version="1.0"?><Error><Code>FileAlreadyExists</Code><Message>m</Message><RequestId>5C3D</RequestId></Error>',
)

#: Messages in the dead-letter queue.
DEAD_LETTERS = tuple(
    _dumped(
        {
            "journey": journey_id("T-1", "-"),
            "code": "invalid",
            "reason": "trip_id: required, but missing",
            "sha256": "0" * 64,
            "size_bytes": 9,
            "message_id": "M-1",
            "body_base64": base64.b64encode(b'{"x": 1}').decode(),
            "object_key": "",
        }
    )
    for _ in range(1)
)
