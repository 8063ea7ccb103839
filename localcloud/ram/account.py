"""The roles and policies that somebody made in the account: one small file, rewritten whole.

What a role may do from then on is what is attached to it (`localcloud.ram.grant`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from localcloud.ram import grant, merged, revoke

if TYPE_CHECKING:
    from localcloud.state import Cloud

#: Versions that RAM keeps of one policy (limits page of RAM).
MAX_VERSIONS = 5


class Version(msgspec.Struct):
    """One version of a policy."""

    id: str
    document: str
    made_at: str


class Managed(msgspec.Struct):
    """A policy of the account; its last version is the one in force."""

    name: str
    description: str
    versions: list[Version]
    next_version: int = 2


class Role(msgspec.Struct):
    """A role: who may act as it, and the names of what is attached to it."""

    name: str
    trust: str
    description: str
    made_at: str
    attached: list[str] = []


class Account(msgspec.Struct):
    """Everything that was made."""

    roles: dict[str, Role] = {}
    policies: dict[str, Managed] = {}

    def holders(self, policy: str) -> list[Role]:
        """The roles to which a policy is attached."""
        return [role for role in self.roles.values() if policy in role.attached]


def read(cloud: Cloud) -> Account:
    """The account as it stands."""
    file = cloud.folder("ram") / "account.json"
    return msgspec.json.decode(file.read_bytes(), type=Account) if file.exists() else Account()


def write(cloud: Cloud, account: Account, *changed: Role) -> None:
    """Keep the account, and let the changed roles do what is attached to them now, which may be nothing."""
    file = cloud.folder("ram") / "account.json"
    part = file.with_suffix(".part")
    part.write_bytes(msgspec.json.format(msgspec.json.encode(account), indent=2))
    part.replace(file)
    for role in changed:
        documents = [account.policies[name].versions[-1].document.encode() for name in role.attached]
        if documents:
            grant(cloud, role.name, merged(documents))
        else:
            revoke(cloud, role.name)
