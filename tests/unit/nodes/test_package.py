"""The nodes as ComfyUI loads and shows them."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from localcloud.comfyui.node_classes import NodeClass, load_custom_nodes
from localcloud.comfyui.validation import plan

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "workflows" / "custom_nodes"
CLASSES = load_custom_nodes(FOLDER)


def test_the_package_offers_its_nodes_under_the_names_that_existing_graphs_use() -> None:
    assert {"旅行文本生成", "ImageSynthesisNode", "WanxImage"} <= set(CLASSES)
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
    cls = CLASSES[name]
    declared = [given.name for given in NodeClass(name, cls).inputs()]
    for word in (name, cls.FUNCTION, *declared):
        assert unicodedata.normalize("NFKC", word) == word
    parameters = inspect.signature(getattr(cls, cls.FUNCTION)).parameters
    assert set(declared) <= set(parameters)


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
        "heavy = {'torch', 'numpy', 'PIL', 'dashscope', 'cv2', 'aiohttp', 'comfy'} & set(sys.modules)\n"
        "sys.exit(json.dumps(sorted(heavy)))"
    )
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.stdout == ""
    assert json.loads(ended.stderr) == []
