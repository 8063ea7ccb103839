"""The SVG of a workflow in a real browser: it is drawn as it was laid out, and no text leaves its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cli.drawing import draw_graph
from cli.drawing_list import Text, text_width, to_svg
from cli.workflow_checks import names_of_workflows
from shared.workflows import FOLDER, node_types_of, read_workflow

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: Shares by which a browser's font may be wider than the estimate that the drawing is laid out with.
TOLERANCE = 1.08


@pytest.mark.parametrize("name", names_of_workflows())
def test_every_text_is_as_wide_as_it_was_laid_out(browser: Browser, tmp_path: Path, name: str) -> None:
    graph, bindings = read_workflow(FOLDER / name)
    saved = FOLDER / name / "graph.ui.json"
    editor = json.loads(saved.read_bytes()) if saved.is_file() else None
    drawing = draw_graph(graph, node_types_of(bindings.requires.comfyui), editor=editor, bindings=bindings)
    (tmp_path / "a.svg").write_text(to_svg(drawing), "utf-8")
    page = browser.new_page()

    page.goto((tmp_path / "a.svg").as_uri())
    measured = page.evaluate(
        "[...document.querySelectorAll('text')].map(t => [t.textContent, t.getComputedTextLength()])"
    )
    page.close()

    expected = [item for item in drawing.items if isinstance(item, Text)]
    assert [content for content, _ in measured] == [item.content for item in expected]
    wider = [
        (item.content, width)
        for item, (_, width) in zip(expected, measured, strict=True)
        if width > text_width(item.content, item.size, bold=item.bold) * TOLERANCE + 2
    ]
    assert wider == []
