"""The table of codes in the documentation against the code."""

from __future__ import annotations

import re
from pathlib import Path

from shared.render_errors import CODES, CONTENT_REJECTED
from shared.results import SinkRecord, read_answer

TABLE = Path(__file__).parents[3] / "docs" / "comfyui-results.md"
SHARED = Path(__file__).parents[3] / "shared"


def rows():
    cells = [line.strip("|").split(" | ") for line in TABLE.read_text("utf-8").splitlines() if line.startswith("| `")]
    return {row[0].strip().strip("`"): [cell.strip() for cell in row[1:]] for row in cells}


def test_every_code_is_documented_and_no_other():
    assert set(rows()) == {*CODES, "http_<status>"}


def test_the_table_says_which_are_tried_again():
    for code, retry in CODES.items():
        assert rows()[code][1].startswith("yes" if retry else "no"), code


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
