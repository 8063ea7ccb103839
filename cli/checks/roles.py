"""Roles and their policies, and whether a file and the settings beside it belong to the same environment."""

from __future__ import annotations

from collections.abc import Iterator

from cli.checks.deployment import Description
from cli.findings import Finding
from cli.policies import FOLDER, WORKERS_FOLDER, policy_documents, worker_documents
from localcloud.fc.interpolation import InterpolationError


def policies_up_to_date(description: Description) -> Iterator[Finding]:
    """Policies that are not those of the calls that the functions make."""
    workers = {f"{WORKERS_FOLDER}/{role}": document for role, document in worker_documents().items()}
    for role, document in {**policy_documents(), **workers}.items():
        file = description.folder / FOLDER / f"{role}.json"
        if not file.exists() or file.read_bytes() != document:
            yield Finding(
                "not the policy of what the function does", str(FOLDER / f"{role}.json"), "run `tripcanvas policies`"
            )


def roles_of_their_own(description: Description) -> Iterator[Finding]:
    """Functions without a role, and functions that share one."""
    seen: dict[str, str] = {}
    for each in description.resources:
        role, where = str(each.props.get("role") or ""), f"{each.place}.role"
        if not role:
            yield Finding("a function without a role of its own", where, "name the role whose policy is its own")
        elif role in seen:
            yield Finding(f"the same role as resources.{seen[role]}", where, "give each function a role of its own")
        seen[role] = each.name


def one_environment(description: Description) -> Iterator[Finding]:
    """Names of one environment with the settings of another: functions would take the other's trips."""
    for variable, name in (("TRIPCANVAS_PREFIX", "prefix"), ("TRIPCANVAS_ENVIRONMENT", "environment")):
        given = description.environment.get(variable)
        try:
            written = str(description.scope.resolve(f"${{vars.{name}}}"))
        except InterpolationError:
            continue
        if given and given != written:
            yield Finding(
                f"{written}, but {variable} is {given}",
                f"{description.file.name}: vars.{name}",
                "load the settings of the environment that is deployed, or name its file with -t",
            )
