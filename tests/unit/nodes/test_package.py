"""The nodes as ComfyUI loads and shows them."""

from __future__ import annotations

import inspect
import io
import json
import subprocess
import sys
import tokenize
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from localcloud.comfyui.node_classes import NodeClass, load_custom_nodes
from localcloud.comfyui.validation import plan

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "workflows" / "custom_nodes"
PACKAGE = FOLDER / "tripcanvas"
CLASSES = load_custom_nodes(FOLDER)
NAMES = {
    "旅行文本生成",
    "ImageSynthesisNode",
    "WanxImage",
    "WanxBackground",
    "WanxPicture",
    "QwenPrompt",
    "QwenJudge",
    "LoadCar",
}


def test_the_package_offers_its_nodes_under_the_names_that_existing_graphs_use() -> None:
    assert set(CLASSES) >= NAMES
    assert CLASSES["旅行文本生成"].FUNCTION == "生成绘画提示词"
    assert CLASSES["旅行文本生成"].RETURN_TYPES == ("STRING",)
    assert CLASSES["ImageSynthesisNode"].FUNCTION == "generate_image_url"
    assert CLASSES["ImageSynthesisNode"].RETURN_TYPES == ("STRING",)
    assert CLASSES["WanxImage"].RETURN_TYPES == ("IMAGE",)


def test_a_graph_that_gives_only_the_inputs_of_the_first_nodes_is_accepted() -> None:
    class Show:
        RETURN_TYPES = ()
        OUTPUT_NODE = True
        FUNCTION = "show"

        @classmethod
        def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
            return {"required": {"text": ("STRING", {})}}

    graph = {
        "1": {
            "class_type": "旅行文本生成",
            "inputs": {"system_prompt": "写提示词", "query_prompt": "途径城市：无锡市"},
        },
        "2": {"class_type": "ImageSynthesisNode", "inputs": {"prompt": ["1", 0]}},
        "3": {"class_type": "Show", "inputs": {"text": ["2", 0]}},
    }
    assert [step.node_id for step in plan(graph, {**CLASSES, "Show": Show}).steps] == ["1", "2", "3"]


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_name_survives_pythons_normalisation_of_identifiers(name: str) -> None:
    """A string that Python would write otherwise as an identifier never meets the attribute or parameter it names."""
    cls = CLASSES[name]
    declared = [given.name for given in NodeClass(name, cls).inputs()]
    for word in (name, cls.__name__, cls.FUNCTION, cls.CATEGORY, *declared, *cls.RETURN_NAMES, *cls.RETURN_TYPES):
        assert unicodedata.normalize("NFKC", word) == word
    parameters = inspect.signature(getattr(cls, cls.FUNCTION)).parameters
    assert set(parameters) - {"self"} == set(declared)
    for check in ("VALIDATE_INPUTS", "IS_CHANGED"):
        asked = inspect.signature(getattr(cls, check)).parameters if hasattr(cls, check) else {}
        named = {given for given, parameter in asked.items() if parameter.kind is not parameter.VAR_KEYWORD}
        assert named <= set(declared)


def test_no_string_of_the_package_is_written_in_two_ways() -> None:
    """Every name of the sources, not only those that ComfyUI asks for: keys of results among them."""
    for file in PACKAGE.glob("*.py"):
        for token in tokenize.generate_tokens(io.StringIO(file.read_text("utf-8")).readline):
            if token.type == tokenize.NAME:
                assert unicodedata.normalize("NFKC", token.string) == token.string
    for file in PACKAGE.glob("locales/*/*.json"):
        for word in _keys(json.loads(file.read_text("utf-8"))):
            assert unicodedata.normalize("NFKC", word) == word


def _keys(value: Any) -> Iterator[str]:
    for key, inner in value.items() if isinstance(value, dict) else ():
        yield key
        yield from _keys(inner)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_input_has_a_tooltip_and_none_asks_for_a_key(name: str) -> None:
    for given in NodeClass(name, CLASSES[name]).inputs():
        assert given.options["tooltip"]
        assert not {"key", "token", "secret", "password", "url"} & set(given.name.lower().split("_"))


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_an_optional_input_has_the_same_default_in_the_page_and_in_the_method(name: str) -> None:
    cls = CLASSES[name]
    parameters = inspect.signature(getattr(cls, cls.FUNCTION)).parameters
    for given in NodeClass(name, cls).inputs():
        if not given.required:
            assert parameters[given.name].default == given.options.get("default")


