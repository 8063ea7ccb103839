"""The table of codes in the documentation against the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.render_errors import CODES, CONTENT_REJECTED
from shared.results import SinkRecord, read_answer

DOCS = Path(__file__).parents[3] / "docs"
#: Each language's page, and its words for what is tried again and what is not.
PAGES = {"comfyui-results.md": ("yes", "no"), "comfyui-results.zh-CN.md": ("是", "否")}
SHARED = Path(__file__).parents[3] / "shared"


def rows(page):
    lines = (DOCS / page).read_text("utf-8").splitlines()
    cells = [line.strip("|").split(" | ") for line in lines if line.startswith("| `")]
    return {row[0].strip().strip("`"): [cell.strip() for cell in row[1:]] for row in cells}


@pytest.mark.parametrize("page", PAGES)
def test_every_code_is_documented_and_no_other(page):
    assert set(rows(page)) == {*CODES, "http_<status>"}


@pytest.mark.parametrize(("page", "words"), PAGES.items())
def test_the_table_says_which_are_tried_again(page, words):
    yes, no = words
    for code, retry in CODES.items():
        assert rows(page)[code][1].startswith(yes if retry else no), code


def test_every_code_that_is_used_is_one_of_the_table():
    text = "".join((SHARED / name).read_text("utf-8") for name in ("results.py", "render_errors.py"))
    used = set(re.findall(r'failure\(\s*"(\w+)"', text)) | {CONTENT_REJECTED}
    assert used == set(CODES)


def test_a_status_alone_says_whether_the_same_request_can_pass():
    found = {
        status: read_answer(SinkRecord(task_id="t", request_id="", index=1, answer="坏网关", status=status), "9")
        for status in (400, 404, 408, 413, 429, 450, 500, 502, 504)
    }
    assert {status for status, error in found.items() if error.retry} == {408, 429, 450, 500, 502, 504}
    assert all(error.code == f"http_{status}" for status, error in found.items())
