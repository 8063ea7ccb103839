"""`s preview` of Serverless Devs resolves every environment's file to the functions that are meant."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FUNCTIONS = {"trip-completed", "backfill-trips", "relay-results", "image-ready", "sweep-journeys"}
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.skipif(shutil.which("s") is None, reason="needs Serverless Devs: npm install -g @serverless-devs/s@3.1.10")
@pytest.mark.parametrize(
    ("environment", "prefix"), [("dev", "tripcanvas-dev"), ("staging", "tripcanvas-staging"), ("prod", "tripcanvas")]
)
def test_the_command_that_deploys_reads_the_files_as_they_are_meant(environment, prefix, tmp_path):
    needed = re.findall(r"\$\{env\('(\w+)'\)\}", "".join(file.read_text("utf-8") for file in ROOT.glob("s*.yaml")))
    values = {name: "1000000000000001" if name.endswith("ACCOUNT_ID") else "x" for name in needed}
    done = subprocess.run(
        ["s", "preview", "-t", f"s.{environment}.yaml"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **values},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    shown = _COLOUR.sub("", done.stdout)
    assert done.returncode == 0, shown + done.stderr
    assert set(re.findall(r"functionName:\s+(\S+)", shown)) == {f"{prefix}-{name}" for name in FUNCTIONS}
    assert "${" not in shown
