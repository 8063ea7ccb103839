"""`tripcanvas workflows`: what is wrong with a graph is told on a laptop, and a snapshot is what a server says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from cli import workflow_checks, workflows
from cli.comfyui import read_server
from cli.main import app
from shared.graphs.bindings import Model, Requires
from shared.graphs.node_types import NodeTypes
from shared.workflows import FOLDER, SNAPSHOTS, node_types_of
from tests.unit.clouds.scripted import DROPPED, HTML, Reply, ScriptedService

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from click.testing import Result

VERSIONS = sorted(path.stem.removeprefix("comfyui-") for path in SNAPSHOTS.glob("comfyui-*.json"))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("COLUMNS", "500")
    monkeypatch.delenv("COMFYUI_TOKEN", raising=False)
    return lambda *arguments: CliRunner().invoke(app, ["workflows", *map(str, arguments)])


@pytest.fixture
def service() -> Iterator[ScriptedService]:
    scripted = ScriptedService()
    yield scripted
    scripted.close()


def raw(version: str) -> dict[str, Any]:
    return dict(json.loads((SNAPSHOTS / f"comfyui-{version}.json").read_text("utf-8")))


def as_server(info: dict[str, Any], version: str = "0.12.1") -> tuple[Reply, ...]:
    stats = {"system": {"comfyui_version": version}}
    return tuple(Reply(200, json.dumps(body).encode()) for body in (stats, info, []))


def test_the_shipped_workflows_have_no_errors(run: Callable[..., Result]) -> None:
    result = run("check")
    assert result.exit_code == 0, result.output
    assert "no errors; ComfyUI 0.3.64" in result.output


def test_the_snapshots_hold_exactly_the_classes_in_use() -> None:
    """If not: `tripcanvas workflows snapshot --url URL`, with the oldest and the newest ComfyUI."""
    assert "0.3.64" in VERSIONS
    assert len(VERSIONS) >= 2
    for version in VERSIONS:
        assert set(raw(version)) == workflows.classes_in_use()


def test_a_broken_graph_is_told_by_node_and_input(run: Callable[..., Result], tmp_path: Path) -> None:
    graph = json.loads((FOLDER / "wanx_scene" / "graph.json").read_text("utf-8"))
    graph["9"]["inputs"]["filename_prefix"] = "../越界"
    (tmp_path / "图.json").write_text(json.dumps(graph), "utf-8")
    result = run("check", "--graph", tmp_path / "图.json")
    assert result.exit_code == 1
    (line,) = (line for line in result.output.splitlines() if "error" in line)
    for part in ("图.json", "9 保存图片", "filename_prefix", '"../越界"', "below the server's output folder"):
        assert part in line


@pytest.mark.parametrize("content", ["{", "", '{"1": NaN}'])
def test_a_file_that_is_no_json_is_refused(run: Callable[..., Result], tmp_path: Path, content: str) -> None:
    (tmp_path / "graph.json").write_text(content, "utf-8")
    result = run("check", "--graph", tmp_path / "graph.json")
    assert result.exit_code == 1
    assert "graph.json: JSON; " in result.output


def test_a_workflow_that_is_not_there_is_named(run: Callable[..., Result]) -> None:
    result = run("check", "nowhere")
    assert result.exit_code == 1
    assert "workflow nowhere: " in result.output


def test_node_types_can_come_from_a_file(run: Callable[..., Result], tmp_path: Path) -> None:
    info = raw("0.3.64")
    del info["SaveImage"]
    (tmp_path / "info.json").write_text(json.dumps(info), "utf-8")
    result = run("check", "wanx_scene", "--object-info", tmp_path / "info.json")
    assert result.exit_code == 1
    assert "SaveImage" in result.output


def test_a_server_is_asked_for_the_classes_it_lacks(run: Callable[..., Result], service: ScriptedService) -> None:
    info = raw(VERSIONS[0])
    del info["WanxImage"]
    service.answers(*as_server(info))
    result = run("check", "wanx_scene", "--url", service.url)
    assert result.exit_code == 1
    assert "WanxImage" in result.output
    assert {seen.path for seen in service.seen} >= {"/system_stats", "/object_info"}
    assert all(seen.method == "GET" for seen in service.seen)


def test_a_server_is_asked_for_the_models_it_lacks(service: ScriptedService) -> None:
    service.answers(*as_server({}, "0.3.10"))
    server = read_server(service.url, frozenset(["loras"]))
    model = Model(name="旅行画风.safetensors", folder="loras", size_bytes=9, note="made by hand")
    lacking = workflow_checks.lacking(Requires(comfyui="0.3.64", nodes=(), models=(model,)), server)
    assert [(finding.code, finding.expected) for finding in lacking] == [
        ("server_version", "0.3.64 or newer"),
        ("model_absent", "models/loras/旅行画风.safetensors, 9 bytes, from the designers: made by hand"),
    ]


def test_the_token_of_the_environment_goes_with_each_call(
    run: Callable[..., Result], service: ScriptedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.answers(*as_server(raw(VERSIONS[0])))
    monkeypatch.setenv("COMFYUI_TOKEN", "OWQ3")
    result = run("check", "wanx_scene", "--url", service.url)
    assert {seen.headers.get("authorization") for seen in service.seen} == {"OWQ3"}
    assert "OWQ3" not in result.output


@pytest.mark.parametrize("reply", [DROPPED, HTML, Reply(403, b"{}"), Reply(200, b"[]")])
def test_a_server_that_is_no_comfyui_is_told(
    run: Callable[..., Result], service: ScriptedService, reply: Reply
) -> None:
    service.answers(reply)
    for command in ("check", "snapshot"):
        result = run(command, "--url", service.url)
        assert result.exit_code == 1
        assert service.url in result.output


def test_a_snapshot_of_what_a_snapshot_says_is_the_same(
    run: Callable[..., Result], service: ScriptedService, tmp_path: Path
) -> None:
    for version in VERSIONS:
        service.answers(*as_server(raw(version), version))
        result = run("snapshot", "--url", service.url, "--out", tmp_path / "new" / "info.json")
        assert result.exit_code == 0, result.output
        assert (tmp_path / "new" / "info.json").read_bytes() == (SNAPSHOTS / f"comfyui-{version}.json").read_bytes()


def test_a_class_that_the_server_lacks_is_named(run: Callable[..., Result], service: ScriptedService) -> None:
    service.answers(*as_server(raw(VERSIONS[0])))
    result = run("snapshot", "没有的类", "--url", service.url)
    assert result.exit_code == 1
    assert "没有的类" in result.output


def test_a_difference_between_versions_names_the_version() -> None:
    older = NodeTypes.load(
        {**raw("0.3.64"), "SaveImage": {"input": {"required": {}}, "output": [], "output_node": True}}
    )
    by_version = {"0.1.0": older, "0.3.64": node_types_of("0.3.64")}
    judged = workflow_checks.check_graph_file(
        FOLDER / "wanx_scene" / "graph.json", workflow_checks.NodeTypesOf(by_version)
    )
    assert judged
    assert {one.versions for one in judged} == {("0.1.0",)}


def test_a_file_of_endless_brackets_is_refused_in_one_sentence(tmp_path):
    file = tmp_path / "deep.json"
    file.write_text("[" * 100_000, "utf-8")
    for words in (["check", "--graph"], ["import"]):
        result = CliRunner().invoke(app, ["workflows", *words, str(file)])
        assert result.exit_code == 1
        assert isinstance(result.exception, SystemExit)
        assert "JSON" in result.stderr
