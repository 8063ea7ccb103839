"""`tripcanvas check`: what is wrong with a deployment before it is made, each finding with where and what to do.

A check is a function from the project's folder to its findings; it is added to `CHECKS`. Findings name places and
variables, never a value: it may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console

from cli.eas.secrecy import is_secret_name, looks_like_key
from cli.options import fail
from cli.policies import FOLDER, policy_documents
from shared.settings import Settings

_S_YAML = "s.yaml"
_SECRETS = frozenset(field.metadata["variable"] for field in fields(Settings) if field.metadata["secret"])
#: What may stand in the place of a secret: the name of a variable, without a default that would be one.
_FROM_OUTSIDE = re.compile(r"\$\{env\('\w+'(, '')?\)\}|\$\{vars\.[\w.]+\}|kms:[A-Za-z0-9+/=_-]+|")
_WEBHOOK_SECRET = re.compile(r"whsec_[A-Za-z0-9+/_-]{16,}")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person should mend: what it is, where it stands, and what to do about it."""

    what: str
    where: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.remedy}"


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
    folder: Annotated[
        Path, typer.Option("--project", help="The folder that is deployed.", exists=True, file_okay=False)
    ] = Path(),
) -> None:
    """Check the deployment: secrets in clear, roles and policies. Ends with status 1 when there is something to do."""
    try:
        findings = [finding for find in CHECKS for finding in find(folder)]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError):
        fail(f"{folder / _S_YAML}: can't be read as a deployment")
    console = Console(highlight=False, markup=False)
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
