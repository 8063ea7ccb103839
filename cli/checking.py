"""`tripcanvas check`: what is wrong with a deployment before it is made, each finding with where and what to do.

A check is a function from the project's folder to its findings; it is added to `CHECKS`. What has to be asked of a
service is a probe (`cli.probes`): it is asked when a deployment is named, and never by the shell's environment alone,
so that a check before `s deploy` needs no account. Findings name places and variables, never a value: it may be a
secret.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml
from rich.console import Console

from cli.deployment import deployment_of
from cli.eas.secrecy import is_secret_name, looks_like_key
from cli.findings import Finding
from cli.options import Root, fail
from cli.policies import FOLDER, policy_documents
from shared.errors import TripcanvasError
from shared.settings import Settings

if TYPE_CHECKING:
    from cli.probes.probe import Outcome

_S_YAML = "s.yaml"
_SECRETS = frozenset(field.metadata["variable"] for field in fields(Settings) if field.metadata["secret"])
#: What may stand in the place of a secret: the name of a variable, without a default that would be one.
_FROM_OUTSIDE = re.compile(r"\$\{env\('\w+'(, '')?\)\}|\$\{vars\.[\w.]+\}|kms:[A-Za-z0-9+/=_-]+|")
_WEBHOOK_SECRET = re.compile(r"whsec_[A-Za-z0-9+/_-]{16,}")


def secrets_in_clear(folder: Path) -> Iterator[Finding]:
    """Secrets that stand in ``s.yaml`` themselves, where they would be committed, copied and shown."""
    for place, name, value in _values(_document(folder / _S_YAML), _S_YAML):
        is_secret = name in _SECRETS or (".environmentVariables." in place and is_secret_name(name))
        if (is_secret and not _FROM_OUTSIDE.fullmatch(value)) or looks_like_key(value) or _WEBHOOK_SECRET.search(value):
            yield Finding(
                "a secret in clear",
                place,
                f"write ${{env('{name}')}}, set that variable where you deploy, and change the secret: it was readable",
            )


def policies_up_to_date(folder: Path) -> Iterator[Finding]:
    """Policies that are not those of the calls that the functions make, and functions that share a role."""
    for role, document in policy_documents().items():
        file = folder / FOLDER / f"{role}.json"
        if not file.exists() or file.read_bytes() != document:
            yield Finding(
                "not the policy of what the function does", str(FOLDER / file.name), "run `tripcanvas policies`"
            )
    resources = _document(folder / _S_YAML).get("resources", {})
    seen: dict[str, str] = {}
    for name, resource in resources.items():
        role = str(resource.get("props", {}).get("role", ""))
        where = f"{_S_YAML}: resources.{name}.props.role"
        if not role:
            yield Finding("a function without a role of its own", where, "name the role whose policy is its own")
        elif role in seen:
            yield Finding(f"the same role as resources.{seen[role]}", where, "give each function a role of its own")
        seen[role] = name


#: Every check, in the order of its findings.
CHECKS: tuple[Callable[[Path], Iterable[Finding]], ...] = (secrets_in_clear, policies_up_to_date)


def check(
    root: Root,
    folder: Annotated[
        Path, typer.Option("--project", help="The folder that is deployed.", exists=True, file_okay=False)
    ] = Path(),
    env: Annotated[
        Path | None,
        typer.Option("--env", help="Ask the services of the account that this file describes, too; about a fen."),
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Ask the services of the running embedded cloud, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Check the deployment: secrets in clear, roles and policies, and with --env or --live every service it uses.

    Ends with status 1 when there is something to do.
    """
    try:
        findings = [finding for find in CHECKS for finding in find(folder)]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError):
        fail(f"{folder / _S_YAML}: can't be read as a deployment")
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


def _document(file: Path) -> dict[str, Any]:
    document = yaml.safe_load(file.read_text("utf-8"))
    if not isinstance(document, dict):
        raise yaml.YAMLError
    return document


def _values(value: Any, place: str, name: str = "") -> Iterator[tuple[str, str, str]]:
    """Every text of a document with its place and the name that it stands under."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _values(item, f"{place}: {key}" if place == _S_YAML else f"{place}.{key}", str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _values(item, f"{place}[{index}]", name)
    elif isinstance(value, str):
        yield place, name, value
