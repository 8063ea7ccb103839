"""What stands behind the nodes of a drawing: the editor's groups, and the notes that designers leave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cli.drawing_list import Box, Item, Text, cut_text, wrap_text
from cli.layout import drawn_places

BACKGROUND = "#1e1f22"
#: Height of a node's title bar, which the editor draws above the position that it saves.
TITLE_HEIGHT = 32.0
_NOTE_BODY, _NOTE_TITLE = "#4a4530", "#3b3726"


def _mixed(colour: str, ground: str, share: float) -> str:
    pairs = zip(bytes.fromhex(colour[1:]), bytes.fromhex(ground[1:]), strict=True)
    return "#" + bytes(round(one * share + other * (1 - share)) for one, other in pairs).hex()


def bounds_of(group: Any) -> list[float] | None:
    """Left, top, width and height of a group as the editor saves it; None when that is broken."""
    bounds = group.get("bounding") if isinstance(group, dict) else None
    if isinstance(bounds, list) and len(bounds) == 4 and all(isinstance(each, (int, float)) for each in bounds):
        return bounds
    return None


def _group_colour(group: Any) -> str:
    colour = str(group.get("color") or "")
    return colour if len(colour) == 7 and colour[0] == "#" and _is_hex(colour[1:]) else "#3f789e"


def group_box(group: Any) -> Item:
    """A group's field in its own colour, dimmed."""
    x, y, width, height = bounds_of(group) or (0, 0, 0, 0)
    colour = _group_colour(group)
    fill, edge = _mixed(colour, BACKGROUND, 0.2), _mixed(colour, BACKGROUND, 0.55)
    return Box(x, y, width, height, fill, 10, edge, 1.2)


def group_title(group: Any) -> Item:
    """A group's title, painted above the links that cross it."""
    x, y, width, _ = bounds_of(group) or (0, 0, 0, 0)
    title = cut_text(str(group.get("title") or ""), 17, width - 24, bold=True)
    return Text(x + 12, y + 26, title, 17, _mixed(_group_colour(group), "#ffffff", 0.45), bold=True)


def _is_hex(text: str) -> bool:
    return all(char in "0123456789abcdefABCDEF" for char in text)


def note(node: Any) -> Iterator[Item]:
    """What a designer wrote beside the graph."""
    if node.get("type") not in ("Note", "MarkdownNote"):
        return
    places = drawn_places({str(node.get("id")): node}, {"nodes": [node]}, TITLE_HEIGHT)
    values = node.get("widgets_values")
    if places is None or not isinstance(values, list) or not values:
        return
    place = next(iter(places.values()))
    width, height = max(place.width, 140.0), max(place.height, 70.0)
    yield Box(place.x, place.y, width, height, _NOTE_BODY, 8, "#15161a", 1.2)
    yield Box(place.x + 0.6, place.y + 0.6, width - 1.2, TITLE_HEIGHT - 8, _NOTE_TITLE, 7)
    title = str(node.get("title") or "注 Note")
    yield Text(place.x + 10.0, place.y + 17, cut_text(title, 12, width - 20, bold=True), 12, "#ffffff", bold=True)
    lines = wrap_text(str(values[0]), 12, width - 20, int((height - TITLE_HEIGHT) // 17.0))
    for number, line in enumerate(lines):
        yield Text(place.x + 10.0, place.y + TITLE_HEIGHT + 8 + number * 17.0, line, 12, "#d5d7db")
