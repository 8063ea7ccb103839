"""Some two hundred graphs, judged by our checker, by real servers and by the built-in one.

What the servers said is recorded; with ``COMFYUI_URL`` a live one is asked as well (it is sent all graphs but the one
that would end its worker). Wherever our verdict is another than a server's, `DIFFERENT` says why. To record anew:
``python -m tests.services.comfyui.graph_corpus.judge --url URL``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from localcloud.comfyui.core_nodes import core_nodes
from localcloud.comfyui.folders import Folders
from localcloud.comfyui.results import GraphRefused
from localcloud.comfyui.validation import plan
from shared.graphs.check import check_graph
from shared.graphs.node_types import NodeTypes
from tests.services.comfyui.graph_corpus.judge import HERE, Example, Server, classes_in_use, corpus, recorded

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from shared.graphs.findings import Finding

VERSIONS = ("0.3.64", "0.8.0", "0.12.1")
CORPUS = {example.name: example for example in corpus()}

_FAILS = "stricter: the server lets it pass, and then the run fails"
_FILE = "stricter: the server reads it, and a graph may only name files of the input folder"
_SLOT = "stricter: Python takes it for another slot, which nobody meant"
_EARLY = "stricter: the server lets it pass, and then refuses to save"
_PAGE = "stricter: the file would really be called so, the page alone fills it in"
_LINK = "stricter: an undeclared link is handed to the node's function, and the run fails"
_THERE = "more lenient: which files a server has is its own affair; `--url` asks it"
_V3 = "stricter: 0.3.64 does not look at choices of the newer shape, 0.12.1 does"

_NEWER = VERSIONS[1:]

#: Every graph about which we and a server of one of these versions are of another mind, and why.
DIFFERENT: dict[str, tuple[tuple[str, ...], str]] = {
    "slot negative": (VERSIONS, _SLOT),
    "slot true": (VERSIONS, _SLOT),
    "text for a picture": (VERSIONS, _FAILS),
    "number for a picture": (VERSIONS, _FAILS),
    "null for a picture": (VERSIONS, _FAILS),
    "object for a picture": (VERSIONS, _FAILS),
    "text for an optional mask": (VERSIONS, _FAILS),
    "text for a latent": (VERSIONS, _FAILS),
    "value not in a newer list": (("0.3.64",), _V3),
    "null for a newer choice": (("0.3.64",), _V3),
    "extra input with a link": (VERSIONS, _LINK),
    "extra input linked to nothing": (VERSIONS, "stricter: the server takes it, and never runs anything again"),
    "extra input linked to a bad node": (VERSIONS, _LINK),
    "circle through an extra input": (VERSIONS, _LINK),
    "circle behind one of two outputs": (VERSIONS, "stricter: the server drops the output without a word"),
    "newer: no such option": (_NEWER, _FAILS),
    "newer: option missing": (_NEWER, _FAILS),
    "newer: type that does not match": (_NEWER, _FAILS),
    "newer: growing list too long": (_NEWER, _LINK),
    "newer: growing list too short": (("0.8.0",), "stricter: 0.8.0 does not count what is required, 0.12.1 does"),
    "newer: growing list empty": (("0.8.0",), "stricter: 0.8.0 does not count what is required, and the run fails"),
    "no such picture": (VERSIONS, _THERE),
    "no such checkpoint": (VERSIONS, _THERE),
    "picture by a path upwards": (VERSIONS, _FILE),
    "picture by an absolute path": (VERSIONS, _FAILS),
    "picture of the output folder": (VERSIONS, _FILE),
    "picture with its folder named": (VERSIONS, _FILE),
    "picture in a subfolder": (VERSIONS, _FILE),
    "mask by a path upwards": (VERSIONS, _FILE),
    "empty picture name": (VERSIONS, _FAILS),
    "prefix leaving output": (VERSIONS, _EARLY),
    "prefix absolute": (VERSIONS, _EARLY),
    "prefix leaving in the middle": (VERSIONS, _EARLY),
    "latent prefix leaving output": (VERSIONS, _EARLY),
    "prefix with the batch number": (VERSIONS, "stricter: every run overwrites the last one's file"),
    "prefix with the page's date": (VERSIONS, _PAGE),
    "prefix with a node's value": (VERSIONS, _PAGE),
    "prefix with Windows' path": (VERSIONS, "stricter: on a server under Windows it leaves the folder"),
}
#: The server's types for what our codes tell apart; a code that is not here has the server's own name.
_SERVERS_TYPES = {
    "no_inputs": {"exception_during_validation", "exception_during_inner_validation", "required_input_missing"},
    "link_to_nothing": {"exception_during_validation", "exception_during_inner_validation"},
    "link_slot": {"exception_during_validation", "exception_during_inner_validation"},
    "link_id_not_text": {"exception_during_validation", "exception_during_inner_validation"},
    "path_for_file": {"value_not_in_list", "custom_validation_failed"},
}
#: Where a server names a fault by a type that our code does not stand for.
OTHERWISE_NAMED = {
    "null for a picture file": "the class's own check fails on it: an exception for the server, a wrong value for us",
}


def types_of(version: str) -> NodeTypes:
    return NodeTypes.load(HERE / f"object_info-{version}.json")


def errors_in(found: list[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.severity == "error"]


def is_clean(verdict: Mapping[str, Any]) -> bool:
    """A graph that is only taken in part is no clean one: some of its pictures will never come."""
    return verdict["status"] == 200 and not verdict["node_errors"]


def told(finding: Finding) -> str:
    place = ".".join(part for part in (finding.node_id, finding.input) if part)
    return f"{finding.severity} {finding.code}" + (f" at {place}" if place else "")


def different(verdicts: Mapping[str, Mapping[str, Any]], node_types: NodeTypes) -> set[str]:
    return {
        name
        for name, verdict in verdicts.items()
        if is_clean(verdict) == bool(errors_in(check_graph(CORPUS[name].graph, node_types)))
    }


def test_the_corpus_is_large_and_each_graph_says_what_it_is_for() -> None:
    assert len(CORPUS) == len(corpus()) >= 120
    assert all(example.reason for example in corpus())
    assert sum(is_clean(verdict) for verdict in recorded("0.3.64").values()) >= 40
    assert all(recorded(version).keys() == CORPUS.keys() for version in VERSIONS)


@pytest.mark.parametrize("name", CORPUS)
def test_each_graph_has_the_findings_that_stand_beside_it(name: str) -> None:
    example = CORPUS[name]
    newer = example.findings if example.newer is None else example.newer
    for version, findings in (("0.3.64", example.findings), ("0.8.0", newer), ("0.12.1", newer)):
        assert [told(finding) for finding in check_graph(example.graph, types_of(version))] == list(findings)


@pytest.mark.parametrize("version", VERSIONS)
def test_we_and_the_server_agree_except_where_it_is_explained(version: str) -> None:
    listed = {name for name, (versions, _) in DIFFERENT.items() if version in versions}
    assert different(recorded(version), types_of(version)) == listed


@pytest.mark.parametrize("version", VERSIONS)
def test_every_fault_that_the_server_names_is_named_at_the_same_node(version: str) -> None:
    node_types, otherwise = types_of(version), set()
    for name, verdict in recorded(version).items():
        ours = {
            (finding.node_id, kind)
            for finding in check_graph(CORPUS[name].graph, node_types)
            for kind in _SERVERS_TYPES.get(finding.code, {finding.code})
        }
        theirs = {(node_id, kind) for node_id, kinds in verdict["node_errors"].items() for kind in kinds}
        if not theirs <= ours:
            otherwise.add(name)
    assert otherwise == {*OTHERWISE_NAMED, *(name for name, (_, why) in DIFFERENT.items() if why == _THERE)}


@pytest.mark.parametrize("version", VERSIONS)
def test_no_graph_that_we_pass_fails_when_it_is_run(version: str) -> None:
    passed = [name for name, one in CORPUS.items() if not errors_in(check_graph(one.graph, types_of(version)))]
    runs = {name: recorded(version)[name]["run"] for name in passed}
    assert {name for name, run in runs.items() if run != "success"} == {"no such picture", "no such checkpoint"}


@pytest.fixture
def live() -> Server:
    if "COMFYUI_URL" not in os.environ:
        pytest.skip("COMFYUI_URL names no ComfyUI server")
    server = Server(os.environ["COMFYUI_URL"])
    server.prepare()
    return server


def test_a_live_server_agrees_too_and_says_what_was_recorded(live: Server) -> None:
    version = live.version()
    verdicts = {name: live.judge(example) for name, example in CORPUS.items() if not example.kills}
    if version in VERSIONS:
        assert verdicts == {name: recorded(version)[name] for name in verdicts}
    raw = live.object_info()
    node_types = NodeTypes.load({kind: raw[kind] for kind in classes_in_use() & raw.keys()})
    # A live server's list of models is known: there we agree even about files.
    files = {"no such checkpoint"}
    listed = {name for name, (versions, _) in DIFFERENT.items() if version in versions or version not in VERSIONS}
    unexplained = different(verdicts, node_types) - listed
    assert not unexplained
    if version in VERSIONS:
        assert different(verdicts, node_types) == {name for name in listed if not CORPUS[name].kills} - files


_BROKE = "ComfyUI breaks (500), the built-in server says what is wrong (400)"
_INPUT = "the built-in server reads nothing but files of the input folder"
#: Where the built-in server is of another mind than ComfyUI 0.3.64, and why.
BUILT_IN_DIFFERENT = {
    "class_type a list": _BROKE,
    "node null": _BROKE,
    "node a number": _BROKE,
    "editor's format": _BROKE,
    "editor's newer format": _BROKE,
    "picture by an absolute path": _INPUT,
    "picture of the output folder": _INPUT,
    "picture with its folder named": _INPUT,
    "empty picture name": _INPUT,
}


def judged_by_the_built_in(example: Example, classes: Mapping[str, type[Any]]) -> dict[str, Any]:
    try:
        plan(example.graph, classes)
    except GraphRefused as refused:
        body = refused.body
        types = {
            node_id: sorted(error["type"] for error in found["errors"])
            for node_id, found in sorted(body["node_errors"].items())
        }
        return {"status": 400, "error": body["error"]["type"], "node_errors": types}
    return {"status": 200, "error": ""}


def test_the_built_in_server_judges_as_the_real_one_does(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    (tmp_path / "input" / "语料").mkdir(parents=True)
    (tmp_path / "output" / "语料").mkdir(parents=True)
    for place in ("input/行程.png", "input/语料/行程.png", "output/语料/图_00001_.png"):
        (tmp_path / place).write_bytes(b"")
    classes, theirs = core_nodes(folders), recorded("0.3.64")
    real = set(types_of("0.3.64"))
    wrong, judged = set(), 0
    for name, example in CORPUS.items():
        if isinstance(example.graph, dict) and not (classes_of(example.graph) & real) - classes.keys():
            judged += 1
            ours = judged_by_the_built_in(example, classes)
            if ours != {key: theirs[name][key] for key in ours}:
                wrong.add(name)
    assert judged >= 120
    assert wrong == BUILT_IN_DIFFERENT.keys()


def classes_of(graph: dict[str, Any]) -> set[str]:
    kinds = [entry.get("class_type") for entry in graph.values() if isinstance(entry, dict)]
    return {kind for kind in kinds if isinstance(kind, str)}
