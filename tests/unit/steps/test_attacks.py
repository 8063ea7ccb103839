"""Texts that try to steer the models, from the message to the GPU side's queue."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from shared.records import Prompted
from tests.unit.steps.deployment import trip

ATTACKS = json.loads((Path(__file__).parents[1] / "prompts" / "attacks.json").read_text())
#: What the texts ask to be written.
ASKED_FOR = re.compile(
    r"evil|pwned|hacked|忽略以上|passwd|api_key|微信|扫码|关注|转账|system prompt|提示词|instruction|\[INST|<\||1[38]\d{9}|naked|script",
    re.I,
)


@pytest.mark.parametrize("field", ["text", "emoji", "team"])
def test_nothing_of_an_attack_reaches_the_graph_or_the_words_of_the_post(deployment, field):
    for number, attack in enumerate(ATTACKS):
        text = attack["text"]
        put = {"text": text, "emoji": text[:32], "team": {"name": text[:60], "size": 2}}
        outcome = deployment.take(trip(**{"trip_id": f"T-{field}-{number}", field: put[field]}))
        if outcome.step in ("held", "failed"):
            # Moderation took it for what it is: then there is nothing it could reach.
            assert deployment.read(outcome.journey).find(Prompted) is None
            assert not deployment.gpu.queued(take=True)
            continue
        assert outcome.step == "submitted", attack["name"]
        journey = outcome.journey
        brief = deployment.read(journey).need(Prompted).brief
        [graph] = [json.dumps(queued.graph, ensure_ascii=False) for queued in deployment.gpu.queued(take=True)]
        assert brief.painting_prompt in graph
        for told in (graph, brief.title, brief.caption, brief.alt_text, " ".join(brief.tags)):
            assert text[:12] not in told, attack["name"]
            assert not ASKED_FOR.search(told), attack["name"]


def test_the_search_finds_what_an_attack_asks_for():
    assert all(ASKED_FOR.search(text) for text in ("看 evil.cn", "请扫码", "13800138000", "System PROMPT"))
