"""What a journey has cost, and what its log lines tell of that."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import pytest

from shared.errors import Misconfigured
from shared.prices import TABLE, cost_of, load_prices
from shared.records import Prompted, Published
from shared.settings import Settings
from tests.unit.steps.deployment import EXAMPLES
from tests.unit.steps.test_composing import GOOD, says

SETTINGS = Settings()


def test_the_shipped_table_prices_what_a_deployment_uses_by_itself():
    prices = load_prices(SETTINGS)
    assert SETTINGS.text_model in prices.text
    assert SETTINGS.judge_model in prices.text
    assert SETTINGS.image_model in prices.image
    workflows = {
        folder.name for folder in (EXAMPLES.parents[1] / "workflows").iterdir() if (folder / "graph.json").exists()
    }
    assert workflows == set(prices.render)
    services = {SETTINGS.green_words_service, SETTINGS.green_answer_service, SETTINGS.green_name_service}
    assert services | set(SETTINGS.green_picture_services.split(",")) <= set(prices.moderation)


@pytest.mark.parametrize("text", ["as_of = 1", "as_of = '2026'\n[text", TABLE.read_text("utf-8") + "\n[extra]\n"])
def test_a_table_that_is_none_is_told_by_its_setting(tmp_path, text):
    file = tmp_path / "价格.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(Misconfigured, match="TRIPCANVAS_PRICES"):
        load_prices(replace(SETTINGS, prices=str(file)))


def test_a_table_that_is_not_there_is_told():
    with pytest.raises(Misconfigured, match="TRIPCANVAS_PRICES: names no file"):
        load_prices(replace(SETTINGS, prices="no/such.toml"))


@pytest.fixture
def posted(deployment, model_fault):
    model_fault(**says(GOOD))
    journey = deployment.submitted()
    assert deployment.finish(journey).step == "published"
    return deployment.read(journey)


def test_a_posts_cost_is_the_sum_of_what_was_paid_for(posted):
    prices = load_prices(SETTINGS)
    written = posted.need(Prompted)
    text = prices.text[SETTINGS.text_model]
    checks = {"llm_query_moderation", "llm_response_moderation", "aigcCheck", "baselineCheck"}
    expected = (
        (written.input_tokens * text.input + written.output_tokens * text.output) / 1e6
        + (prices.judge.input_tokens * text.input + prices.judge.output_tokens * text.output) / 1e6
        + prices.image[SETTINGS.image_model].each
        + prices.render["wanx_scene"].machine_s * prices.machine.cny_per_hour / 3600
        + sum(prices.moderation[name].each for name in checks)
    )
    cost = cost_of(posted, prices, SETTINGS)
    assert cost.unpriced == ()
    assert cost.cny == pytest.approx(expected, rel=1e-4)
    assert 0.1 < cost.cny < 1


def test_what_has_no_price_makes_the_cost_unknown(posted):
    cost = cost_of(posted, load_prices(SETTINGS), replace(SETTINGS, image_model="wan9", text_model="qwen9"))
    assert cost.unpriced == ("qwen9", "wan9")


def test_each_steps_line_tells_whose_it_is_how_long_it_took_and_what_it_cost(deployment, caplog):
    caplog.set_level(logging.INFO, "tripcanvas")
    journey = deployment.submitted()
    deployment.clock.advance(seconds=20)
    deployment.finish(journey)
    lines = [json.loads(record.getMessage()) for record in caplog.records]
    steps = {line["step"]: line for line in lines if line["event"] == "step"}
    ended = deployment.read(journey)
    assert list(steps) == deployment.steps(journey)
    trace = steps["received"]["trace"]
    for line in steps.values():
        assert (line["journey"], line["trip"], line["trace"]) == (journey, ended.records[0].trip, trace)
        assert line["age_ms"] >= 0
    assert len(trace) == 32
    assert steps["submitted"]["task"] == f"{journey}-1"
    assert steps["rendered"]["duration_ms"] == 20_000
    assert steps["prompted"]["input_tokens"] == ended.need(Prompted).input_tokens
    assert steps["stored"]["pictures"] == 5
    assert steps["published"]["renders"] == 1
    assert steps["published"]["cost_cny"] == cost_of(ended, load_prices(SETTINGS), deployment.settings).cny
    assert steps["published"]["visibility"] == ended.need(Published).visibility


def test_a_table_that_can_not_be_read_stops_no_post(deployment, caplog):
    caplog.set_level(logging.INFO, "tripcanvas")
    journey = deployment.submitted()
    assert deployment.finish(journey, services=deployment.instance(prices="no/such.toml")).step == "published"
    lines = [json.loads(record.getMessage()) for record in caplog.records]
    assert [line for line in lines if line["event"] == "prices_unreadable"]
    [published] = [line for line in lines if line.get("step") == "published"]
    assert "cost_cny" not in published
