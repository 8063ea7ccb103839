"""Who may do what: the account itself, and the roles of its functions, each with one RAM policy.

A role's credentials are temporary ones as STS hands them out: an id that begins with ``STS.``, a secret and a token.
Here they follow from the account's secret and the role's name, so that every service can check them by itself. What a
role may do stands in ``ram/<role>.json`` of the cloud's folder, where Function Compute puts it when it deploys.

Policies: version 1 of help.aliyun.com/zh/ram/user-guide/policy-structure-and-syntax, with ``*`` and ``?`` in actions
and resources, and the condition ``StringLike``. Nothing is allowed by default, and a ``Deny`` goes before an
``Allow``. A policy that says anything else is refused when it is deployed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from localcloud.signing import same

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from localcloud.state import Cloud

_STS = "STS."
_ROLE = re.compile(r"[A-Za-z0-9-]{1,64}")
_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


class PolicyError(ValueError):
    """A policy that RAM would refuse, or that holds what is not enforced here."""


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="pascal", omit_defaults=True):
    """One rule. `condition` is ``{"StringLike": {"oss:Prefix": [patterns]}}`` or empty."""

    effect: Literal["Allow", "Deny"]
    action: tuple[str, ...]
    resource: tuple[str, ...]
    condition: dict[Literal["StringLike"], dict[str, tuple[str, ...]]] = {}

    def matches(self, action: str, resource: str, context: Mapping[str, str]) -> bool:
        """Whether this rule speaks of `action` on `resource`; a condition on what `context` lacks is not met."""
        wanted = self.condition.get("StringLike", {})
        return (
            any(_like(pattern, action, case=False) for pattern in self.action)
            and any(_like(pattern, resource) for pattern in self.resource)
            and all(
                key in context and any(_like(pattern, context[key]) for pattern in patterns)
                for key, patterns in wanted.items()
            )
        )


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="pascal"):
    """A RAM policy document."""

    version: Literal["1"]
    statement: tuple[Statement, ...]

    def allows(self, action: str, resource: str, context: Mapping[str, str]) -> bool:
        """Whether a rule allows it and none denies it."""
        effects = {rule.effect for rule in self.statement if rule.matches(action, resource, context)}
        return effects == {"Allow"}


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a caller signs with; a role's hold a security token."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who signed a request. The account, whose `policy` is None, may do everything."""

    credentials: Credentials
    role: str = ""
    policy: Policy | None = None

    def may(self, action: str, resource: str, **context: str) -> bool:
        """Whether the caller is allowed `action` (``oss:PutObject``) on `resource` (``acs:oss:*:…:bucket/key``).

        `context` holds what conditions ask for, by its name after the colon (``Prefix`` of ``oss:Prefix``).
        """
        service = action.partition(":")[0]
        given = {f"{service}:{name}": value for name, value in context.items()}
        return self.policy is None or self.policy.allows(action, resource, given)


def caller_of(cloud: Cloud, access_key_id: str, security_token: str) -> Caller | None:
    """The caller whose key this is; None for an unknown one, and for a role's without its token.

    The account's own key is taken with any token. Whether the request was signed with the key is not checked here.
    """
    if same(access_key_id, cloud.access_key_id):
        return Caller(Credentials(cloud.access_key_id, cloud.access_key_secret))
    role = access_key_id.removeprefix(_STS)
    if role == access_key_id or not _ROLE.fullmatch(role):
        return None
    credentials = role_credentials(cloud, role)
    file = _file(cloud, role)
    if not same(security_token, credentials.security_token) or not file.exists():
        return None
    return Caller(credentials, role, parse_policy(file.read_bytes()))


def role_credentials(cloud: Cloud, role: str) -> Credentials:
    """The temporary credentials of a role, the same each time."""
    return Credentials(_STS + role, _derived(cloud, "secret", role), _derived(cloud, "token", role))


def grant(cloud: Cloud, role: str, document: bytes) -> None:
    """Let a role do what a policy says, from now on. Raises `PolicyError`."""
    if not _ROLE.fullmatch(role):
        raise PolicyError(f"a role's name must match {_ROLE.pattern}")
    parse_policy(document)
    file = _file(cloud, role)
    part = file.with_suffix(".part")
    part.write_bytes(document)
    part.replace(file)


def revoke(cloud: Cloud, role: str) -> None:
    """Let a role do nothing any more."""
    _file(cloud, role).unlink(missing_ok=True)


def merged(documents: list[bytes]) -> bytes:
    """One policy that says what several say. Raises `PolicyError`."""
    statements = tuple(statement for document in documents for statement in parse_policy(document).statement)
    return msgspec.json.encode(Policy("1", statements))


def parse_policy(document: bytes) -> Policy:
    """Read a policy document. Raises `PolicyError`."""
    try:
        return msgspec.json.decode(document, type=Policy)
    except msgspec.DecodeError as error:
        raise PolicyError(str(error)) from None


def filled(document: bytes, values: Mapping[str, str]) -> bytes:
    """A policy whose ``${VARIABLE}`` places are filled from `values`. Raises `PolicyError` for one that is missing."""

    def value(match: re.Match[str]) -> str:
        found = values.get(match[1], "")
        if not found or not re.fullmatch(r"[\w.:/-]+", found):
            raise PolicyError(f"the policy needs {match[1]}, a plain name")
        return found

    return _VARIABLE.sub(value, document.decode("utf-8")).encode()


def _file(cloud: Cloud, role: str) -> Path:
    return cloud.folder("ram") / f"{role}.json"


def _derived(cloud: Cloud, *purpose: str) -> str:
    digest = hmac.new(cloud.access_key_secret.encode(), "/".join(("ram", *purpose)).encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _like(pattern: str, text: str, *, case: bool = True) -> bool:
    """RAM's wildcards: ``*`` is any number of characters, ``?`` one; nothing else is special."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    flags: Any = re.DOTALL if case else re.DOTALL | re.IGNORECASE
    return re.fullmatch(expression, text, flags) is not None
