"""What `s deploy` leaves out of the functions' code package, and what it must not."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

from shared.workflows import FOLDER

ROOT = Path(__file__).resolve().parents[3]


def test_every_file_of_a_car_goes_along_for_the_inspection_composes_with_it() -> None:
    lines = (ROOT / ".fcignore").read_text("utf-8").split("\n")
    left_out = [line for line in lines if line and not line.startswith("#")]
    files = [
        file.relative_to(ROOT).as_posix()
        for manifest in FOLDER.glob("cars/*/car.toml")
        for file in manifest.parent.iterdir()
    ]
    assert files
    for file in files:
        matching = [line for line in left_out if file.startswith(line) or fnmatch(file, line.replace("**/", "*"))]
        assert not matching, file
