"""`tripcanvas workflows import`: a designer's file becomes a workflow's folder, or is refused with every reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from typer.testing import CliRunner

from cli.main import app
from cli.workflow_folder import toml
from shared.graphs.bindings import CAR_PARAMETERS, read_bindings, tomllib
from shared.graphs.check_bindings import check_bindings
from shared.graphs.node_types import NodeTypes
from shared.workflows import FOLDER, load_workflow

PAIRS = Path(__file__).parent / "editor_pairs" / "1.37.11"
TYPES = PAIRS / "object_info.json"


def pair(case: str) -> dict[str, Any]:
    return json.loads((PAIRS / f"{case}.json").read_text("utf-8"))


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")

    def run(*arguments: object):
        return CliRunner().invoke(app, ["workflows", *(str(argument) for argument in arguments)])

    return run


@pytest.fixture
def import_graph(run, tmp_path):
    """Imports decoded JSON; answers the command's result and the folder."""

    def import_graph(graph: Any, *options: object):
        file = tmp_path / "湖边 风景.json"
        file.write_text(json.dumps(graph, ensure_ascii=False), "utf-8")
        place = tmp_path / "lake"
        result = run("import", file, "--name", "lake", "--out", place, "--object-info", TYPES, *options)
        return result, place

    return import_graph


def test_an_editor_graph_becomes_a_folder_with_proposed_bindings(import_graph) -> None:
    case = pair("text_to_image")

    result, place = import_graph(case["editor"])

    assert result.exit_code == 0, result.output
    assert {path.name for path in place.iterdir()} == {"graph.json", "graph.ui.json", "bindings.toml", "README.md"}
    graph = json.loads((place / "graph.json").read_text("utf-8"))
    assert graph == case["api"]
    assert json.loads((place / "graph.ui.json").read_text("utf-8")) == case["editor"]
    bindings = read_bindings((place / "bindings.toml").read_text("utf-8"))
    assert {name: (each.node, each.input) for name, each in bindings.parameters.items()} == {
        "prompt": ("2", "text"),
        "negative_prompt": ("3", "text"),
        "seed": ("5", "seed"),
        "width": ("4", "width"),
        "height": ("4", "height"),
        "filename_prefix": ("7", "filename_prefix"),
    }
    assert bindings.parameters["prompt"].default is None
    assert bindings.parameters["negative_prompt"].default == "text, watermark"
    assert (bindings.parameters["seed"].min, bindings.parameters["seed"].max) == (0, 2_147_483_647)
    assert (bindings.parameters["width"].min, bindings.parameters["width"].max) == (64, 2048)
    assert bindings.workflow.output_node == "7"
    assert [model.folder for model in bindings.requires.models] == ["checkpoints"]
    assert check_bindings(graph, bindings, NodeTypes.load(TYPES)) == []
    assert "提示词" in result.output


@pytest.mark.parametrize("name", ["wanx_scene", "wanx_background", "sdxl_style"])
def test_a_shipped_workflow_that_a_designer_saved_anew_is_filled_with_every_car(run, tmp_path, name: str) -> None:
    result = run("import", FOLDER / name / "graph.ui.json", "--name", "lake", "--out", tmp_path / "lake")

    assert result.exit_code == 0, result.output
    load_workflow.cache_clear()
    workflow = load_workflow("lake", tmp_path)
    load_workflow.cache_clear()
    filled = workflow.fill(
        {"prompt": "湖边", "filename_prefix": "t/picture", "car": "gen2", "car_colour": "blue"}, max_bytes=8192
    )
    (car,) = (node["inputs"] for node in json.loads(filled).values() if node["class_type"] == "LoadCar")
    assert (car["car"], car["colour"]) == ("gen2", "blue")


def test_an_api_export_and_a_whole_request_are_taken_too(import_graph) -> None:
    api = pair("text_to_image")["api"]

    for graph in (api, {"prompt": api, "client_id": "x"}):
        result, place = import_graph(graph, "--force")
        assert result.exit_code == 0, result.output
        assert json.loads((place / "graph.json").read_text("utf-8")) == api
        assert not (place / "graph.ui.json").exists()


def test_a_picture_that_comfyui_saved_brings_both_graphs(run, tmp_path) -> None:
    case = pair("bypassed")
    texts = PngInfo()
    remembered = {key: {**node, "is_changed": [float("nan")]} for key, node in case["api"].items()}
    texts.add_text("prompt", json.dumps(remembered))
    texts.add_text("workflow", json.dumps(case["editor"]))
    Image.new("RGB", (4, 4)).save(tmp_path / "picture_00001_.png", pnginfo=texts)

    result = run("import", tmp_path / "picture_00001_.png", "--out", tmp_path / "made", "--object-info", TYPES)

    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "made" / "graph.json").read_text("utf-8")) == case["api"]
    assert json.loads((tmp_path / "made" / "graph.ui.json").read_text("utf-8")) == case["editor"]


