"""What real ComfyUI servers answered to each failure (recorded), read in every form in which it may arrive."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from shared.render_errors import CODES
from shared.results import Files, SinkRecord, read_answer
from tests.services.comfyui.failures import ANSWERS, CASES, PRIVATE, TASK, Answer, sink_bodies

RECORDED = sorted(path.stem for path in ANSWERS.glob("comfyui-*.json"))


@cache
def answers(server: str) -> dict[str, dict[str, Any]]:
    return json.loads((ANSWERS / f"{server}.json").read_text("utf-8"))


def readings(answer: Answer) -> list[Any]:
    return [
        read_answer(SinkRecord(task_id=TASK, request_id="", index=1, answer=body, status=status), "9")
        for status, body in sink_bodies(answer)
    ]


def test_a_lowest_and_a_newest_server_were_recorded_in_full():
    assert RECORDED == ["comfyui-0.12.1", "comfyui-0.3.64"]
    for server in RECORDED:
        assert set(answers(server)) == set(CASES)


@pytest.mark.parametrize("server", RECORDED)
@pytest.mark.parametrize("name", CASES)
def test_each_answer_means_the_same_in_every_form(server, name):
    answer = Answer(**answers(server)[name])
    code, reason = CASES[name].outcome(answer.status)
    found = readings(answer)
    assert found
    for reading in found:
        if code == "files":
            assert isinstance(reading, Files)
            assert all(path.startswith(f"{TASK}/picture_") for path in reading.paths)
            continue
        assert not isinstance(reading, Files)
        assert (reading.code, reading.reason) == (code, reason or reading.reason)
        assert reading.retry == CODES.get(reading.code, True)
        assert not [word for word in PRIVATE if word in reading.reason]


@pytest.mark.parametrize("server", RECORDED)
def test_the_recorded_answers_do_quote_what_no_reason_may_repeat(server):
    """Else the test above could not fail."""
    text = json.dumps([{**each, "history": None} for each in answers(server).values()], ensure_ascii=False)
    assert all(word in text for word in PRIVATE if word != "Traceback")
