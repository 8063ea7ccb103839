"""The pages about EAS and ComfyUI name commands, options, files and sections that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from cli.main import app

ROOT = Path(__file__).parents[3]
PAGES = ("docs/eas.md", "docs/eas.zh-CN.md", "docs/comfyui.md", "docs/comfyui.zh-CN.md", "workflows/eas/README.md")


def called(text: str) -> list[tuple[str, list[str]]]:
    """The words and the options of each `tripcanvas …` in a page."""
    calls = re.findall(r"tripcanvas ([a-z][a-z-]*(?: [a-z][a-z-]*(?=[\s`\"]|$))*)((?: [^\s`#\"]+)*)", text)
    return [(words, re.findall(r"--[a-z][a-z-]+", rest)) for words, rest in calls]


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_their_options_exist(page):
    commands = get_command(app).commands
    found = called((ROOT / page).read_text("utf-8"))
    assert found
    for words, options in found:
        name, *below = words.split()
        assert name in commands, f"{page}: tripcanvas {words}"
        command = commands[name]
        if below and hasattr(command, "commands"):
            assert below[0] in command.commands, f"{page}: tripcanvas {words}"
            command = command.commands[below[0]]
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(options) <= known, f"{page}: tripcanvas {words} {options}"


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text("utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        place, _, anchor = target.partition("#")
        file = (ROOT / page).parent / place if place else ROOT / page
        assert file.exists(), f"{page}: {target}"
        if anchor:
            titles = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
            assert anchor in anchors, f"{page}: {target}"


@pytest.mark.parametrize(("page", "count"), [("comfyui", 10), ("eas", 21)])
def test_both_languages_tell_the_same_steps(page, count):
    def steps(name: str) -> list[str]:
        text = (ROOT / "docs" / name).read_text("utf-8")
        lines = re.findall(
            r"^(?:[A-Z]+_|\.venv|eval|export|QUEUE|curl|eascmd|unzip|ossutil|rm).*?(?=\s{2,}#|$)", text, re.MULTILINE
        )
        return [line.split("#")[0].strip() for line in lines]

    assert steps(f"{page}.md") == steps(f"{page}.zh-CN.md")
    assert len(steps(f"{page}.md")) == count
