"""The files of a deployment as the checks see them: resolved, with stand-ins for what only the account knows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from cli.findings import Finding
from localcloud.fc.deployment import merge, read_document
from localcloud.fc.interpolation import InterpolationError, Scope
from shared.settings import Settings

_S_YAML = "s.yaml"
_WITHOUT_DEFAULT = re.compile(r"\$\{\s*env\(\s*'(\w+)'\s*\)\s*\}")
#: As long as a secret that KMS has encrypted: the environment must have room for it.
_STAND_IN_SECRET = "kms:" + "x" * 216
_SECRETS = frozenset(each.metadata["variable"] for each in fields(Settings) if each.metadata["secret"])


@dataclass(frozen=True, slots=True)
class Resource:
    """One function of a file: its properties over those of its template, every expression replaced."""

    name: str
    place: str
    props: Mapping[str, Any]


@dataclass(frozen=True)
class Description:
    """One file of the deployment, ``s.yaml`` or one that extends it.

    `environment` is what its expressions see; a variable that is not there gets a stand-in where it has no default.
    """

    file: Path
    environment: Mapping[str, str]

    @property
    def folder(self) -> Path:
        """The folder that is deployed."""
        return self.file.parent

    @cached_property
    def document(self) -> dict[str, Any]:
        """The content, over that of the file it extends. Raises `DeploymentError`."""
        return read_document(self.file)

    @cached_property
    def own_text(self) -> str:
        """What stands in the file itself."""
        return self.file.read_text("utf-8")

    @cached_property
    def scope(self) -> Scope:
        """What expressions stand for."""
        texts = [self.own_text, (self.folder / _S_YAML).read_text("utf-8") if self.file.name != _S_YAML else ""]
        named = {name for text in texts for name in _WITHOUT_DEFAULT.findall(text)}
        stand_ins = {name: _stand_in(name) for name in named}
        variables = self.document.get("vars") or {}
        environment = {**stand_ins, **self.environment}
        return Scope(variables, environment, {"AccountID": _stand_in("ACCOUNT_ID")}, self.folder.resolve())

    @cached_property
    def unresolved(self) -> tuple[Finding, ...]:
        """Expressions that stand for nothing, and what is no function at all."""
        return tuple(each for each in self._read if isinstance(each, Finding))

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        """The functions whose expressions all stand for something."""
        return tuple(each for each in self._read if isinstance(each, Resource))

    @cached_property
    def _read(self) -> tuple[Resource | Finding, ...]:
        resources = self.document.get("resources")
        if not isinstance(resources, dict):
            return (Finding("no functions", f"{self.file.name}: resources", "give it a map of functions"),)
        return tuple(each for name, resource in resources.items() for each in self._resource(str(name), resource))

    def _resource(self, name: str, resource: object) -> Iterator[Resource | Finding]:
        place = f"{self.file.name}: resources.{name}"
        if not isinstance(resource, dict) or not isinstance(resource.get("props"), dict):
            yield Finding("no function", place, "give it component: fc3 and a map of props")
            return
        templates = self.document.get("template") or {}
        extended = (resource.get("extend") or {}).get("name")
        if extended is not None and extended not in templates:
            yield Finding(f"no template {extended!r}", f"{place}.extend.name", "name one of `template`")
            return
        props = merge(templates.get(extended, {}), resource["props"])
        try:
            yield Resource(name, f"{place}.props", self.scope.resolve(props))
        except InterpolationError as error:
            yield Finding(str(error), f"{place}.props", "mend the expression")


def _stand_in(variable: str) -> str:
    if variable.endswith("ACCOUNT_ID"):
        return "1000000000000001"
    return _STAND_IN_SECRET if variable in _SECRETS else f"stand-in-{variable.lower().replace('_', '-')}"
