"""What an entry needs: the project's modules that it can reach, and the names that these import from elsewhere.

Read from the source, imports inside functions included: SDKs are imported where they are used, long after the start.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cli.packaging.locking import PackagingError

#: The project's own packages that may be deployed.
OURS = ("functions", "processes", "shared")


@dataclass(frozen=True, slots=True)
class Reach:
    """`files` are the project's, relative to it; `imports` the first names of what is imported from elsewhere."""

    files: frozenset[Path]
    imports: frozenset[str]


def reach_of(project: Path, entries: list[Path]) -> Reach:
    """Follow the imports of `entries`, files inside the project. Raises `PackagingError` for one that is not there."""
    files: set[Path] = set()
    outside: set[str] = set()
    to_do = list(entries)
    while to_do:
        file = to_do.pop()
        if file in files:
            continue
        files.add(file)
        try:
            tree = ast.parse((project / file).read_bytes())
        except OSError as error:
            raise PackagingError(f"{file}: {error.strerror}") from None
        for module in _imported(tree, file.parent.parts):
            first = module.partition(".")[0]
            if first in OURS:
                to_do += _files_of(project, module)
            elif first not in sys.stdlib_module_names:
                outside.add(first)
    return Reach(frozenset(files), frozenset(outside))


def _imported(node: ast.AST, package: tuple[str, ...]) -> Iterator[str]:
    """Every module that may be imported when this runs; ``from a import b`` names a.b too, which may be one."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield from _imported(other, package)
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            around = package[: len(package) + 1 - child.level] if child.level else ()
            module = ".".join((*around, *filter(None, (child.module,))))
            yield module
            yield from (f"{module}.{alias.name}" for alias in child.names)
        yield from _imported(child, package)


def _files_of(project: Path, module: str) -> Iterator[Path]:
    """The file of a module and those of the packages around it; none for a name that is no module."""
    place = Path()
    for part in module.split("."):
        place /= part
        for file in (place / "__init__.py", place.with_suffix(".py")):
            if (project / file).is_file():
                yield file
                break
