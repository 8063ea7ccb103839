"""Settings explain themselves: the pages and the example are what the code says, and nothing is missing from them."""

from __future__ import annotations

import re
import shutil
from io import StringIO
from pathlib import Path

import pytest
from dotenv import dotenv_values

from cli.configuration import ROOT, files, functions_of
from cli.variables import OTHERS, complaints, every_variable, names_in, settings_variables

#: Parts of names, and what only tests and examples write.
_NO_VARIABLES = {"TRIPCANVAS", "TRIPCANVAS_LOCAL", "TRIPCANVAS_EAS", "DASHSCOPE_URL"}
FILES = files()
PAGES = [text for file, text in FILES.items() if file.suffix == ".md"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_generated_file_is_what_the_code_says(file):
    assert file.read_text("utf-8") == FILES[file], "run `python -m cli.configuration`"


@pytest.mark.parametrize("folder", ["shared", "cli", "localcloud", "s.yaml", "s.prod.yaml"])
def test_every_variable_that_is_read_has_a_line(folder):
    place = ROOT / folder
    sources = [place] if place.is_file() else [*place.rglob("*.py")]
    read = {name for source in sources for name in names_in(source.read_text("utf-8"))}
    assert read, folder
    assert read - _NO_VARIABLES <= {variable.name for variable in every_variable()}


@pytest.mark.parametrize("variable", every_variable(), ids=lambda variable: variable.name)
def test_every_variable_is_explained_in_both_languages(variable):
    assert len(variable.en) > 10
    assert variable.en.endswith(".")
    assert re.search(r"[\u4e00-\u9fff]", variable.zh)
    assert not variable.default or not variable.fault_of(variable.default)
    rows = [line for text in PAGES for line in text.splitlines() if line.startswith(f"| `{variable.name}`")]
    assert variable.en in rows[0]
    assert variable.zh in rows[1]
    assert ["(secret)" in rows[0], "(密钥)" in rows[1]] == [variable.secret] * 2


def test_secrets_have_no_default():
    assert not [variable.name for variable in every_variable() if variable.secret and variable.default]


def test_the_example_can_be_read_and_sets_nothing_by_itself():
    found = dotenv_values(stream=StringIO((ROOT / "deploy" / "example.env").read_text("utf-8")), interpolate=False)
    assert set(found.values()) == {""}
    assert {"TRIPCANVAS_OSS_ENDPOINT", "DASHSCOPE_API_KEY", "TRIPCANVAS_ACCOUNT_ID"} <= set(found)
    assert not list(complaints({name: value or "" for name, value in found.items()}))


def test_who_reads_a_setting_is_what_the_deployment_gives(tmp_path):
    text = (ROOT / "s.yaml").read_text("utf-8")
    readers = functions_of(ROOT / "s.yaml")
    assert {"trip-completed", "relay-results", "image-ready", "sweep-journeys"} <= set(readers)
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    changed = tmp_path / "s.yaml"
    changed.write_text(re.sub(r"^ +TRIPCANVAS_LIFETIME_S: .*\n", "", text, flags=re.MULTILINE), "utf-8")
    assert not any("TRIPCANVAS_LIFETIME_S" in names for names in functions_of(changed).values())


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TRIPCANVAS_LEGDER_BUCKET", "账本", ("nothing reads it", "did you mean TRIPCANVAS_LEDGER_BUCKET?")),
        ("TRIPCANVAS_LIFETIME_S", "一天", ("must be a positive number (s)", "set it right")),
        ("TRIPCANVAS_LIFETIME_S", "-1", ("must be a positive number (s)", "set it right")),
        ("TRIPCANVAS_FEED_TARGET", "kafka", ("must be http or mns", "set it right")),
        ("DASHSCOPE_KEY", "sk-123", ("nothing reads it", "did you mean DASHSCOPE_API_KEY?")),
        ("TRIPCANVAS_" + "Q" * 30, "无", ("nothing reads it", "take it out")),
    ],
)
def test_a_misspelt_name_or_an_unfit_value_is_told_without_the_value(name, value, said):
    [(told, *rest)] = complaints({name: value})
    assert (told, tuple(rest)) == (name, said)
    assert value not in " ".join(rest)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRIPCANVAS_LIFETIME_S", "3600"),
        ("TRIPCANVAS_LIFETIME_S", ""),
        ("TRIPCANVAS_EAS_TOKEN", "kms:AAAA"),
        ("OSS_OF_SOMEBODY_ELSE", "x"),
        ("JAVA_HOME", "/usr"),
    ],
)
def test_what_is_right_or_not_ours_is_no_complaint(name, value):
    assert not list(complaints({name: value}))


def test_no_variable_stands_twice():
    names = [variable.name for variable in (*settings_variables(), *OTHERS)]
    assert len(set(names)) == len(names)


def test_the_pages_lie_where_they_are_linked():
    assert all(isinstance(file, Path) and file.is_relative_to(ROOT) for file in FILES)