def test_loading_prints_nothing_and_imports_nothing_heavy() -> None:
    script = (
        "import json, sys\n"
        "from pathlib import Path\n"
        "from localcloud.comfyui.node_classes import load_custom_nodes\n"
        f"load_custom_nodes(Path({str(FOLDER)!r}))\n"
        "heavy = {'torch', 'numpy', 'PIL', 'requests', 'urllib3', 'dashscope', 'cv2', 'aiohttp', 'comfy'} & set(sys.modules)\n"
        "sys.exit(json.dumps(sorted(heavy)))"
    )
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.stdout == ""
    assert json.loads(ended.stderr) == []


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_name_and_tooltip_is_there_in_both_languages(name: str, language: str) -> None:
    cls = CLASSES[name]
    told = json.loads((PACKAGE / "locales" / language / "nodeDefs.json").read_text("utf-8"))[name]
    assert set(told) == {"display_name", "description", "inputs", "outputs"}
    assert list(told["inputs"]) == [given.name for given in NodeClass(name, cls).inputs()]
    assert list(told["outputs"]) == [str(slot) for slot in range(len(cls.RETURN_TYPES))]
    words = [told["display_name"], told["description"]]
    for entry in (*told["inputs"].values(), *told["outputs"].values()):
        assert set(entry) == {"name", "tooltip"}
        words += entry.values()
    assert all(words)
    if language == "en":
        assert all(word.isascii() or "²" in word for word in words)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_is_translated_that_is_not_there(language: str) -> None:
    folder = PACKAGE / "locales" / language
    assert set(json.loads((folder / "nodeDefs.json").read_text("utf-8"))) == set(CLASSES)
    main = json.loads((folder / "main.json").read_text("utf-8"))
    assert set(main["nodeCategories"]) == {cls.CATEGORY for cls in CLASSES.values()}
    assert set(main["dataTypes"]) <= {kind for cls in CLASSES.values() for kind in cls.RETURN_TYPES}


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_the_page_without_translations_shows_every_output_and_a_description(name: str) -> None:
    cls = CLASSES[name]
    assert len(cls.RETURN_NAMES) == len(cls.RETURN_TYPES) == len(cls.OUTPUT_TOOLTIPS)
    assert cls.DESCRIPTION


EXAMPLES = sorted(PACKAGE.glob("example_workflows/*.json"))


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 2


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: str(file.stem))
def test_an_example_is_an_editors_graph_of_nodes_that_exist_with_a_small_picture(file: Path) -> None:
    graph = json.loads(file.read_text("utf-8"))
    nodes = {node["id"]: node for node in graph["nodes"]}
    core = {"SaveImage"}
    assert {node["type"] for node in nodes.values()} <= core | set(CLASSES)
    for _, source, slot, target, place, kind in graph["links"]:
        assert nodes[source]["outputs"][slot]["type"] == kind
        assert nodes[target]["inputs"][place]["type"] == kind
    for node in nodes.values():
        if node["type"] in CLASSES:
            _check_widgets(node)
    with Image.open(file.with_suffix(".jpg")) as preview:
        assert preview.format == "JPEG"
        assert max(preview.size) <= 1024
    assert file.with_suffix(".jpg").stat().st_size <= 150_000


def _check_widgets(node: dict[str, Any]) -> None:
    """The editor keeps the values by place: an input that was added in the middle would shift them all."""
    declared = list(NodeClass(node["type"], CLASSES[node["type"]]).inputs())
    expected: list[type[Any] | tuple[type[Any], ...]] = []
    kinds: dict[Any, Any] = {"STRING": str, "INT": int, "FLOAT": (int, float), "BOOLEAN": bool}
    for given in declared:
        if isinstance(given.kind, list):
            expected.append(str)
        elif given.kind in kinds and not given.options.get("forceInput"):
            expected.append(kinds[given.kind])
            if given.options.get("control_after_generate"):
                expected.append(str)
    values = node.get("widgets_values", [])
    assert len(values) == len(expected)
    for value, kind in zip(values, expected, strict=True):
        assert isinstance(value, kind)


def test_the_package_says_what_it_needs_once() -> None:
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text("utf-8"))
    listed = [line.replace('"', "'") for line in (PACKAGE / "requirements.txt").read_text("utf-8").splitlines()]
    assert project["project"]["dependencies"] == listed
    assert project["tool"]["comfy"]["requires-comfyui"] == ">=0.3.64"
    assert {"PublisherId", "DisplayName", "Icon", "includes"} <= set(project["tool"]["comfy"])
    assert "comfyui" not in project["project"]["name"].lower()


@pytest.mark.parametrize("file", ["README.md", "README.zh-CN.md"])
def test_the_readme_names_every_node_and_variable(file: str) -> None:
    text = (PACKAGE / file).read_text("utf-8")
    variables = {"DASHSCOPE_API_KEY", "TRIPCANVAS_DASHSCOPE_URL", "TRIPCANVAS_CREDENTIALS_FILE", "TRIPCANVAS_CARS"}
    for word in (*CLASSES, *variables):
        assert f"`{word}`" in text
