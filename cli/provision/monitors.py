"""The dashboard and the alerts in SLS, as `cli.monitoring` has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cli.provision.logs import Sls

#: What RAM calls each kind, and the field that names one.
_KINDS = {"dashboard": ("Dashboard", "dashboardName"), "alert": ("Job", "name")}


@dataclass(frozen=True, slots=True)
class Monitor:
    """A dashboard or an alert of a project, from its document as the API takes it."""

    client: Sls = field(repr=False)
    project: str
    kind: Literal["dashboard", "alert"]
    document: Mapping[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """Its name behind that of its project."""
        return f"{self.project}/{self._own_name}"

    @property
    def wanted(self) -> Mapping[str, str]:
        """Its document."""
        return {"document": _plain(self.document)}

    def read(self) -> Mapping[str, str] | None:
        """Its document, as far as it is wanted; None when there is none of that name."""
        found = self._ask("Get", self._own_name)
        return None if found is None else {"document": _plain(_like(self.document, found.get_entity()))}

    def apply(self, found: Mapping[str, str] | None) -> None:
        """Create it, or put the document in the place of the one that differs."""
        action = "Create" if found is None else "Update"
        self.client.must(*self._call(action), self.project, dict(self.document), about=self.name)

    def holds(self) -> str:
        """Nothing: it looks at logs."""
        return ""

    def delete(self) -> None:
        """Delete it."""
        self._ask("Delete", self._own_name)

    @property
    def _own_name(self) -> str:
        return str(self.document[_KINDS[self.kind][1]])

    def _call(self, action: str) -> tuple[str, str]:
        return f"{action}{_KINDS[self.kind][0]}", f"{action.lower()}_{self.kind}"

    def _ask(self, action: str, *given: object) -> Any:
        return self.client.ask(*self._call(action), self.project, *given, about=self.name)


def _like(wanted: Any, found: Any) -> Any:
    """What was found, without the fields that nobody asked for: SLS adds some of its own."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        return {name: _like(value, found[name]) for name, value in wanted.items() if name in found}
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [_like(*pair) for pair in zip(wanted, found, strict=True)]
    return found


def _plain(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, sort_keys=True)
