"""Where the nodes of a graph stand in a drawing: as in the editor, or in columns along the links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from shared.graphs.check import is_link

_COLUMN_GAP, _ROW_GAP = 110.0, 46.0
_SWEEPS = 6


class Place(NamedTuple):
    """The upper left corner of a node with its title bar, and the size that the editor gave it (0 where unknown)."""

    x: float
    y: float
    width: float = 0.0
    height: float = 0.0


def drawn_places(graph: Mapping[str, Any], editor: Any, title_height: float) -> dict[str, Place] | None:
    """The places that the editor saved; None when it has none for some node, as for those within subgraphs."""
    places: dict[str, Place] = {}
    for node in editor.get("nodes", []) if isinstance(editor, dict) else []:
        pair, size = _pair(node.get("pos")), _pair(node.get("size"))
        if pair is not None:
            width, height = size or (0.0, 0.0)
            places[str(node.get("id"))] = Place(pair[0], pair[1] - title_height, width, height + title_height)
    return {node_id: places[node_id] for node_id in graph} if graph.keys() <= places.keys() else None


def _pair(value: Any) -> tuple[float, float] | None:
    """Two numbers as the editor saves them: a list, or an object with the keys 0 and 1."""
    if isinstance(value, dict):
        value = [value.get("0"), value.get("1")]
    if isinstance(value, list) and len(value) >= 2 and all(isinstance(each, (int, float)) for each in value[:2]):
        return float(value[0]), float(value[1])
    return None


def layered_places(graph: Mapping[str, Any], sizes: Mapping[str, tuple[float, float]]) -> dict[str, Place]:
    """Columns from left to right, each node just before the first that needs it, with few crossings.

    `sizes` are widths and heights. A link that leads back (a cycle) is drawn, but not counted.
    """
    sources = {
        node_id: [value[0] for value in node["inputs"].values() if is_link(value) and value and value[0] in graph]
        for node_id, node in graph.items()
    }
    users: dict[str, list[str]] = {node_id: [] for node_id in graph}
    for node_id, before in sources.items():
        for source in before:
            users[source].append(node_id)
    columns = _columns(graph, users)
    for sweep in range(_SWEEPS):
        order = {node_id: row for column in columns for row, node_id in enumerate(column)}
        neighbours = sources if sweep % 2 == 0 else users
        for column in columns if sweep % 2 == 0 else reversed(columns):
            column.sort(key=lambda node_id: _mean([order[each] for each in neighbours[node_id]], order[node_id]))
            order.update({node_id: row for row, node_id in enumerate(column)})
    return _stacked(columns, sizes)


def _columns(graph: Mapping[str, Any], users: Mapping[str, list[str]]) -> list[list[str]]:
    depth: dict[str, int] = {}

    def distance(node_id: str, path: frozenset[str]) -> int:
        if node_id not in depth:
            after = [user for user in users[node_id] if user not in path]
            depth[node_id] = max((distance(user, path | {node_id}) + 1 for user in after), default=0)
        return depth[node_id]

    for node_id in graph:
        distance(node_id, frozenset((node_id,)))
    deepest = max(depth.values(), default=0)
    columns: list[list[str]] = [[] for _ in range(deepest + 1)]
    for node_id in graph:
        columns[deepest - depth[node_id]].append(node_id)
    return columns


def _mean(rows: list[int], otherwise: float) -> float:
    return sum(rows) / len(rows) if rows else otherwise


def _stacked(columns: list[list[str]], sizes: Mapping[str, tuple[float, float]]) -> dict[str, Place]:
    heights = [sum(sizes[each][1] + _ROW_GAP for each in column) for column in columns]
    tallest, x = max(heights, default=0.0), 0.0
    places = {}
    for column, height in zip(columns, heights, strict=True):
        y = (tallest - height) / 2
        for node_id in column:
            places[node_id] = Place(x, y)
            y += sizes[node_id][1] + _ROW_GAP
        x += max(sizes[node_id][0] for node_id in column) + _COLUMN_GAP
    return places
