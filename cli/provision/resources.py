"""What provisioning compares: resources as they should be, and as they are. Pure but for what the resources ask.

A resource's state is a few named fields, all as text; only the fields that are wanted are compared, so what an account
has set besides them stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

Action = Literal["create", "change", "leave", "delete", "keep"]


class Resource(Protocol):
    """One thing in an account. Everything may raise a `shared.errors.TripcanvasError`."""

    @property
    def kind(self) -> str:
        """What it is, in a word: ``topic``."""

    @property
    def name(self) -> str:
        """Its name in the account."""

    @property
    def wanted(self) -> Mapping[str, str]:
        """The fields as they should be."""

    def read(self) -> Mapping[str, str] | None:
        """The fields as they are; None when there is no such thing."""

    def apply(self, found: Mapping[str, str] | None) -> None:
        """Make it, or change what differs from `found`. Harmless to repeat."""

    def holds(self) -> str:
        """What would be lost with it, in words; "" for nothing."""

    def delete(self) -> None:
        """Delete it with all that it holds; fine when there is none."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field that differs: what it is, and what it should be."""

    name: str
    now: str
    then: str


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done with one resource. `note` says why it stays, or what goes with it."""

    resource: Resource
    action: Action
    fields: tuple[Field, ...] = ()
    note: str = ""
    found: Mapping[str, str] | None = None

    @property
    def counts(self) -> bool:
        """Whether something would be done."""
        return self.action in ("create", "change", "delete")


def planned(resources: Iterable[Resource]) -> list[Change]:
    """What it takes to have every resource as it should be, in their order."""
    return [_compared(resource, resource.read()) for resource in resources]


def _compared(resource: Resource, found: Mapping[str, str] | None) -> Change:
    if found is None:
        return Change(resource, "create", tuple(Field(name, "", value) for name, value in resource.wanted.items()))
    differing = tuple(
        Field(name, found.get(name, ""), value)
        for name, value in resource.wanted.items()
        if found.get(name, "") != value
    )
    return Change(resource, "change" if differing else "leave", differing, found=found)


def planned_removal(resources: Iterable[Resource], *, with_data: bool) -> list[Change]:
    """What it takes to have none of them, the last one first; what holds data stays unless `with_data`."""
    changes = []
    for resource in reversed(list(resources)):
        if resource.read() is None:
            continue
        held = resource.holds()
        changes.append(Change(resource, "keep" if held and not with_data else "delete", note=held))
    return changes
