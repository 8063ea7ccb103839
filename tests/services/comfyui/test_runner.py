"""The built-in runner: results, files, cache and failures, as ComfyUI has them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from localcloud.comfyui import answers
from localcloud.comfyui.core_nodes import core_nodes
from localcloud.comfyui.folders import Folders
from localcloud.comfyui.results import GraphRefused
from localcloud.comfyui.runner import Runner
from localcloud.comfyui.scaling import scale

if TYPE_CHECKING:
    from pathlib import Path

    from localcloud.comfyui.results import Run


class Fails:
    RETURN_TYPES = ("STRING",)
    FUNCTION = "run"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        return {"required": {"text": ("STRING", {})}}

    def run(self, text: str) -> tuple[str]:
        raise ValueError(f"出错了: {text}")


class Counts:
    """A node that runs every time."""

    RETURN_TYPES = ("STRING",)
    FUNCTION = "run"
    runs = 0

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        return {"required": {}}

    @classmethod
    def IS_CHANGED(cls) -> float:  # noqa: N802
        return float("nan")

    def run(self) -> tuple[str]:
        Counts.runs += 1
        return (f"第{Counts.runs}次",)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)


@pytest.fixture
def runner(folders: Folders) -> Runner:
    return Runner({**core_nodes(folders), "Fails": Fails, "Counts": Counts}, folders)


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def red(prefix: str = "行程/苏州", color: int = 0xC81E1E, **size: int) -> dict[str, Any]:
    return {
        "1": node("EmptyImage", width=32, height=16, batch_size=1, color=color, **size),
        "9": node("SaveImage", images=["1", 0], filename_prefix=prefix),
    }


def images(run: Run, node_id: str = "9") -> list[dict[str, str]]:
    return run.outputs[node_id]["images"]


def text(run: Run, node_id: str = "3") -> str:
    (only,) = run.outputs[node_id]["text"]
    assert isinstance(only, str)
    return only


def test_a_picture_is_saved_under_its_prefix_with_exact_pixels_and_without_metadata(
    runner: Runner, folders: Folders
) -> None:
    run = runner.run(red(), "p1")
    assert run.ran == ("9",)
    assert images(run) == [{"filename": "苏州_00001_.png", "subfolder": "行程", "type": "output"}]
    (file,) = run.new_files()
    assert runner.read(file) == (folders.root / "output" / "行程" / "苏州_00001_.png").read_bytes()
    with Image.open(folders.path_of(file)) as picture:
        assert picture.size == (32, 16)
        assert picture.getpixel((5, 5)) == (0xC8, 0x1E, 0x1E)
        assert picture.info == {}


def test_with_metadata_the_whole_graph_is_in_the_picture(folders: Folders) -> None:
    runner = Runner(core_nodes(folders, writes_metadata=True), folders)
    (file,) = runner.run(red(), "p1").new_files()
    with Image.open(folders.path_of(file)) as picture:
        assert json.loads(picture.info["prompt"]) == red()


def test_file_numbers_go_on_per_folder_and_prefix(runner: Runner) -> None:
    names = [
        images(runner.run(red(prefix, color), "p"))[0]["filename"]
        for color, prefix in enumerate(["行程/苏州", "行程/苏州", "行程/苏州河", "别处/苏州", "行程/苏州"])
    ]
    assert names == ["苏州_00001_.png", "苏州_00002_.png", "苏州河_00001_.png", "苏州_00001_.png", "苏州_00003_.png"]


def test_a_batch_is_saved_as_one_file_each(runner: Runner) -> None:
    graph = red()
    graph["1"]["inputs"]["batch_size"] = 3
    assert [item["filename"] for item in images(runner.run(graph, "p"))] == [
        "苏州_00001_.png",
        "苏州_00002_.png",
        "苏州_00003_.png",
    ]


def test_words_of_the_prefix_are_filled_in_but_not_the_pages_own(runner: Runner) -> None:
    (item,) = images(runner.run(red("%width%x%height%_%date:yyyy%"), "p"))
    assert item["filename"] == "32x16_%date:yyyy%_00001_.png"


@pytest.mark.parametrize("prefix", ["../escaped", "a/../../escaped", "/tmp/escaped"])
def test_no_prefix_leads_out_of_the_output_folder(runner: Runner, folders: Folders, prefix: str) -> None:
    run = runner.run(red(prefix), "p")
    assert run.failure is not None
    assert run.failure["node_id"] == "9"
    assert "outside the output folder is not allowed" in run.failure["exception_message"]
    assert not list(folders.root.rglob("escaped*"))


def test_previews_go_to_the_temp_folder_under_a_name_of_their_own(runner: Runner) -> None:
    graph = {**red(), "9": node("PreviewImage", images=["1", 0])}
    run = runner.run(graph, "p")
    (item,) = images(run)
    assert item["type"] == "temp"
    assert item["filename"].startswith("ComfyUI_temp_")
    assert run.new_files() == []


def test_the_same_graph_again_writes_nothing_and_names_the_old_file(runner: Runner, folders: Folders) -> None:
    first = runner.run(red(), "p1")
    again = runner.run(red(), "p2")
    assert again.ran == ()
    assert again.outputs == first.outputs
    assert again.new_files() == []
    assert len(list(folders.root.rglob("*.png"))) == 1


def test_only_the_previous_graph_is_remembered(runner: Runner) -> None:
    runner.run(red(color=1), "p1")
    runner.run(red(color=2), "p2")
    assert runner.run(red(color=1), "p3").ran == ("9",)


def test_what_changed_upstream_runs_again_and_the_rest_does_not(runner: Runner) -> None:
    runner.run({**red(), "5": node("PreviewAny", source="甲")}, "p1")
    run = runner.run({**red(color=7), "5": node("PreviewAny", source="甲")}, "p2")
    assert run.ran == ("9",)
    assert set(run.outputs) == {"5", "9"}


def test_a_node_whose_is_changed_is_nan_runs_every_time(runner: Runner) -> None:
    graph = {"1": node("Counts"), "3": node("PreviewAny", source=["1", 0])}
    assert text(runner.run(graph, "p1")) != text(runner.run(graph, "p2"))


def test_a_failing_node_ends_the_run_and_is_described_as_comfyui_does(runner: Runner) -> None:
    graph = {
        "1": node("PrimitiveString", value="爆"),
        "2": node("Fails", text=["1", 0]),
        "3": node("PreviewAny", source=["2", 0]),
    }
    run = runner.run(graph, "p1")
    failure = run.failure
    assert failure is not None
    assert failure["node_id"] == "2"
    assert failure["node_type"] == "Fails"
    assert failure["exception_message"] == "出错了: 爆\n"
    assert failure["exception_type"] == "ValueError"
    assert failure["current_inputs"] == {"text": ["爆"]}
    assert failure["executed"] == ["1"]
    assert "3" not in run.outputs


def test_texts_pass_through_the_primitive_nodes(runner: Runner) -> None:
    graph = {
        "1": node("PrimitiveStringMultiline", value="晴天\n微风"),
        "2": node("StringConcatenate", string_a=["1", 0], string_b="西湖", delimiter="，"),
        "3": node("PreviewAny", source=["2", 0]),
    }
    assert text(runner.run(graph, "p")) == "晴天\n微风，西湖"


@pytest.mark.parametrize(
    ("value", "shown"), [(3, "3"), (True, "True"), (None, "None"), ({"车": "黑"}, '{"\\u8f66": "\\u9ed1"}')]
)
def test_any_value_is_previewed_as_comfyui_spells_it(runner: Runner, value: object, shown: str) -> None:
    assert text(runner.run({"3": node("PreviewAny", source=value)}, "p")) == shown


def test_a_picture_of_the_input_folder_is_loaded_with_its_mask(runner: Runner, folders: Folders) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (20, 30, 4), np.uint8)
    Image.fromarray(pixels).save(folders.root / "input" / "车.png")
    graph = {
        "1": node("LoadImage", image="车.png"),
        "9": node("SaveImage", images=["1", 0], filename_prefix="车"),
    }
    (file,) = runner.run(graph, "p").new_files()
    with Image.open(folders.path_of(file)) as picture:
        np.testing.assert_array_equal(np.asarray(picture), pixels[..., :3])


@pytest.mark.parametrize("name", ["../output/secret.png", "/etc/hostname", "没有.png"])
def test_only_files_of_the_input_folder_can_be_loaded(runner: Runner, folders: Folders, name: str) -> None:
    Image.new("RGB", (4, 4)).save(folders.root / "output" / "secret.png")
    graph = {"1": node("LoadImage", image=name), "9": node("SaveImage", images=["1", 0], filename_prefix="x")}
    with pytest.raises(GraphRefused) as caught:
        runner.run(graph, "p")
    (error,) = caught.value.body["node_errors"]["1"]["errors"]
    assert error["details"] == f"image - Invalid image file: {name}"


# What torch 2.13's interpolate makes of one row of four pixels.
ROW = [0.0, 0.1, 0.4, 0.9]
TORCH = [
    ("nearest-exact", [0.0, 0.4, 0.9]),
    ("nearest-exact", [0.0, 0.1, 0.1, 0.4, 0.9, 0.9]),
    ("bilinear", [0.01667, 0.25, 0.81667]),
    ("bilinear", [0.0, 0.05, 0.15, 0.35, 0.65, 0.9]),
    ("area", [0.05, 0.25, 0.65]),
    ("area", [0.0, 0.05, 0.1, 0.4, 0.65, 0.9]),
    ("bicubic", [0.00914, 0.2125, 0.83345]),
    ("bicubic", [-0.00868, 0.02187, 0.14306, 0.31528, 0.67812, 0.9434]),
]


@pytest.mark.parametrize(("method", "expected"), TORCH)
@pytest.mark.parametrize("axis", [1, 2], ids=["rows", "columns"])
def test_scaling_equals_torchs_interpolation(method: str, expected: list[float], axis: int) -> None:
    line = np.array(ROW, np.float32)
    image = np.repeat(
        np.repeat(line.reshape(1, -1, 1, 1) if axis == 1 else line.reshape(1, 1, -1, 1), 2, 3 - axis), 3, 3
    )
    size = {1: (2, len(expected)), 2: (len(expected), 2)}[axis]
    scaled = scale(image, *size, method)
    np.testing.assert_allclose(scaled[0].take(0, 2 - axis)[:, 0], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("width", "height", "crop", "size"),
    [
        (16, 0, "disabled", (16, 8)),
        (0, 32, "disabled", (64, 32)),
        (0, 0, "disabled", (32, 16)),
        (8, 8, "center", (8, 8)),
    ],
)
def test_scaling_keeps_proportions_where_a_side_is_zero(
    runner: Runner, folders: Folders, width: int, height: int, crop: str, size: tuple[int, int]
) -> None:
    graph = red()
    graph["2"] = node("ImageScale", image=["1", 0], upscale_method="lanczos", width=width, height=height, crop=crop)
    graph["9"]["inputs"]["images"] = ["2", 0]
    (file,) = runner.run(graph, "p").new_files()
    with Image.open(folders.path_of(file)) as picture:
        assert picture.size == size


def test_the_answer_of_a_run_lists_what_ran_and_then_all_outputs(runner: Runner) -> None:
    run = runner.run(red(), "p1")
    output = {"images": [{"filename": "苏州_00001_.png", "subfolder": "行程", "type": "output"}]}
    assert json.loads(answers.of_run(run)) == [
        {"type": "executed", "data": {"node": "9", "output": output, "prompt_id": "p1"}},
        {"9": output},
    ]


def test_the_answer_of_a_cached_run_is_the_outputs_alone(runner: Runner) -> None:
    runner.run(red(), "p1")
    (last,) = json.loads(answers.of_run(runner.run(red(), "p2")))
    assert set(last) == {"9"}


def test_the_answer_of_a_failed_run_ends_with_the_error(runner: Runner) -> None:
    graph = {**red(), "2": node("Fails", text="爆"), "3": node("PreviewAny", source=["2", 0])}
    *before, last = json.loads(answers.of_run(runner.run(graph, "p1")))
    assert [item["data"]["node"] for item in before] == ["9"]
    assert last["type"] == "execution_error"
    assert last["data"]["exception_message"] == "出错了: 爆\n"


def test_an_error_too_long_for_the_sink_is_cut_until_it_fits(runner: Runner) -> None:
    graph = {"2": node("Fails", text="雨" * 5000), "3": node("PreviewAny", source=["2", 0])}
    answer = answers.of_run(runner.run(graph, "p1"))
    assert len(answer) <= 8192
    (item,) = json.loads(answer)
    assert item["data"]["node_type"] == "Fails"
    assert item["data"]["exception_message"].startswith("出错了: 雨")


def test_a_refusal_too_long_for_the_sink_is_cut_until_it_fits(runner: Runner) -> None:
    wrong = {str(i): node("SaveImage", images=["0", 0], filename_prefix=["0", 0, "雨" * 300]) for i in range(1, 40)}
    graph = {"0": node("EmptyImage", width=1, height=1, batch_size=1, color=0), **wrong}
    with pytest.raises(GraphRefused) as caught:
        runner.run(graph, "p")
    answer = answers.of_refusal(caught.value)
    assert len(answer) <= 8192
    (body,) = json.loads(answer)
    assert body["error"]["type"] == "prompt_outputs_failed_validation"
    assert body["node_errors"]
