"""What is logged: ids, codes, counts and durations, and nothing that could be of a trip."""

from __future__ import annotations

import ast
import json
import logging
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from shared.invocation import running
from shared.telemetry import FIELDS, log

ROOT = Path(__file__).parents[3]
SOURCES = [*(ROOT / "shared").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]


@pytest.fixture
def logged(caplog):
    caplog.set_level(logging.INFO, "tripcanvas")
    return lambda: [json.loads(record.getMessage()) for record in caplog.records]


def calls():
    """Every call of `log` in what is deployed: where it stands, and its syntax tree."""
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "log":
                yield f"{source.relative_to(ROOT)}:{node.lineno}", node


def measured():
    """The names of the fields that the line of a step and of an invocation carry besides."""
    tree = ast.parse((ROOT / "shared" / "measures.py").read_text("utf-8"))
    keys = {key.value for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys}
    keys |= {
        node.slice.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "found"
    }
    return keys | {"function", "request"}


def test_every_call_names_only_fields_that_hold_no_content():
    found = list(calls())
    assert len(found) > 20
    for place, call in found:
        assert isinstance(call.args[0], ast.Constant), place
        assert len(call.args) == 1, place
        assert {keyword.arg for keyword in call.keywords if keyword.arg} <= FIELDS, place
        spread = [keyword.value for keyword in call.keywords if keyword.arg is None]
        assert all(isinstance(value, ast.Call) and value.func.id == "measures_of" for value in spread), place
    assert measured() <= FIELDS


def test_no_field_is_listed_that_nothing_uses():
    named = {keyword.arg for _, call in calls() for keyword in call.keywords if keyword.arg}
    assert named | measured() == FIELDS


def test_nothing_else_in_what_is_deployed_prints_or_logs():
    for source in SOURCES:
        tree = ast.parse(source.read_text("utf-8"))
        called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        assert not any(isinstance(func, ast.Name) and func.id == "print" for func in called), source
        loggers = {"debug", "info", "warning", "error", "exception", "critical"}
        found = [func.attr for func in called if isinstance(func, ast.Attribute) and func.attr in loggers]
        assert found == (["info"] if source.name == "telemetry.py" else []), source


@pytest.mark.parametrize("name", ["text", "reason", "prompt", "title", "caption", "address", "city", "team", "message"])
def test_a_field_for_content_can_not_be_written(logged, name):
    with pytest.raises(TypeError, match=f"log: no field {name}"):
        log("step", **{name: "x"})
    assert logged() == []


@pytest.mark.parametrize(
    "text",
    [
        "新司机的五一出游",
        "上海市黄浦区中山南路1891号",
        "Nanjing Road 12",
        "a@b.cn",
        "x" * 129,
        "a\nb",
        "１３８００１３８０００",
    ],
)
def test_content_in_a_field_for_words_is_told_by_its_length(logged, text):
    log("trouble", code=text)
    assert logged() == [{"event": "trouble", "code": f"<{len(text)} characters>"}]


def test_what_an_invocation_says_of_itself_stands_in_each_of_its_lines(logged):
    context = SimpleNamespace(
        function=SimpleNamespace(name="tripcanvas-image-ready", timeout="60"), request_id="1-6a5b"
    )
    with running(context) as left:
        log("relayed", index=3)
    assert left == timedelta(seconds=60)
    with pytest.raises(ZeroDivisionError), running(context):
        raise ZeroDivisionError
    log("relayed", index=4)
    whose = {"function": "tripcanvas-image-ready", "request": "1-6a5b"}
    inner, ended, failed, after = logged()
    assert inner == {"event": "relayed", **whose, "index": 3}
    assert (ended["outcome"], failed["outcome"], after) == ("ended", "failed", {"event": "relayed", "index": 4})
    assert whose.items() <= failed.items()
    assert failed["duration_ms"] >= 0


def test_ids_codes_and_places_in_the_code_are_told_as_they_are(logged):
    fields = {
        "journey": "3f2b7c1e-6a0d-5c7f-9d3b-2a8e4f1c5d60",
        "code": "Throttling.RateQuota",
        "at": "<listcomp>:12",
        "field": "styles[0]",
        "index": 7,
    }
    log("trouble", **fields)
    assert logged() == [{"event": "trouble", **fields}]
