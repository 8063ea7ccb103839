"""Graphs as designers hand them over: an editor's file, an API export, or a picture that ComfyUI saved."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.comfyui import read_server
from cli.workflow_checks import order_of
from shared.errors import InvalidInput
from shared.graphs.editor import classes_of, without_shown
from shared.graphs.editor_format import is_editor_graph
from shared.graphs.node_types import NodeTypes
from shared.graphs.snapshot import snapshot
from shared.workflows import SNAPSHOTS, node_types_of

_PNG = b"\x89PNG\r\n\x1a\n"
#: What of a node belongs to API format; a picture's copy also holds what the server remembered about it.
_NODE_KEYS = ("inputs", "class_type", "_meta")


@dataclass(frozen=True, slots=True)
class GraphSource:
    """A graph and what it was found in; `api` or `editor` may be None, not both."""

    form: str
    api: dict[str, Any] | None
    editor: dict[str, Any] | None

    def classes(self) -> frozenset[str]:
        """The node classes that a server needs for it. Raises `InvalidInput` for a broken editor graph."""
        if self.api is None:
            return classes_of(self.editor)
        return frozenset(str(node["class_type"]) for node in self.api.values())


def read_source(path: Path) -> GraphSource:
    """Read a file and find out which form its graph has. Raises `InvalidInput` when there is none in it."""
    data = path.read_bytes()
    if data.startswith(_PNG):
        return _from_picture(path)
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise InvalidInput(path.name, "JSON in UTF-8, or a PNG that ComfyUI saved") from None
    if is_editor_graph(content):
        return GraphSource("an editor's graph", None, content)
    if isinstance(content, dict) and isinstance(content.get("prompt"), dict) and "class_type" not in content["prompt"]:
        editor = ((content.get("extra_data") or {}).get("extra_pnginfo") or {}).get("workflow")
        return GraphSource("a request to /prompt", _api(content["prompt"], path), editor)
    return GraphSource("an API export", _api(content, path), None)


def _from_picture(path: Path) -> GraphSource:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            texts = dict(picture.info)
        found = {key: json.loads(texts[key]) for key in ("prompt", "workflow") if isinstance(texts.get(key), str)}
    except (UnidentifiedImageError, OSError, ValueError):
        raise InvalidInput(path.name, "a PNG that ComfyUI saved, with its graph unharmed") from None
    if not found:
        expected = "a PNG with its graph in it; this one has none (saved with --disable-metadata, or re-encoded)"
        raise InvalidInput(path.name, expected)
    api = _api(found["prompt"], path) if "prompt" in found else None
    editor = found.get("workflow")
    return GraphSource("a picture that ComfyUI saved", api, editor if is_editor_graph(editor) else None)


def _api(content: Any, path: Path) -> dict[str, Any]:
    if not isinstance(content, dict) or not content or not all(_is_node(node) for node in content.values()):
        raise InvalidInput(path.name, "a graph from ComfyUI: saved by its editor, or by “Export (API)” (导出 API)")
    return without_shown(
        {key: {name: node[name] for name in _NODE_KEYS if name in node} for key, node in content.items()}
    )


def _is_node(node: Any) -> bool:
    return isinstance(node, dict) and isinstance(node.get("class_type"), str) and isinstance(node.get("inputs"), dict)


def types_for(
    classes: frozenset[str], *, object_info: Path | None, url: str | None, folder: Path = SNAPSHOTS
) -> tuple[NodeTypes, str]:
    """The node types to read a graph with, and the ComfyUI version they are of ("" when that isn't known).

    Those of a file or of a running server when one is given, else the lowest shipped snapshot that has all classes.
    Raises `InvalidInput` when none has, with how to make one, and `ServerSilent` when the server doesn't answer.
    """
    if object_info is not None:
        named = re.search(r"\d+\.\d+\.\d+", object_info.stem)
        types = _without_files(NodeTypes.load(object_info), json.loads(object_info.read_bytes()), classes)
        return _having(classes, types, object_info.name), named[0] if named else ""
    if url is not None:
        server = read_server(url)
        types = _without_files(NodeTypes.load(server.object_info), server.object_info, classes)
        return _having(classes, types, url), server.version
    for version in shipped_versions(folder):
        types = node_types_of(version, folder)
        if all(name in types for name in classes):
            return types, version
    return _having(classes, shipped_types(folder), "this product's own snapshot"), ""


def _without_files(types: NodeTypes, object_info: Mapping[str, Any], classes: frozenset[str]) -> NodeTypes:
    """As a snapshot: a graph is judged, not whether one server happens to have its models and pictures."""
    return NodeTypes.load(json.loads(snapshot(object_info, [name for name in classes if name in types])))


def shipped_versions(folder: Path = SNAPSHOTS) -> list[str]:
    """The ComfyUI versions of the shipped snapshots, lowest first."""
    return sorted((path.stem.removeprefix("comfyui-") for path in folder.glob("comfyui-*.json")), key=order_of)


def shipped_types(folder: Path = SNAPSHOTS) -> NodeTypes:
    """The node types of the newest shipped snapshot."""
    versions = shipped_versions(folder)
    return node_types_of(versions[-1], folder) if versions else NodeTypes({})


def _having(classes: frozenset[str], types: NodeTypes, where: str) -> NodeTypes:
    lacking = sorted(name for name in classes if name not in types)
    if lacking:
        how = (
            "ask a ComfyUI that has them: --url http://127.0.0.1:8188, or --object-info with what its /object_info says"
        )
        raise InvalidInput("class_type", f"classes that {where} has; it lacks {', '.join(lacking)}; {how}")
    return types
