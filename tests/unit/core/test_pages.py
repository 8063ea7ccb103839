"""The pages for newcomers: their links lead somewhere, their commands exist, and both languages say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from cli.main import app
from cli.variables import every_variable, names_in
from tests.docs.session import steps_of

DOCS = Path(__file__).parents[3] / "docs"
NAMES = ("quick-start", "faq", "migration", "configuration", "reliability", "comfyui-results")
PAGES = tuple(f"{name}{ending}" for name in NAMES for ending in (".md", ".zh-CN.md"))
COMMANDS = get_command(app).commands  # type: ignore[attr-defined]


def text_of(page: str) -> str:
    return (DOCS / page).read_text("utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text_of(page))
    assert links
    assert [link for link in links if not (DOCS / link).exists()] == []


@pytest.mark.parametrize("page", [page for page in PAGES if ".zh-CN" in page])
def test_a_chinese_page_links_to_chinese_pages_where_there_are_any(page):
    links = re.findall(r"\]\(([a-z-]+)\.md", text_of(page))
    assert {link for link in links if (DOCS / f"{link}.zh-CN.md").exists()} <= {page.removesuffix(".zh-CN.md")}


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_variable_that_is_named_exists(page):
    text = text_of(page)
    calls = re.findall(r"(?<!\.)tripcanvas ([a-z-]+)(?: ([a-z]+))?", text)
    assert {command for command, _ in calls} <= set(COMMANDS)
    for command, below in calls:
        known = getattr(COMMANDS[command], "commands", None)
        assert not known or not below or below in known, (command, below)
    assert names_in(text) <= {variable.name for variable in every_variable()}


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_have_the_same_parts_and_commands(name):
    english, chinese = text_of(f"{name}.md"), text_of(f"{name}.zh-CN.md")
    for pattern in (r"^#+ ", r"^\|", r"^\d\. "):
        assert len(re.findall(pattern, english, re.MULTILINE)) == len(re.findall(pattern, chinese, re.MULTILINE))
    assert [(step.command, step.expected) for step in steps_of(english)] == [
        (step.command, step.expected) for step in steps_of(chinese)
    ]
    assert names_in(english) == names_in(chinese)
