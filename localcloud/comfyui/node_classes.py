"""A node class as ComfyUI's executor sees it, and the loading of ``custom_nodes`` packages."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class NodeInput:
    """One declared input; `kind` is a type name, or the list of choices."""

    name: str
    kind: str | list[Any]
    options: Mapping[str, Any]
    required: bool

    @property
    def config(self) -> list[Any]:
        """As ComfyUI repeats it in its errors."""
        return [self.kind, dict(self.options)]


@dataclass(frozen=True, slots=True)
class NodeClass:
    """One entry of ``NODE_CLASS_MAPPINGS`` (the V1 form: ``INPUT_TYPES``, ``RETURN_TYPES``, ``FUNCTION``)."""

    name: str
    cls: type[Any]

    @property
    def is_output(self) -> bool:
        """Whether a graph is run for the sake of this node."""
        return getattr(self.cls, "OUTPUT_NODE", False) is True

    @property
    def returns(self) -> tuple[str, ...]:
        """The types of the outputs, by slot."""
        types: tuple[str, ...] = self.cls.RETURN_TYPES
        return types

    def inputs(self) -> Iterator[NodeInput]:
        """The declared inputs. Asked anew each time: a choice may be the list of a folder's files."""
        declared = self.cls.INPUT_TYPES()
        for category in ("required", "optional"):
            for name, spec in declared.get(category, {}).items():
                yield NodeInput(name, spec[0], spec[1] if len(spec) > 1 else {}, category == "required")

    def hidden(self, node_id: str, graph: Mapping[str, Any]) -> dict[str, Any]:
        """The values that ComfyUI passes without a widget."""
        known = {"PROMPT": graph, "EXTRA_PNGINFO": None, "UNIQUE_ID": node_id}
        wanted = self.cls.INPUT_TYPES().get("hidden", {})
        return {name: known[kind] for name, kind in wanted.items() if kind in known}

    def own_check(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
        """Ask the class's ``VALIDATE_INPUTS``: the values it was shown, and its answer (True, False or a sentence)."""
        shown = {name: given[name] for name in self.checked_by_itself() if name in given}
        check = getattr(self.cls, "VALIDATE_INPUTS", None)
        return (shown, check(**shown)) if check is not None else ({}, True)

    def checked_by_itself(self) -> list[str]:
        """The inputs whose range and choices ComfyUI leaves to the class."""
        check = getattr(self.cls, "VALIDATE_INPUTS", None)
        return inspect.getfullargspec(check).args if check is not None else []


@dataclass(frozen=True, slots=True)
class LoadedNodes:
    """The ``NODE_CLASS_MAPPINGS`` and ``NODE_DISPLAY_NAME_MAPPINGS`` of all packages, merged."""

    classes: dict[str, type[Any]]
    display_names: dict[str, str]


def load_packages(folder: Path) -> LoadedNodes:
    """Load every package of a ``custom_nodes`` folder as ComfyUI does.

    A package that fails to import raises here: ComfyUI would start without its nodes and refuse every graph later.
    """
    loaded = LoadedNodes({}, {})
    for package in sorted(path for path in folder.iterdir() if (path / "__init__.py").is_file()):
        name = str(package).replace(".", "_x_")
        spec = importlib.util.spec_from_file_location(name, package / "__init__.py")
        if spec is None or spec.loader is None:
            raise ImportError(f"{package} is not a package")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        for cls in module.NODE_CLASS_MAPPINGS.values():
            cls.RELATIVE_PYTHON_MODULE = f"custom_nodes.{package.name}"
        loaded.classes.update(module.NODE_CLASS_MAPPINGS)
        loaded.display_names.update(getattr(module, "NODE_DISPLAY_NAME_MAPPINGS", {}))
    return loaded


def load_custom_nodes(folder: Path) -> dict[str, type[Any]]:
    """The classes of every package of a ``custom_nodes`` folder, by name."""
    return load_packages(folder).classes
