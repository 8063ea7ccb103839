"""`tripcanvas workflows show`: what stands in the drawing of a workflow, as SVG and as PNG."""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from cli.drawing import draw_graph
from cli.drawing_list import Box, Curve, Text, cut_text, text_width, to_svg, wrap_text
from cli.main import app
from cli.workflow_checks import names_of_workflows
from shared.graphs.node_types import NodeTypes

PAIRS = Path(__file__).parent / "editor_pairs" / "1.37.11"


def drawn(case: str, *, with_editor: bool = False) -> tuple[dict[str, Any], Any]:
    found = json.loads((PAIRS / f"{case}.json").read_text("utf-8"))
    types = NodeTypes.load(PAIRS / "object_info.json")
    return found["api"], draw_graph(found["api"], types, editor=found["editor"] if with_editor else None)


def texts(drawing: Any) -> list[str]:
    return [item.content for item in drawing.items if isinstance(item, Text)]


def bodies(drawing: Any) -> list[Box]:
    return [item for item in drawing.items if isinstance(item, Box) and item.fill == "#34363b"]


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    return lambda *arguments: CliRunner().invoke(app, ["workflows", "show", *(str(each) for each in arguments)])


@pytest.mark.parametrize("name", names_of_workflows())
def test_every_shipped_workflow_is_drawn_with_its_parameters_and_its_output(run, tmp_path, name: str) -> None:
    result = run(name, "--out", tmp_path / "a.svg")

    assert result.exit_code == 0, result.output
    root = ElementTree.fromstring((tmp_path / "a.svg").read_text("utf-8"))
    shown = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {name, "filename_prefix", "输出 output"} <= shown or {name, "query_prompt", "输出 output"} <= shown


def test_a_node_shows_title_class_and_values() -> None:
    _, drawing = drawn("text_to_image")

    assert {"提示词", "CLIPTextEncode", "618106889", "dpmpp_2m", "杭州西湖的清晨，薄雾"} <= set(texts(drawing))


def test_a_link_is_drawn_from_slot_to_slot_in_its_type_s_colour() -> None:
    graph, drawing = drawn("text_to_image")
    links = sum(isinstance(value, list) for node in graph.values() for value in node["inputs"].values())

    curves = [item for item in drawing.items if isinstance(item, Curve) and item.width < 3]

    assert len(curves) == links
    assert [curve.stroke for curve in curves].count("#ffa931") == 2
    edges = {round(box.x, 3) for box in bodies(drawing)} | {round(box.x + box.width, 3) for box in bodies(drawing)}
    assert all(round(curve.x0, 3) in edges and round(curve.x1, 3) in edges for curve in curves)


@pytest.mark.parametrize(
    "case", ["text_to_image", "bypassed", "subgraph_in_a_subgraph", "choices_with_inputs", "muted"]
)
def test_nodes_in_columns_do_not_overlap_and_links_lead_to_the_right(case: str) -> None:
    _, drawing = drawn(case)

    boxes = bodies(drawing)
    for number, one in enumerate(boxes):
        for other in boxes[number + 1 :]:
            apart = one.x + one.width <= other.x or other.x + other.width <= one.x
            assert apart or one.y + one.height <= other.y or other.y + other.height <= one.y
    assert all(item.x0 < item.x1 for item in drawing.items if isinstance(item, Curve))


def test_nodes_stand_where_the_editor_has_them() -> None:
    graph, _ = drawn("image_upload")
    found = json.loads((PAIRS / "image_upload.json").read_text("utf-8"))
    for number, node in enumerate(found["editor"]["nodes"]):
        node["pos"] = [400 * number, 50 * number]

    types = NodeTypes.load(PAIRS / "object_info.json")
    boxes = bodies(draw_graph(graph, types, editor=found["editor"]))

    assert [boxes[number].x - boxes[0].x for number in range(len(boxes))] == [400 * n for n in range(len(boxes))]


def test_a_cycle_and_a_broken_link_are_drawn_nonetheless() -> None:
    graph = {
        "1": {"class_type": "A", "inputs": {"x": ["2", 0], "y": ["9", 0]}},
        "2": {"class_type": "B", "inputs": {"x": ["1", 3], "z": [1]}},
    }

    drawing = draw_graph(graph, NodeTypes({}))

    assert {"A", "B"} <= set(texts(drawing))


def test_texts_of_a_graph_can_t_break_the_svg() -> None:
    graph = {"1": {"class_type": "<A>&", "inputs": {"x": '"</svg><script>\x0b'}, "_meta": {"title": "a<b\x00\x1b"}}}

    root = ElementTree.fromstring(to_svg(draw_graph(graph, NodeTypes({}))))

    assert not list(root.iter("{http://www.w3.org/2000/svg}script"))


def test_a_png_is_drawn_with_chinese(run, tmp_path) -> None:
    result = run("wanx_scene", "--out", tmp_path / "a.png")
    if "--font" in result.stderr and not os.environ.get("CI"):
        pytest.skip("no font with Chinese on this machine")

    assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width > 800
        assert len(picture.getcolors(1 << 24)) > 200


def test_other_endings_and_unknown_names_are_refused(run, tmp_path) -> None:
    assert "ends in .svg or .png" in run("wanx_scene", "--out", tmp_path / "a.gif").stderr
    assert "wanx_scene" in run("没有").stderr


def test_a_text_is_cut_to_its_room() -> None:
    for text in ("杭州西湖的清晨，三潭印月", "a/long/path/with_many_parts.safetensors"):
        short = cut_text(text, 12, 80)
        assert short.endswith("…")
        assert text_width(short, 12) <= 80
    assert cut_text("短", 12, 80) == "短"


def test_a_long_text_is_wrapped_between_words_and_chinese_characters() -> None:
    lines = wrap_text("前景是一段安静的湖边道路，写实风景 with a quiet road", 12, 100, 9)

    assert all(text_width(line, 12) <= 112 for line in lines)
    assert "".join(lines).replace(" ", "") == "前景是一段安静的湖边道路，写实风景withaquietroad"
    assert not any(line.startswith(("，", "。")) for line in lines)
    assert wrap_text("一\n二\n三", 12, 100, 2) == ["一", "二…"]