def test_titles_win_over_what_links_say(import_graph) -> None:
    api = pair("linked_widgets")["api"]
    texts = [key for key, node in api.items() if node["class_type"] == "CLIPTextEncode"]
    for key in texts:
        api[key]["_meta"]["title"] = "文本"
    api[texts[1]]["_meta"]["title"] = "画面描述 Prompt"

    result, place = import_graph(api)

    assert result.exit_code == 0, result.output
    bindings = read_bindings((place / "bindings.toml").read_text("utf-8"))
    assert (bindings.parameters["prompt"].node, bindings.parameters["prompt"].input) == (texts[1], "text")


def test_a_value_is_bound_where_it_stands_when_it_is_linked(import_graph) -> None:
    api = pair("linked_widgets")["api"]

    _, place = import_graph(api)

    bindings = read_bindings((place / "bindings.toml").read_text("utf-8"))
    assert api[bindings.parameters["width"].node]["class_type"] == "PrimitiveInt"
    assert api[bindings.parameters["prompt"].node]["class_type"] == "PrimitiveStringMultiline"


def test_texts_are_found_behind_nodes_that_hand_both_sides_on() -> None:
    from shared.graphs.propose import propose

    types = {
        "Text": {"input": {"required": {"text": ["STRING", {}]}}, "output": ["CONDITIONING"]},
        "Guide": {
            "input": {"required": {"positive": ["CONDITIONING"], "negative": ["CONDITIONING"]}},
            "output": ["CONDITIONING", "CONDITIONING"],
        },
        "Sampler": {
            "input": {"required": {"positive": ["CONDITIONING"], "negative": ["CONDITIONING"]}},
            "output": ["LATENT"],
            "output_node": True,
        },
    }
    graph = {
        "1": {"class_type": "Text", "inputs": {"text": "不要"}},
        "2": {"class_type": "Text", "inputs": {"text": "湖"}},
        "3": {"class_type": "Guide", "inputs": {"positive": ["2", 0], "negative": ["1", 0]}},
        "4": {"class_type": "Sampler", "inputs": {"positive": ["3", 0], "negative": ["3", 1]}},
    }

    found = {each.name: each.parameter.node for each in propose(graph, NodeTypes.load(types))}

    assert found == {"prompt": "2", "negative_prompt": "1"}


@pytest.mark.parametrize("name", ["wanx_scene", "wanx_background", "sdxl_style"])
def test_what_is_ordered_of_the_car_is_found_by_the_nodes_that_put_it_in(run, name: str, tmp_path: Path) -> None:
    """A graph with the shipped nodes gets the shipped bindings, whatever its nodes are called."""
    graph = json.loads((FOLDER / name / "graph.json").read_text("utf-8"))
    # The background's file comes first: the picture's must be found by the badge lock before it.
    plate = read_bindings((FOLDER / name / "bindings.toml").read_text("utf-8")).workflow.plate_node
    graph = {plate: graph.pop(plate), **graph}
    for entry in graph.values():
        del entry["_meta"]
    (tmp_path / "bare.json").write_text(json.dumps(graph), "utf-8")

    result = run("import", tmp_path / "bare.json", "--name", "bare", "--out", tmp_path / "bare")

    assert result.exit_code == 0, result.stderr
    made = read_bindings((tmp_path / "bare" / "bindings.toml").read_text("utf-8"))
    shipped = read_bindings((FOLDER / name / "bindings.toml").read_text("utf-8"))
    assert (made.workflow.output_node, made.workflow.plate_node) == ("9", plate)
    of_the_car = {*CAR_PARAMETERS, "car_position", "car_width", "car_x", "car_y", "filename_prefix"}
    expected = {key: (p.node, p.input) for key, p in shipped.parameters.items() if key in of_the_car}
    assert {key: (p.node, p.input) for key, p in made.parameters.items() if key in of_the_car} == expected
    assert "No input was found" not in result.output


def test_an_existing_folder_is_left_alone(import_graph) -> None:
    case = pair("text_to_image")
    _, place = import_graph(case["editor"])
    (place / "bindings.toml").write_text("# von Hand\n", "utf-8")

    result, _ = import_graph(case["editor"])

    assert result.exit_code == 1
    assert "--force" in result.stderr
    assert (place / "bindings.toml").read_text("utf-8") == "# von Hand\n"


