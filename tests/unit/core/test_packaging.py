"""How a code package is put together: what is reached, what is kept, and that its bytes are the same each time."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.packaging import commands
from cli.packaging.archive import compiled, interpreter, write_zip
from cli.packaging.commands import Package, packages_of
from cli.packaging.locking import PYTHONS, PackagingError, lock_file, read_lock
from cli.packaging.reach import reach_of
from cli.packaging.wheels import Distribution, needed

ROOT = Path(__file__).resolve().parents[3]
HERE = next(python for python in PYTHONS if interpreter(python))


def test_the_project_names_two_packages_and_the_python_that_it_runs_on():
    python, packages = packages_of(ROOT / "s.yaml")
    assert python in PYTHONS
    found = {each.name: tuple(name for name in each.functions if name != "backfill_trips") for each in packages}
    assert found == {
        "words": ("trip_completed", "relay_results"),
        "pictures": ("image_ready", "sweep_journeys"),
    }


@pytest.mark.parametrize("python", PYTHONS)
def test_every_direct_dependency_is_locked_with_hashes_and_none_names_a_host(python):
    locked = read_lock(ROOT / lock_file(python))
    assert {"alibabacloud-green20220302", "aliyun-mns-sdk", "dashscope", "numpy", "oss2", "pillow"} <= locked.keys()
    assert ("tomli" in locked) == (python == "3.10")
    assert "://" not in (ROOT / lock_file(python)).read_text("utf-8")


def test_imports_in_functions_and_relative_ones_are_reached_and_those_for_type_checkers_are_not(tmp_path):
    shared = tmp_path / "shared" / "inner"
    shared.mkdir(parents=True)
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / "index.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import numpy\n"
        "def handler():\n    from shared.inner import one\n    import oss2.models\n"
    )
    (tmp_path / "shared" / "__init__.py").touch()
    (shared / "__init__.py").touch()
    (shared / "one.py").write_text("from .two import x\n")
    (shared / "two.py").write_text("x = 1\n")
    (shared / "three.py").touch()
    reach = reach_of(tmp_path, [Path("functions/index.py")])
    assert {file.as_posix() for file in reach.files} == {
        "functions/index.py", "shared/__init__.py", "shared/inner/__init__.py", "shared/inner/one.py",
        "shared/inner/two.py",
    }  # fmt: skip
    assert reach.imports == {"oss2"}


def distribution(name: str, *needs: str, size: int = 1) -> Distribution:
    return Distribution(name, "1.0", frozenset(needs), {f"{name}/__init__.py": os.urandom(size)})


def test_what_is_imported_comes_with_all_that_it_needs_and_nothing_else():
    available = {each.name: each for each in (distribution("a", "b"), distribution("b", "a"), distribution("c"))}
    assert [each.name for each in needed(frozenset({"a", "tomli"}), available)] == ["a", "b"]


def test_the_same_files_make_the_same_archive_whenever_and_in_whichever_order_they_were_made(tmp_path):
    files = {"shared/b.py": "甲 = {'x', 'y', 'z'}\n".encode(), "a.txt": b"a"}
    first, second = tmp_path / "1.zip", tmp_path / "2.zip"
    write_zip(compiled(files, HERE), first)
    write_zip(compiled(dict(reversed(files.items())), HERE), second)
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        assert [info.filename.split(".")[0] for info in archive.infolist()] == ["a", "shared/__pycache__/b", "shared/b"]
        assert {(info.date_time, info.external_attr >> 16) for info in archive.infolist()} == {
            ((1980, 1, 1, 0, 0, 0), 0o100644)
        }


def test_byte_code_is_never_held_against_times_and_shows_the_runtimes_paths():
    [code] = [body for name, body in compiled({"a.py": b"x = 1\n"}, HERE).items() if name.endswith(".pyc")]
    assert int.from_bytes(code[4:8], "little") == 1  # hash-based, unchecked (PEP 552)
    assert b"/code/a.py" in code


def test_a_package_that_is_too_large_is_refused_with_what_is_largest(tmp_path, monkeypatch):
    monkeypatch.setattr(commands, "_LIMIT_BYTES", 1000)
    small, large = distribution("small"), distribution("large", size=5000)
    wanted = Package("words", (), ("f",))
    with pytest.raises(PackagingError, match=r"words.zip: .* more than .*; largest when unpacked: large .*, small"):
        commands._write(wanted, {**small.files, **large.files}, [small, large], tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("oss2==2.19.1\n", "'oss2==2.19.1': name==version with its hashes expected"),
        ("oss2>=2 --hash=sha256:00\n", "'oss2>=2 --hash=sha256:00': name==version"),
    ],
)
def test_a_lock_without_version_or_hash_is_refused(tmp_path, text, told):
    file = tmp_path / "requirements.txt"
    file.write_text(text)
    with pytest.raises(PackagingError) as raised:
        read_lock(file)
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--python", "3.11"], "--python: one of 3.10, 3.12 expected, got '3.11'"),
        (["--project", "."], "s.yaml: No such file or directory"),
    ],
)
def test_the_command_says_in_one_line_what_it_can_not_do(tmp_path, monkeypatch, arguments, told):
    monkeypatch.chdir(ROOT if "--python" in arguments else tmp_path)
    answer = CliRunner().invoke(app, ["package", *arguments], env={"COLUMNS": "500"})
    assert (answer.exit_code, answer.stderr.strip()) == (1, told)
