"""Whether each handler is there by the rules of both runtimes, and given the settings that its code reads."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import localcloud
from cli.checks.deployment import Description
from cli.checks.needs import settings_read
from cli.findings import Finding
from shared.settings import CREDENTIALS_FILE, Settings

_RUNTIMES = ("python3.10", "python3.12")
_LONGEST_S = 120
#: What every function is given without asking for it: the keys of the services that its secrets are kept by.
_FOR_ALL = frozenset({"TRIPCANVAS_REGION", "TRIPCANVAS_KMS_ENDPOINT"})


def importable(description: Description) -> Iterator[Finding]:
    """Handlers that the runtimes can't find or can't import from the project's folder."""
    handlers = {each.name: str(each.props.get("handler", "")) for each in description.resources}
    for runtime, failed in _failures(description.folder.resolve(), tuple(sorted(set(handlers.values())))).items():
        for each in description.resources:
            if handlers[each.name] in failed:
                yield Finding(
                    f"not importable under {runtime}: {failed[handlers[each.name]]}",
                    f"{each.place}.handler",
                    "write functions/<name>/index.handler, and import from the project's root",
                )


def settings(description: Description) -> Iterator[Finding]:
    """Settings that a function's code reads and is not given, or is given and does not read."""
    known = set(Settings.defaults()) | {CREDENTIALS_FILE}
    for each in description.resources:
        variables = each.props.get("environmentVariables")
        if not isinstance(variables, dict):
            continue
        try:
            read = settings_read(str(each.props.get("handler", "")), description.folder.resolve())
        except (OSError, SyntaxError, UnicodeDecodeError):
            continue
        place = f"{each.place}.environmentVariables"
        for name in sorted(read - variables.keys()):
            yield Finding("missing", f"{place}.{name}", "its code reads it; give it to the function")
        for name in sorted(variables.keys() & known - read - _FOR_ALL - {CREDENTIALS_FILE}):
            yield Finding("given, but not read", f"{place}.{name}", "take it out: what it lacks can't leak from it")


@cache
def _failures(folder: Path, handlers: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """What goes wrong with each handler under each runtime, in a process of its own, without an environment."""
    root = str(Path(localcloud.__path__[0]).parent)
    ended = subprocess.run(
        [sys.executable, "-m", "cli.checks.importing", str(folder), ",".join(_RUNTIMES), *handlers],
        capture_output=True, text=True, timeout=_LONGEST_S, check=False, cwd=root,
        env={"PYTHONPATH": root, "PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    lines = ended.stdout.strip().splitlines()
    if ended.returncode or not lines:
        return {_RUNTIMES[0]: dict.fromkeys(handlers, "the process ended at the import")}
    found: dict[str, dict[str, str]] = json.loads(lines[-1])
    return found
