"""Which settings a function reads, found in its code: what it does not read it is not given, least of all a secret.

Followed from the handler: each name that a reached piece of code mentions is reached too, each property of
`shared.services.Services` that is asked for, and with it the settings named there. More may be found than a run reads,
never less, as long as settings are asked for by ``settings.<name>`` or by their name in quotes.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from shared.settings import Settings

_NAMES = frozenset(field.name for field in fields(Settings))
_OURS = ("shared", "functions")
_SERVICES = "shared.services"
#: Where the settings themselves are defined: every name stands there.
_NOT_FOLLOWED = frozenset({"shared.settings"})


@dataclass(frozen=True, slots=True)
class _Module:
    #: The code of each name that the module defines; `Services.<property>` too.
    pieces: dict[str, tuple[ast.AST, ...]]
    #: What names that come from elsewhere stand for: a module, or a module and a name in it.
    imported: dict[str, tuple[str, str]]


def settings_read(handler: str, folder: Path) -> frozenset[str]:
    """The variables of the settings that `handler` (``functions/trip_completed/index.handler``) may read.

    `folder` is the code's root. Raises `OSError` and `SyntaxError` for code that can't be read.
    """
    module, _, name = handler.replace("/", ".").rpartition(".")
    folder = (folder / module.partition(".")[0]).resolve().parent
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [(module, name)]
    while waiting:
        place = waiting.pop()
        if place not in seen and place[0] not in _NOT_FOLLOWED:
            seen.add(place)
            settings, mentioned = _piece(folder, *place)
            found |= settings
            waiting += mentioned
    return frozenset(Settings.variable(name) for name in found)


@cache
def _piece(folder: Path, module: str, name: str) -> tuple[frozenset[str], frozenset[tuple[str, str]]]:
    """The settings that stand in one piece of code, and the other pieces that it mentions."""
    source = _module(folder, module)
    pieces = source.pieces.get(name, ())
    settings = frozenset(setting for piece in pieces for setting in _settings_in(piece))
    return settings, frozenset(place for piece in pieces for place in _mentioned(piece, module, source))


def _settings_in(piece: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(piece):
        if isinstance(node, ast.Constant) and node.value in _NAMES:
            found.add(str(node.value))
        elif isinstance(node, ast.Attribute) and node.attr in _NAMES and _is_called(node.value, "settings"):
            found.add(node.attr)
    return found


def _mentioned(piece: ast.AST, module: str, source: _Module) -> list[tuple[str, str]]:
    """What the code refers to, as modules and names in them."""
    found = []
    for node in ast.walk(piece):
        if isinstance(node, ast.Name):
            found.append(source.imported.get(node.id, (module, node.id)))
        elif isinstance(node, ast.Attribute):
            if _is_called(node.value, "services") or (module == _SERVICES and _is_called(node.value, "self")):
                found.append((_SERVICES, f"Services.{node.attr}"))
            elif isinstance(node.value, ast.Name) and node.value.id in source.imported:
                found.append((".".join(filter(None, source.imported[node.value.id])), node.attr))
    return found


def _is_called(node: ast.AST, name: str) -> bool:
    return getattr(node, "id", None) == name or getattr(node, "attr", None) == name


@cache
def _module(folder: Path, name: str) -> _Module:
    path = folder.joinpath(*name.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if name.split(".")[0] not in _OURS or not file.exists():
        return _Module({}, {})
    tree = ast.parse(file.read_text("utf-8"), str(file))
    imported = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    pieces: dict[str, tuple[ast.AST, ...]] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and name == _SERVICES and node.name == "Services":
            pieces |= {f"Services.{each.name}": (each,) for each in node.body if isinstance(each, ast.FunctionDef)}
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            pieces[node.name] = (node,)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            pieces |= {each.id: (node,) for each in targets if isinstance(each, ast.Name)}
    return _Module(pieces, imported)
