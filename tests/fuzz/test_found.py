"""The smallest case of everything that fuzzing has found, so that it stays mended."""

from __future__ import annotations

import gzip
import json
import time

import pytest

from shared.clouds.image_queue import open_image_queue
from shared.composing import compose
from shared.errors import OutcomeUnknown
from shared.prompts import BriefInvalid, parse_brief, repair_messages
from tests.fuzz import seeds
from tests.fuzz.transport import Reply, answering

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
