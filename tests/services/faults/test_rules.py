"""What a rule may say, what is said of one that can't be read, and which calls a rule strikes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from localcloud.faults.active import ActiveRules
from localcloud.faults.rules import (
    FAULT_HEADER,
    FAULTY_SERVICES,
    FILE_VARIABLE,
    InvalidRules,
    Plan,
    Rule,
    decode_plan,
    read_plan,
)

GUIDE = (Path(__file__).parents[3] / "docs" / "faults.md").read_text("utf-8")
RESET = {"service": "oss", "do": "reset"}


def plan(*rules: dict[str, Any], seed: int = 0) -> Plan:
    return decode_plan(msgspec.json.encode({"seed": seed, "rules": rules}))


def struck(active: ActiveRules, calls: int, call: str = "PUT", path: str = "/b/k") -> list[bool]:
    return [active.met_by(call, path, "") is not None for _ in range(calls)]


# Bad rules.


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        ({"do": "reset"}, "rules[0]: Object missing required field `service`"),
        ({"service": "oss"}, "rules[0]: Object missing required field `do`"),
        (RESET | {"service": "s3"}, "rules[0].service: "),
        (RESET | {"service": "comfyui"}, "rules[0].service: "),
        (RESET | {"do": "explode"}, "rules[0].do: "),
        (RESET | {"chance": 1}, "rules[0]: Object contains unknown field `chance`"),
        (RESET | {"probability": 1.5}, "rules[0].probability: "),
        (RESET | {"probability": -0.1}, "rules[0].probability: "),
        (RESET | {"probability": "half"}, "rules[0].probability: "),
        (RESET | {"skip": -1}, "rules[0].skip: "),
        (RESET | {"times": -1}, "rules[0].times: "),
        (RESET | {"do": "hang", "seconds": -1}, "rules[0].seconds: "),
        (RESET | {"do": "hang", "seconds": 1e9}, "rules[0].seconds: "),
        (RESET | {"do": "hang"}, "rules[0]: seconds: "),
        (RESET | {"seconds": 1}, "rules[0]: seconds: "),
        (RESET | {"do": "status"}, "rules[0]: status: "),
        (RESET | {"status": 503}, "rules[0]: status: "),
        (RESET | {"do": "status", "status": 200}, "rules[0].status: "),
        (RESET | {"do": "status", "status": 600}, "rules[0].status: "),
        (RESET | {"do": "status", "status": 503, "code": "Slow\r\nDown"}, "rules[0].code: "),
        (RESET | {"code": "SlowDown"}, "rules[0]: code: "),
        (RESET | {"call": "/bucket/*"}, "rules[0]: call: "),
        (RESET | {"call": ""}, "rules[0]: call: "),
        (RESET | {"call": "INVOKE /plain"}, "rules[0]: call: "),
        (RESET | {"do": "kill", "seconds": 1}, "rules[0]: service: "),
        ({"service": "*", "do": "kill", "seconds": 1}, "rules[0]: service: "),
        ({"service": "fc", "do": "kill", "seconds": 1, "call": "POST /*"}, "rules[0]: call: "),
        ({"service": "fc", "do": "kill", "seconds": 1, "after_effect": True}, "rules[0]: after_effect: "),
    ],
)
def test_a_rule_that_can_never_work_is_refused_by_the_name_of_its_field(rule: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidRules, match=re.escape(named)):
        plan(rule)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"rules":[1]}', b'{"seed":"x"}', b'{"rulez":[]}'])
def test_what_is_no_plan_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRules):
        decode_plan(body)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("seed = 1\n[[rules]]\nservice = 'oss'\ndo = 'hang'\nseconds = nan", "rules[0].seconds"),
        ("[[rules]]\nservice = 'oss'\ndo = 'reset'\nprobability = inf", "rules[0].probability"),
        ("seed = [", "faults.toml: "),
    ],
)
def test_a_file_is_named_with_its_fault(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "faults.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(InvalidRules, match=re.escape(named)) as refused:
        read_plan(file)
    assert str(file) in str(refused.value)


def test_rules_can_name_every_service_that_can_be_struck() -> None:
    assert set(get_args(get_type_hints(Rule)["service"])) == {"*", *FAULTY_SERVICES}


# Which calls.


@pytest.mark.parametrize(
    ("pattern", "call", "path", "fits"),
    [
        ("*", "GET", "/", True),
        ("PUT *", "PUT", "/b/k", True),
        ("PUT *", "GET", "/b/k", False),
        ("PUT /*/journeys/*", "PUT", "/tripcanvas-ledger/journeys/ab/1/000.json", True),
        ("PUT /*/journeys/*", "PUT", "/tripcanvas-ledger/open/1", False),
        ("P* /*", "POST", "/x", True),
        ("[PG]* /b/?", "GET", "/b/k", True),
        ("GET /B", "GET", "/b", False),
        ("GET /b", "GET", "/b/k", False),
    ],
)
def test_a_call_is_matched_by_its_method_and_its_whole_path(pattern: str, call: str, path: str, fits: bool) -> None:
    active = ActiveRules("oss", plan(RESET | {"call": pattern}))
    assert struck(active, 1, call, path) == [fits]


def test_a_query_can_be_asked_for() -> None:
    active = ActiveRules("eas", plan({"service": "eas", "do": "reset", "query": "*_watch_=true*"}))
    assert active.met_by("GET", "/q", "_index_=0&_watch_=true") is not None
    assert active.met_by("GET", "/q", "_index_=0") is None


def test_the_first_calls_are_passed_over_and_a_number_of_times_is_enough() -> None:
    active = ActiveRules("oss", plan(RESET | {"skip": 2, "times": 3}))
    assert struck(active, 8) == [False, False, True, True, True, False, False, False]
    (told,) = active.listing()["rules"]
    assert (told["matched"], told["struck"]) == (8, 3)


def test_a_rule_strikes_only_its_service_and_keeps_its_number() -> None:
    rules = plan(RESET, {"service": "feed", "do": "reset"}, {"service": "*", "do": "reset"})
    assert [rule["number"] for rule in ActiveRules("feed", rules).listing()["rules"]] == [1, 2]
    assert [rule["number"] for rule in ActiveRules("oss", rules).listing()["rules"]] == [0, 2]


def test_of_two_rules_that_strike_the_first_is_met_and_both_have_counted() -> None:
    active = ActiveRules("oss", plan(RESET | {"times": 1}, RESET | {"do": "status", "status": 503, "times": 1}))
    met = [active.met_by("GET", "/", "") for _ in range(3)]
    assert [fault and fault.do for fault in met] == ["reset", "status", None]
    assert [(rule["matched"], rule["struck"]) for rule in active.listing()["rules"]] == [(3, 1), (3, 1)]


def test_kills_strike_invocations_and_everything_else_requests() -> None:
    kill = {"service": "fc", "do": "kill", "seconds": 2, "call": "INVOKE /paints"}
    active = ActiveRules("fc", plan(kill, {"service": "fc", "do": "reset", "call": "POST /*"}))
    assert active.moment_of_death("writes") is None
    assert 0 <= (active.moment_of_death("paints") or 0) < 2
    fault = active.met_by("POST", "/paints", "")
    assert fault is not None
    assert fault.do == "reset"
    assert [rule["matched"] for rule in active.listing()["rules"]] == [1, 1]


# Chance.


def test_the_same_seed_strikes_the_same_calls() -> None:
    half = plan(RESET | {"probability": 0.5}, seed=7)
    assert struck(ActiveRules("oss", half), 200) == struck(ActiveRules("oss", half), 200)


def test_what_a_seed_strikes_never_changes() -> None:
    """Written down, so that a seed from a report strikes the same calls on every version and machine."""
    active = ActiveRules("oss", plan(RESET | {"probability": 0.5}, seed=7))
    assert "".join("x" if hit else "." for hit in struck(active, 32)) == ".x...xx...x.xx.x......x.x.x..x.x"


@pytest.mark.parametrize("change", [{"seed": 8}, {"service": "feed"}, {"before": True}])
def test_another_seed_service_or_number_strikes_others(change: dict[str, Any]) -> None:
    rule = {"service": "*", "do": "reset", "probability": 0.5}
    usual = struck(ActiveRules("oss", plan(rule, seed=7)), 200)
    before = [{"service": "*", "do": "reset", "call": "NONE"}] if "before" in change else []
    changed = plan(*before, rule, seed=change.get("seed", 7))
    assert struck(ActiveRules(change.get("service", "oss"), changed), 200) != usual


def test_calls_that_do_not_match_and_other_rules_change_nothing() -> None:
    rules = plan(RESET | {"probability": 0.5, "call": "PUT *"}, RESET | {"probability": 0.5, "call": "GET *"}, seed=7)
    alone, mixed = ActiveRules("oss", rules), ActiveRules("oss", rules)
    expected = struck(alone, 100, "PUT")
    seen = []
    for _ in range(100):
        struck(mixed, 3, "GET")
        struck(mixed, 1, "HEAD")
        seen += struck(mixed, 1, "PUT")
    assert seen == expected


@pytest.mark.parametrize(("probability", "low", "high"), [(0.0, 0, 0), (0.3, 540, 660), (1.0, 2000, 2000)])
def test_about_as_many_calls_are_struck_as_the_probability_says(probability: float, low: int, high: int) -> None:
    active = ActiveRules("oss", plan(RESET | {"probability": probability}, seed=1))
    assert low <= sum(struck(active, 2000)) <= high


# The guide.


@pytest.mark.parametrize("example", re.findall(r"^```toml\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE))
def test_every_example_of_the_guide_can_be_set(tmp_path: Path, example: str) -> None:
    file = tmp_path / "faults.toml"
    file.write_text(example, "utf-8")
    assert read_plan(file).rules


def test_the_guide_explains_every_field_and_every_action() -> None:
    for word in ("seed", *Rule.__struct_fields__, *get_args(get_type_hints(Rule)["do"])):
        assert f"`{word}`" in GUIDE or f"{word} = " in GUIDE, word
    for name in (FAULT_HEADER, FILE_VARIABLE):
        assert name in GUIDE
