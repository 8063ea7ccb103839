"""Sink records in every documented and plausible form: a picture, or a failure with a code; never a false success."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.render_errors import RenderError
from shared.results import Files, SinkRecord, files_in, read_answer

IMAGE = {"filename": "picture_00001_.png", "subfolder": "task-1", "type": "output"}


def sink(answer, status=200):
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    return SinkRecord(task_id="task-1", request_id="r", index=1, answer=text, status=status)


def test_the_last_element_is_the_truth():
    executed = {"type": "executed", "data": {"node": "9", "output": {"images": [{**IMAGE, "filename": "old.png"}]}}}
    assert read_answer(sink([executed, {"9": {"images": [IMAGE]}}]), "9") == Files(("task-1/picture_00001_.png",))


def test_a_cached_run_has_only_the_last_element():
    assert read_answer(sink([{"9": {"images": [IMAGE]}}]), "9") == Files(("task-1/picture_00001_.png",))


def test_another_tasks_file_is_never_this_tasks_picture():
    """A cached run names the files of the task that painted first: another owner's picture."""
    assert read_answer(sink([{"9": {"images": [{**IMAGE, "subfolder": "task-2"}]}}]), "9").code == "foreign_picture"


def test_only_the_output_node_counts():
    answer = [{"8": {"images": [{**IMAGE, "type": "temp"}]}, "9": {"images": [IMAGE]}, "19": {"gifs": [IMAGE]}}]
    assert read_answer(sink(answer), "9") == Files(("task-1/picture_00001_.png",))
    assert read_answer(sink(answer), "19").code == "not_a_picture"


PLATE = {**IMAGE, "filename": "plate_00001_.png"}


@pytest.mark.parametrize(
    ("plate", "found"),
    [
        ([PLATE], "task-1/plate_00001_.png"),
        ([PLATE, {**PLATE, "filename": "plate_00002_.png"}], "task-1/plate_00001_.png"),
        ([], ""),
        ([{**PLATE, "type": "temp"}], ""),
        ([{**PLATE, "filename": "../plate.png"}], ""),
        ("nonsense", ""),
    ],
)
def test_the_background_without_the_car_comes_along_when_it_is_there(plate, found):
    answer = sink([{"8": {"images": plate}, "9": {"images": [IMAGE]}}])
    assert read_answer(answer, "9", "8") == Files(("task-1/picture_00001_.png",), found)
    assert read_answer(answer, "9") == Files(("task-1/picture_00001_.png",))


def test_another_tasks_background_is_never_used():
    answer = sink([{"8": {"images": [{**PLATE, "subfolder": "task-2"}]}, "9": {"images": [IMAGE]}}])
    assert read_answer(answer, "9", "8").code == "foreign_picture"


def test_a_background_alone_is_no_render():
    assert read_answer(sink([{"8": {"images": [PLATE]}}]), "9", "8").code == "no_picture"
    assert files_in(["task-1/plate_00001_.png"]) is None
    assert files_in([]) is None


def test_the_files_of_a_task_are_told_apart_by_their_names():
    paths = ["task-1/plate_00001_.png", "task-1/picture_00002_.png", "task-1/picture_00001_.png"]
    assert files_in(paths) == Files(("task-1/picture_00001_.png", "task-1/picture_00002_.png"), paths[0])


@pytest.mark.parametrize(
    ("message", "code", "retry", "reason"),
    [
        ("[NoPlace] 这张背景放不下这辆车 / no place", "no_place", True, "the background has no place for the car"),
        ("[CarUnusable] 车型素材有误 / broken", "graph_fault", False, "the car's asset is missing or broken"),
    ],
)
def test_what_the_cars_nodes_say_is_read(message, code, retry, reason):
    data = {"node_type": "HorizonPlace", "exception_message": message, "exception_type": "NoPlace"}
    error = read_answer(sink([{"type": "execution_error", "data": data}]), "9")
    assert (error.code, error.retry, error.reason) == (code, retry, f"HorizonPlace: {reason}")


@pytest.mark.parametrize(
    ("answer", "status", "code", "retry"),
    [
        ("", 200, "no_outputs", True),
        ("[]", 200, "no_outputs", True),
        ("<html>", 502, "http_502", True),
        ([{"9": {}}], 200, "no_picture", True),
        ([{"9": {"images": [IMAGE]}}], 500, "http_500", True),
        ([{"type": "execution_error", "data": {"node_type": "KSampler", "exception_type": "torch.OutOfMemoryError"}}],
         200, "out_of_memory", True),
        ([{"type": "execution_error", "data": {"node_type": "WanxImage", "exception_message": "[DataInspectionFailed] 不通过"}}],
         200, "content_rejected", False),
        ([{"type": "execution_error", "data": {"node_type": "WanxImage", "exception_message": "[InvalidApiKey] 密钥无效"}}],
         200, "image_service_refused", False),
        ([{"type": "execution_interrupted", "data": {}}], 200, "interrupted", True),
        ({"error": {"type": "invalid_prompt", "message": "Cannot execute because node X does not exist."}, "node_errors": {}},
         400, "node_missing", False),
        ([{"prompt_id": "p", "node_errors": {"3": {"class_type": "SaveImage", "errors": [
            {"type": "required_input_missing", "extra_info": {"input_name": "images"}}]}}}], 200, "graph_refused", False),
    ],
)  # fmt: skip
def test_failures_have_a_code_and_say_whether_another_attempt_can_help(answer, status, code, retry):
    error = read_answer(sink(answer, status), "9")
    assert isinstance(error, RenderError)
    assert (error.code, error.retry) == (code, retry)


def test_an_error_names_node_and_service_code_but_not_the_prompt():
    data = {
        "node_type": "WanxImage",
        "exception_message": "[Throttling.RateQuota] 限流: prompt was 我家的秘密",
        "traceback": [],
    }
    error = read_answer(sink([{"type": "execution_error", "data": data}]), "9")
    assert error.reason == "WanxImage: Throttling.RateQuota"


@pytest.mark.parametrize(
    "image",
    [
        {**IMAGE, "subfolder": ".."},
        {**IMAGE, "subfolder": "/etc"},
        {**IMAGE, "filename": "../x.png"},
        {**IMAGE, "filename": "a\\b.png"},
        {**IMAGE, "filename": ""},
        {**IMAGE, "filename": 7},
        "text",
    ],
)
def test_a_path_that_leaves_the_output_folder_is_no_picture(image):
    assert read_answer(sink([{"9": {"images": [image]}}]), "9").code == "no_picture"


_json = st.recursive(
    st.none() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["9", "images", "filename", "subfolder", "type", "error", "node_errors", "data", "errors"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(_json, st.sampled_from([200, 400, 500]))
def test_any_json_is_a_picture_or_a_failure(answer, status):
    assert isinstance(read_answer(sink(answer, status), "9"), Files | RenderError)


@given(st.text(max_size=60))
def test_any_text_is_a_failure(answer):
    assert isinstance(read_answer(sink(answer), "9"), RenderError)
