"""The role that a function of `s.yaml` acts as, and the policy that stands for it beside that file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from localcloud.ram import PolicyError, filled, parse_policy
from shared.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localcloud.fc.interpolation import Scope
    from localcloud.fc.sections import Section

#: What the names of functions and roles begin with, unless ``TRIPCANVAS_PREFIX`` or `vars` say otherwise.
PREFIX = "tripcanvas"

_ARN = re.compile(r"acs:ram::\d*:role/(?P<name>[A-Za-z0-9-]{1,64})")


def role_of(props: Section) -> str:
    """The name of the role; empty for a function without one. Raises `DeploymentError`."""
    if "role" not in props.items:
        return ""
    match = _ARN.fullmatch(props.text("role"))
    if match is None:
        props.fail("role", "must be like acs:ram::<account>:role/<name>")
    return match["name"]


def policy_of(props: Section, role: str, scope: Scope, environment: Mapping[str, str]) -> bytes:
    """What a role may do: ``deploy/policies/<role>.json`` beside the deployment's file.

    A role's name begins with ``${vars.prefix}`` where its file's begins with ``tripcanvas``. Its variables are filled
    in from the function's own, and from what the file sees. Raises `DeploymentError`.
    """
    prefix = str(scope.resolve("${vars.prefix}")) if "prefix" in scope.variables else PREFIX
    name = PREFIX + role.removeprefix(prefix) if role.startswith(f"{prefix}-") else role
    file = scope.folder / "deploy" / "policies" / f"{name}.json"
    try:
        policy = filled(file.read_bytes(), {**Settings.defaults(), **scope.environment, **environment})
        parse_policy(policy)
    except OSError as error:
        props.fail("role", f"deploy/policies/{name}.json can't be read ({error.strerror})")
    except PolicyError as error:
        props.fail("role", f"deploy/policies/{name}.json: {error}")
    return policy
