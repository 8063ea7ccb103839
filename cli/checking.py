"""`tripcanvas check`: what is wrong with a deployment before it is made, each finding with where and what to do.

A check is a function from a file of the deployment to its findings; it is added to `CHECKS`. Findings name places and
variables, never a value: it may be a secret.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.console import Console

from cli.checks import functions, handlers, roles
from cli.checks.deployment import Description, Finding
from cli.checks.secrets import secrets_in_clear
from cli.options import fail
from localcloud.fc.sections import DeploymentError

#: The files of the deployment: what all environments have in common, and the environments.
FILES = ("s.yaml", "s.dev.yaml", "s.staging.yaml", "s.prod.yaml")

#: Every check, in the order of its findings.
CHECKS: tuple[Callable[[Description], Iterable[Finding]], ...] = (
    secrets_in_clear,
    functions.top_level,
    functions.properties,
    functions.triggers,
    roles.policies_up_to_date,
    roles.roles_of_their_own,
    handlers.importable,
    handlers.settings,
)


def check(
    folder: Annotated[
        Path, typer.Option("--project", help="The folder that is deployed.", exists=True, file_okay=False)
    ] = Path(),
    file: Annotated[
        str, typer.Option("--file", help="Only this file, with the variables that are set, as `s deploy -t` reads it.")
    ] = "",
) -> None:
    """Check the deployment's files: each function, trigger, role, secret. Status 1 when there is something to do."""
    findings: dict[str, Finding] = {}
    for name in (file,) if file else [name for name in FILES if (folder / name).exists() or name == FILES[0]]:
        try:
            found = list(_findings(Description(folder / name, dict(os.environ) if file else {}), bool(file)))
        except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, DeploymentError):
            fail(f"{folder / name}: can't be read as a deployment")
        # What is wrong in the common file is wrong in each that extends it: it is told once.
        for finding in found:
            findings.setdefault(str(finding).partition(": ")[2], finding)
    console = Console(highlight=False, markup=False)
    for finding in findings.values():
        console.print(str(finding), soft_wrap=True)
    console.print(f"{len(findings)} to mend" if findings else "nothing to mend")
    raise typer.Exit(1 if findings else 0)


def _findings(description: Description, is_deployed: bool) -> Iterator[Finding]:
    for find in (*CHECKS, *((roles.one_environment,) if is_deployed else ())):
        yield from find(description)