KEY = "sk-" + "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("node_id", "name", "value", "said"),
    [
        ("2", "text", f"湖 {KEY}", "graph.2.inputs.text: an API key"),
        ("7", "filename_prefix", "/data/models/output", "node 7 (保存图片).filename_prefix: a path of the machine"),
        ("1", "ckpt_name", "C:\\models\\a.safetensors", "ckpt_name: a path of the machine"),
        ("5", "steps", 0, "at least 1"),
        ("5", "model", ["99", 0], "node 5 (KSampler), model"),
    ],
)
def test_what_can_t_work_is_refused_and_nothing_is_written(import_graph, node_id, name, value, said) -> None:
    api = pair("text_to_image")["api"]
    api[node_id]["inputs"][name] = value

    result, place = import_graph(api)

    assert result.exit_code == 1
    assert said in result.output
    assert KEY not in result.output
    assert not place.exists()


def test_a_key_in_a_note_of_the_editor_is_found(import_graph) -> None:
    editor = pair("notes_and_groups")["editor"]
    next(node for node in editor["nodes"] if node["type"] == "Note")["widgets_values"] = [f"我的密钥 {KEY}"]

    result, place = import_graph(editor)

    assert result.exit_code == 1
    assert "an API key" in result.output
    assert KEY not in result.output
    assert not place.exists()


def test_all_reasons_are_told_at_once(import_graph) -> None:
    api = pair("text_to_image")["api"]
    api["2"]["inputs"]["text"] = KEY
    api["5"]["inputs"]["steps"] = 0
    api["5"]["inputs"]["cfg"] = 200

    result, _ = import_graph(api)

    assert result.output.count("\n  ") == 3


def test_a_graph_without_an_output_is_refused(import_graph) -> None:
    api = pair("text_to_image")["api"]
    del api["7"]

    result, _ = import_graph(api)

    assert result.exit_code == 1
    assert "a node that ends in a result" in result.output


def test_nodes_that_need_a_comfy_account_are_refused(run, tmp_path) -> None:
    types = json.loads(TYPES.read_text("utf-8"))
    types["EmptyImage"]["api_node"] = True
    (tmp_path / "types.json").write_text(json.dumps(types), "utf-8")
    graph = {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "a"}},
    }
    (tmp_path / "a.json").write_text(json.dumps(graph), "utf-8")

    result = run("import", tmp_path / "a.json", "--out", tmp_path / "a", "--object-info", tmp_path / "types.json")

    assert result.exit_code == 1
    assert "node 1 (EmptyImage): it calls api.comfy.org" in result.output


def test_unknown_classes_are_named_with_what_to_do(run, tmp_path) -> None:
    (tmp_path / "a.json").write_text('{"1": {"class_type": "画室节点", "inputs": {}}}', "utf-8")

    result = run("import", tmp_path / "a.json", "--out", tmp_path / "a")

    assert result.exit_code == 1
    assert "画室节点" in result.stderr
    assert "--url http://127.0.0.1:8188" in result.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("湖", "JSON in UTF-8"),
        ("[]", "a graph from ComfyUI"),
        ('{"a": 1}', "a graph from ComfyUI"),
        ('{"nodes": [{"id": 1}]}', "a graph as ComfyUI's editor saves it"),
    ],
)
def test_other_files_are_refused(run, tmp_path, content: str, said: str) -> None:
    (tmp_path / "a.json").write_text(content, "utf-8")

    result = run("import", tmp_path / "a.json", "--out", tmp_path / "a")

    assert result.exit_code == 1
    assert said in result.stderr


def test_a_picture_without_a_graph_is_refused(run, tmp_path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")

    result = run("import", tmp_path / "a.png", "--out", tmp_path / "a")

    assert result.exit_code == 1
    assert "--disable-metadata" in result.stderr


def test_a_name_that_is_no_name_is_asked_for(run, tmp_path) -> None:
    (tmp_path / "湖.json").write_text("{}", "utf-8")

    result = run("import", tmp_path / "湖.json")

    assert result.exit_code == 1
    assert result.stderr.startswith("--name: ")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "湖\n山\n",
        'a "b"',
        '"""',
        'x\n"""y""" z"',
        "a\\nb",
        "C:\\x\n\\",
        "tab\there",
        "\x00\x1f\x7f",
        "\n\n",
        3,
        0.5,
        True,
        ["a", "“湖”"],
    ],
)
def test_values_survive_toml(value: Any) -> None:
    assert tomllib.loads(f"value = {toml(value)}") == {"value": value}
