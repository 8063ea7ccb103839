"""`tripcanvas check`: what is wrong with a deployment before it is made, each finding with where and what to do.

A check is a function from a file of the deployment to its findings; it is added to `CHECKS`. What has to be asked of a
service is a probe (`cli.probes`): it is asked when a deployment is named, and never by the shell's environment alone,
so that a check before `s deploy` needs no account. Findings name places and variables, never a value: it may be a
secret.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import yaml
from rich.console import Console

from cli.checks import functions, handlers, roles
from cli.checks.deployment import Description
from cli.checks.secrets import secrets_in_clear
from cli.deployment import deployment_of
from cli.findings import Finding
from cli.options import Root, fail
from localcloud.fc.sections import DeploymentError
from shared.errors import TripcanvasError

if TYPE_CHECKING:
    from cli.probes.probe import Outcome

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
    root: Root,
    folder: Annotated[
        Path, typer.Option("--project", help="The folder that is deployed.", exists=True, file_okay=False)
    ] = Path(),
    file: Annotated[
        str, typer.Option("--file", help="Only this file, with the variables that are set, as `s deploy -t` reads it.")
    ] = "",
    env: Annotated[
        Path | None,
        typer.Option("--env", help="Ask the services of the account that this file describes, too; about a fen."),
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Ask the services of the running embedded cloud, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Check the deployment's files, each function, trigger, role and secret, and with --env or --live every service.

    Ends with status 1 when there is something to do.
    """
    findings = _of_files(folder, file)
    outcomes: list[Outcome] = []
    if env is not None or live:
        from cli.probes.live import findings_of, probed

        try:
            outcomes = probed(deployment_of(root, env))
        except TripcanvasError as error:
            fail(str(error))
        findings += findings_of(outcomes)
    if as_json:
        from cli.probes.showing import document

        print(document(outcomes, findings))  # noqa: T201
        raise typer.Exit(1 if findings else 0)
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 120)
    if outcomes:
        from cli.probes.showing import table

        console.print(table(outcomes))
    for finding in findings:
        console.print(str(finding), soft_wrap=True)
    console.print(f"{len(findings)} to mend" if findings else "nothing to mend")
    raise typer.Exit(1 if findings else 0)


def _of_files(folder: Path, file: str) -> list[Finding]:
    findings: dict[str, Finding] = {}
    for name in (file,) if file else [name for name in FILES if (folder / name).exists() or name == FILES[0]]:
        try:
            found = list(_findings(Description(folder / name, dict(os.environ) if file else {}), bool(file)))
        except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, DeploymentError):
            fail(f"{folder / name}: can't be read as a deployment")
        # What is wrong in the common file is wrong in each that extends it: it is told once.
        for finding in found:
            findings.setdefault(str(finding).removeprefix(name), finding)
    return list(findings.values())


def _findings(description: Description, is_deployed: bool) -> Iterator[Finding]:
    for find in (*CHECKS, *((roles.one_environment,) if is_deployed else ())):
        yield from find(description)
