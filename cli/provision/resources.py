"""What provisioning compares: resources as they should be, and as they are. Pure but for what the resources ask.

A resource's state is a few named fields, all as text; only the fields that are wanted are compared, so what an account
has set besides them stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

#: Why a resource stays that nobody has recorded as made.
NOT_OURS = "not made by provision apply"
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


def name_of(resource: Resource) -> str:
    """What it is and its name, for records: ``topic trip-completed``."""
    return f"{resource.kind} {resource.name}"


@runtime_checkable
class Affected(Protocol):
    """A resource that runs: changing it does something to what it is doing."""

    def effect_of(self, name: str) -> str:
        """What changing a field does."""


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

    @property
    def effects(self) -> tuple[str, ...]:
        """What the change does to what runs, each effect once."""
        if self.action != "change" or not isinstance(self.resource, Affected):
            return ()
        return tuple(dict.fromkeys(self.resource.effect_of(each.name) for each in self.fields))


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


def planned_removal(resources: Iterable[Resource], made: Collection[str], *, with_data: bool) -> list[Change]:
    """What it takes to have none of those whose `name_of` is in `made`, the last one first.

    What holds data stays unless `with_data`; what was there before stays in any case. The first one holds the record of
    the others, and stays while one of them does.
    """
    first, *others = resources
    changes = [change for each in reversed(others) if (change := _removal(each, made, with_data=with_data))]
    last = _removal(first, made, with_data=with_data)
    if last is not None and last.counts and any(each.action == "keep" and each.note != NOT_OURS for each in changes):
        last = Change(first, "keep", note=last.note or "the record of what stays")
    return [*changes, *([last] if last else [])]


def _removal(resource: Resource, made: Collection[str], *, with_data: bool) -> Change | None:
    if resource.read() is None:
        return None
    if name_of(resource) not in made:
        return Change(resource, "keep", note=NOT_OURS)
    held = resource.holds()
    return Change(resource, "keep" if held and not with_data else "delete", note=held)
