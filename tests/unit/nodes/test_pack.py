"""The archive of the nodes: complete, the same each time, free of what must not go out, and loadable."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.nodes import CARS, CORE, LICENCE, PACKAGE, members, write_archive
from shared.errors import InvalidInput
from tests.unit.nodes.assets import make_asset

#: Loads a package as ComfyUI does: by its path, under a name with no relation to it.
LOADING = """
import importlib.util, json, sys
folder = sys.argv[1]
spec = importlib.util.spec_from_file_location("custom_nodes_x", folder + "/__init__.py", submodule_search_locations=[folder])
module = importlib.util.module_from_spec(spec)
sys.modules["custom_nodes_x"] = module
spec.loader.exec_module(module)
car, compose = (module.NODE_CLASS_MAPPINGS[name]() for name in ("LoadCar", "CarCanvas"))
anchors = car.load("gen1", "red", "noon", "side", 64)[2]
compose.stand(anchors, 64, 64, 40, 2, 3)
print(json.dumps(sorted(module.NODE_CLASS_MAPPINGS), ensure_ascii=False))
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the nodes, without what Python left beside them."""
    copy = tmp_path / "source" / "tripcanvas"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.fixture
def cars(tmp_path: Path) -> Path:
    """One car in two colours, and how it was made."""
    folder = make_asset(tmp_path / "source" / "cars")
    (folder.parent / "recipe").mkdir()
    (folder.parent / "recipe" / "gen1.py").write_text("print('how it was made')\n", "utf-8")
    return folder.parent


def test_the_same_files_give_the_same_bytes(package, cars, tmp_path):
    first = write_archive(members(package, cars, LICENCE), tmp_path / "a.zip")
    for file in package.rglob("*"):
        os.utime(file, (1_800_000_000, 1_800_000_000))
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "engine.cpython-312.pyc").write_bytes(b"left by Python")
    second = write_archive(members(package, cars, LICENCE), tmp_path / "b.zip")
    assert first == second == hashlib.sha256((tmp_path / "b.zip").read_bytes()).hexdigest()
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_changed_file_gives_other_bytes(package, cars, tmp_path):
    first = write_archive(members(package, cars, LICENCE), tmp_path / "a.zip")
    (cars / "gen1" / "side-red-studio.jp2").write_bytes(b"another red")
    assert write_archive(members(package, cars, LICENCE), tmp_path / "b.zip") != first


def test_it_holds_the_package_the_licence_and_the_cars_and_no_recipe(package, cars):
    names = {member.name for member in members(package, cars, LICENCE)}
    expected = {f"tripcanvas/{file.relative_to(package).as_posix()}" for file in package.rglob("*") if file.is_file()}
    assert names == expected | {
        "tripcanvas/LICENSE",
        "tripcanvas/cars/gen1/car.toml",
        "tripcanvas/cars/gen1/side-alpha.png",
        "tripcanvas/cars/gen1/side-badge.png",
    } | {
        f"tripcanvas/cars/gen1/side-{colour}-{light}.jp2" for colour in ("red", "white") for light in ("studio", "noon")
    }


def test_unpacked_it_loads_and_stands_a_car_in_a_fresh_interpreter(package, cars, tmp_path):
    write_archive(members(package, cars, LICENCE), tmp_path / "nodes.zip")
    with zipfile.ZipFile(tmp_path / "nodes.zip") as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "custom_nodes")
    unpacked = tmp_path / "custom_nodes" / "tripcanvas"
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "TRIPCANVAS_CARS")}
    loaded = subprocess.run(
        [sys.executable, "-c", LOADING, str(unpacked)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert loaded.returncode == 0, loaded.stderr
    assert {"旅行文本生成", "WanxImage", "BadgeLock"} <= set(json.loads(loaded.stdout))


@pytest.mark.parametrize(
    "part", ["__init__.py", "requirements.txt", "pyproject.toml", "README.md", "composition/__init__.py"]
)
def test_a_package_without_one_of_its_parts_is_refused(package, cars, part):
    (package / part).unlink()
    with pytest.raises(InvalidInput, match=f"it lacks {part}"):
        members(package, cars, LICENCE)


def test_a_package_that_is_no_comfyui_package_is_refused(package, cars):
    (package / "pyproject.toml").write_text('[project]\nname = "x"\n', "utf-8")
    with pytest.raises(InvalidInput, match=r"\[tool\.comfy\]"):
        members(package, cars, LICENCE)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (".env", "A=1", "hidden"),
        ("credentials.toml", "a = 1", "credentials"),
        ("notes.txt", "key: sk-0123456789abcdef0123", "shape of a key"),
        ("example_workflows/x.json", '{"k": "LTAI5t0123456789abcd"}', "shape of a key"),
        ("engine.py.orig", "", "one of the kinds"),
        ("model.safetensors", "", "one of the kinds"),
    ],
)
def test_what_must_not_go_out_is_refused_by_name(package, cars, name, content, expected):
    file = package / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(content, "utf-8")
    with pytest.raises(InvalidInput) as told:
        members(package, cars, LICENCE)
    assert expected in told.value.expected
    assert file.name in told.value.field
    assert "0123456789" not in str(told.value)


def test_code_that_reads_credentials_is_no_credentials(package, cars):
    (package / "credentials.py").write_text('FILE = "TRIPCANVAS_CREDENTIALS_FILE"\n', "utf-8")
    assert "tripcanvas/credentials.py" in {member.name for member in members(package, cars, LICENCE)}


def test_a_link_is_refused(package, cars):
    (package / "more.py").symlink_to("/etc/hostname")
    with pytest.raises(InvalidInput, match="not a link"):
        members(package, cars, LICENCE)


def test_the_link_to_the_shared_core_is_packed_as_the_files_behind_it(package, cars):
    as_files = members(package, cars, LICENCE)
    shutil.rmtree(package / CORE.name)
    (package / CORE.name).symlink_to(CORE)
    assert members(package, cars, LICENCE) == as_files
    assert {f"tripcanvas/composition/{file.name}" for file in CORE.glob("*.py")} <= {each.name for each in as_files}


def test_the_core_s_name_may_lead_nowhere_else(package, cars, tmp_path):
    shutil.rmtree(package / CORE.name)
    (tmp_path / "other").mkdir()
    (package / CORE.name).symlink_to(tmp_path / "other")
    with pytest.raises(InvalidInput, match="not a link"):
        members(package, cars, LICENCE)


@pytest.mark.parametrize("name", ["side-red-studio.jp2", "side-badge.png"])
def test_a_car_without_one_of_its_pictures_is_refused(package, cars, name):
    (cars / "gen1" / name).unlink()
    with pytest.raises(InvalidInput, match=re.escape(name)):
        members(package, cars, LICENCE)


def test_a_car_with_a_wrong_manifest_is_refused_by_its_key(package, cars):
    text = (cars / "gen1" / "car.toml").read_text("utf-8")
    (cars / "gen1" / "car.toml").write_text(text.replace("horizon_y = 8.0", ""), "utf-8")
    with pytest.raises(InvalidInput, match="horizon_y"):
        members(package, cars, LICENCE)


def test_no_car_at_all_is_refused_unless_asked_for(package, cars):
    shutil.rmtree(cars / "gen1")
    with pytest.raises(InvalidInput, match="--without-cars"):
        members(package, cars, LICENCE)
    assert not [member for member in members(package, None, LICENCE) if "/cars/" in member.name]


def test_the_command_packs_the_repository_s_nodes_and_lists_them(tmp_path):
    out = tmp_path / "nodes.zip"
    cars = [] if CARS.is_dir() else ["--without-cars"]
    told = CliRunner().invoke(app, ["nodes", "pack", "--out", str(out), *cars])
    assert told.exit_code == 0, told.output
    with zipfile.ZipFile(out) as archive:
        for entry in archive.infolist():
            content = archive.read(entry)
            (line,) = [line for line in told.output.splitlines() if line.split()[:1] == [entry.filename]]
            assert line.split()[1:] == [str(len(content)), hashlib.sha256(content).hexdigest()]
    assert hashlib.sha256(out.read_bytes()).hexdigest() in told.output
