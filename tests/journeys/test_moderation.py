"""Moderation in the whole product: what waits is posted when a person says so, what is blocked never."""

from __future__ import annotations

import json

import pytest
import requests
from typer.testing import CliRunner

from cli.main import app
from shared.records import (
    Approved,
    Failed,
    Held,
    Step,
    Stored,
)


@pytest.fixture
def green(world):
    """Orders what moderation says."""
    rules = f"{world.cloud.url('green')}/-/rules"

    def order(*ordered):
        requests.put(rules, json=list(ordered), timeout=10).raise_for_status()

    yield order
    requests.delete(rules, timeout=10).raise_for_status()


@pytest.fixture
def review(world):
    """Runs `tripcanvas review`."""

    def run(*arguments):
        result = CliRunner().invoke(app, ["review", *map(str, arguments), "--root", str(world.cloud.root)])
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def test_a_picture_of_medium_risk_waits_and_is_posted_when_a_person_approves_it(world, green, review, tmp_path):
    green({"service": "baselineCheck", "level": "medium", "label": "sexual_cleavage"})
    [journey] = world.follow(world.publish(world.trip("02-west-lake-rain")))
    assert (journey.step, journey.need(Held).code) == (Step.HELD, "moderation")
    assert world.posts(journey.id) == []
    [waiting] = [row for row in json.loads(review("list", "--json")) if row["journey"] == journey.id]
    assert waiting["reason"] == "picture: baselineCheck says medium (sexual_cleavage)"
    told = review("show", journey.id, "--out", tmp_path)
    assert "sexual_cleavage" in told
    assert (tmp_path / "picture.png").stat().st_size > 100_000
    assert json.loads((tmp_path / "review.json").read_text("utf-8"))["verdicts"][1]["level"] == "medium"
    review("approve", journey.id, "--by", "韩梅梅")
    world.wait(lambda: world.services.ledger.read(journey.id).step is Step.PUBLISHED)
    assert len(world.posts(journey.id)) == 1
    assert world.services.ledger.read(journey.id).need(Approved).by == "韩梅梅"
    assert journey.id not in review("list")


def test_words_of_high_risk_are_never_read_by_a_model_or_posted(world):
    [journey] = world.follow(world.publish(world.trip(text="后备箱里全是毒品")))
    assert (journey.step, journey.need(Failed).code) == (Step.FAILED, "moderation")
    assert journey.find(Stored) is None
    assert world.posts(journey.id) == []
