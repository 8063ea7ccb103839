"""A workflow as a picture: nodes with their values, typed slots and links in ComfyUI's colours, and what is filled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cli.drawing_backdrop import BACKGROUND, TITLE_HEIGHT, bounds_of, group_box, group_title, note
from cli.drawing_list import Box, Curve, Dot, Drawing, Item, Text, cut_text, text_width, wrap_text
from cli.layout import Place, drawn_places, layered_places
from shared.graphs.bindings import Bindings
from shared.graphs.check import is_link, title_of
from shared.graphs.dynamic_inputs import inputs_of
from shared.graphs.node_types import NodeTypes
from shared.graphs.widgets import is_linked_only

#: Slot and link colours of ComfyUI's dark palette; other types are grey, as there.
_KIND_COLOURS = {
    "CLIP": "#ffd500", "CLIP_VISION": "#a8dadc", "CLIP_VISION_OUTPUT": "#ad7452", "CONDITIONING": "#ffa931",
    "CONTROL_NET": "#6ee7b7", "IMAGE": "#64b5f6", "LATENT": "#ff9cf9", "MASK": "#81c784", "MODEL": "#b39ddb",
    "STYLE_MODEL": "#c2ffae", "VAE": "#ff6e6e", "NOISE": "#b0b0b0", "GUIDER": "#66ffff", "SAMPLER": "#ecb4b4",
    "SIGMAS": "#cdffcd", "TAESD": "#dcc274",
}  # fmt: skip
_OTHER_KIND = "#9aa5a5"
_BODY, _TITLE_BAR, _FIELD, _EDGE = "#34363b", "#27292d", "#22242a", "#15161a"
_TEXT, _FAINT, _BRIGHT = "#d5d7db", "#8f959e", "#ffffff"
_FILLED, _FILLED_FIELD, _OUTPUT = "#f2b84b", "#3a3222", "#4fc08d"

_SLOT, _ROW, _LINE, _PAD = 20.0, 25.0, 17.0, 10.0
_WIDTH, _WIDE = 270.0, 380.0
_MARGIN, _HEADER = 36.0, 74.0
_MOST_LINES, _FEWEST_LINES = 9, 2


@dataclass(frozen=True, slots=True)
class _Slot:
    name: str
    kind: str
    is_linked: bool = True


@dataclass(slots=True)
class _Row:
    """An input that has, or could have, a value of its own."""

    name: str
    value: str
    is_linked: bool
    kind: str
    parameter: str
    #: How many lines a long text gets below its name; 0 when it stands beside it.
    lines: int = 0


@dataclass(slots=True)
class _Card:
    """One node as it is drawn; `place` and the heights are settled last."""

    node_id: str
    title: str
    class_type: str
    inputs: list[_Slot]
    outputs: list[_Slot]
    rows: list[_Row]
    is_output: bool
    place: Place = field(default_factory=lambda: Place(0, 0))
    anchors: dict[str, float] = field(default_factory=dict)

    @property
    def width(self) -> float:
        return self.place.width

    @property
    def height(self) -> float:
        return self.place.height

    @property
    def needed(self) -> float:
        """The height that its slots, rows and lines take."""
        slots = max(len(self.inputs), len(self.outputs)) * _SLOT
        rows = sum(_ROW + (row.lines * _LINE + 6 if row.lines else 0) for row in self.rows)
        return TITLE_HEIGHT + 6 + slots + rows + (8 if self.rows else 4)


def draw_graph(
    graph: Mapping[str, Any], node_types: NodeTypes, *, editor: Any = None, bindings: Bindings | None = None
) -> Drawing:
    """Draw an API graph: where the editor's own file `editor` has its nodes, else in columns.

    With `bindings`, the inputs that are filled per trip carry their parameter's name, and the output node is marked.
    """
    kinds = _kinds_of_outputs(graph, node_types)
    cards = {node_id: _card(node_id, graph, node_types, kinds, bindings) for node_id in graph}
    saved = drawn_places(graph, editor, TITLE_HEIGHT) if editor is not None else None
    backdrop, titles = list[Item](), list[Item]()
    if saved:
        backdrop, titles = _place_as_drawn(cards, saved, editor)
    else:
        _place_in_columns(cards, graph)
    for card in cards.values():
        _set_anchors(card)
    painted = (item for card in cards.values() for item in _painted(card))
    items = [*backdrop, *_links(graph, cards, kinds), *titles, *painted]
    return _framed(items, len(graph), bindings)


def _kinds_of_outputs(graph: Mapping[str, Any], node_types: NodeTypes) -> dict[str, list[_Slot]]:
    """The output slots of every node; without node types, those that links come from."""
    found: dict[str, list[_Slot]] = {}
    for node_id, node in graph.items():
        node_type = node_types.get(node["class_type"])
        found[node_id] = [_Slot(each.name, each.kind) for each in node_type.outputs] if node_type is not None else []
    for node in graph.values():
        for value in node["inputs"].values():
            if is_link(value) and len(value) == 2 and value[0] in found and isinstance(value[1], int):
                slots = found[value[0]]
                slots += [_Slot(str(number), "*") for number in range(len(slots), min(value[1], 63) + 1)]
    return found


def _card(
    node_id: str,
    graph: Mapping[str, Any],
    node_types: NodeTypes,
    kinds: Mapping[str, list[_Slot]],
    bindings: Bindings | None,
) -> _Card:
    node = graph[node_id]
    node_type = node_types.get(node["class_type"])
    declared = inputs_of(node_type, node["inputs"]) if node_type is not None else {}
    bound = {(each.node, each.input): name for name, each in (bindings.parameters if bindings else {}).items()}
    inputs, rows = [], []
    for name in [*declared, *(name for name in node["inputs"] if name not in declared)]:
        value = node["inputs"].get(name)
        known = declared.get(name)
        kind = known.kind if known is not None else _kind_of(value, kinds)
        if is_linked_only(known) if known is not None else is_link(value):
            if is_link(value) or "." not in name:
                inputs.append(_Slot(name, kind, is_link(value)))
        elif name in node["inputs"]:
            text = "" if is_link(value) else _shown(value)
            rows.append(_Row(name, text, is_link(value), kind, bound.get((node_id, name), "")))
    title = title_of(node) or (node_type.display_name if node_type is not None else node["class_type"])
    is_output = bindings is not None and bindings.workflow.output_node == node_id
    return _Card(node_id, title, node["class_type"], inputs, kinds[node_id], rows, is_output)


def _kind_of(value: Any, kinds: Mapping[str, list[_Slot]]) -> str:
    if is_link(value) and len(value) == 2 and isinstance(value[1], int):
        slots = kinds.get(str(value[0]), [])
        return slots[value[1]].kind if 0 <= value[1] < len(slots) else "*"
    return "*"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


# --- where things stand


def _place_as_drawn(
    cards: Mapping[str, _Card], saved: Mapping[str, Place], editor: Any
) -> tuple[list[Item], list[Item]]:
    for node_id, card in cards.items():
        width = saved[node_id].width or _WIDTH
        _share_lines(card, width, saved[node_id].height)
        card.place = saved[node_id]._replace(width=width, height=card.needed)
    groups = [group for group in editor.get("groups") or [] if bounds_of(group) is not None]
    notes = [item for node in editor.get("nodes", []) for item in note(node)]
    return [group_box(group) for group in groups] + notes, [group_title(group) for group in groups]


def _place_in_columns(cards: Mapping[str, _Card], graph: Mapping[str, Any]) -> None:
    sizes = {}
    for node_id, card in cards.items():
        width = _WIDE if any(_lines_wanted(row, _WIDTH) for row in card.rows) else _WIDTH
        _share_lines(card, width, 0.0)
        sizes[node_id] = (width, card.needed)
    places = layered_places(graph, sizes)
    for node_id, card in cards.items():
        card.place = Place(places[node_id].x, places[node_id].y, *sizes[node_id])


def _share_lines(card: _Card, width: float, height: float) -> None:
    """Give each long text its lines, in turn, as long as there is room: at least a few, more in a tall node."""
    wanted = {row.name: _lines_wanted(row, width) for row in card.rows}
    for row in card.rows:
        row.lines = min(wanted[row.name], _FEWEST_LINES if height else _MOST_LINES)
    for row in card.rows:
        # A name that is a little too long is rather cut than let the node grow over what stands below it.
        if card.needed > height > 0 and wanted[row.name] == 1 and "\n" not in row.value:
            row.lines = 0
    hungry = [row for row in card.rows if row.lines < wanted[row.name]]
    while hungry and card.needed + _LINE <= height:
        row = hungry.pop(0)
        row.lines += 1
        hungry += [row] * (row.lines < wanted[row.name])


def _lines_wanted(row: _Row, width: float) -> int:
    """The lines that a value takes below its name; none when it fits beside it."""
    room = width - 2 * _PAD - 16
    label = text_width(row.parameter, 10.5, bold=True) + 16 if row.parameter else 0.0
    label += text_width(row.name, 11) + 10 if row.name != row.parameter else 0.0
    if "\n" not in row.value and text_width(row.value, 12) <= room - min(label, room * 0.75):
        return 0
    return len(wrap_text(row.value, 12, room, 99))


def _set_anchors(card: _Card) -> None:
    top = card.place.y + TITLE_HEIGHT + 6
    for number, slot in enumerate(card.inputs):
        card.anchors[slot.name] = top + number * _SLOT + _SLOT / 2
    y = top + max(len(card.inputs), len(card.outputs)) * _SLOT
    for row in card.rows:
        card.anchors[row.name] = y + _ROW / 2
        y += _ROW + (row.lines * _LINE + 6 if row.lines else 0)


def _output_y(card: _Card, slot: int) -> float:
    return card.place.y + TITLE_HEIGHT + 6 + slot * _SLOT + _SLOT / 2


# --- what is painted


def _colour(kind: str) -> str:
    return _KIND_COLOURS.get(kind.split(",")[0], _OTHER_KIND)


def _links(graph: Mapping[str, Any], cards: Mapping[str, _Card], kinds: Mapping[str, list[_Slot]]) -> Iterator[Item]:
    for node_id, node in graph.items():
        card = cards[node_id]
        for name, value in node["inputs"].items():
            if not (is_link(value) and len(value) == 2 and value[0] in cards and isinstance(value[1], int)):
                continue
            source = cards[value[0]]
            x0, y0 = source.place.x + source.width, _output_y(source, value[1])
            x1, y1 = card.place.x, card.anchors[name]
            reach = max(40.0, min(abs(x1 - x0) * 0.5, 220.0)) if x1 > x0 else 120.0 + abs(y1 - y0) * 0.1
            yield Curve(x0, y0, x1, y1, reach, _EDGE, 4.4)
            yield Curve(x0, y0, x1, y1, reach, _colour(_kind_of(value, kinds)), 2.4)


def _painted(card: _Card) -> Iterator[Item]:
    x, y, width = card.place.x, card.place.y, card.width
    edge, thickness = (_OUTPUT, 2.5) if card.is_output else (_EDGE, 1.2)
    yield Box(x, y, width, card.height, _BODY, 8, edge, thickness)
    inset = 1.4 if card.is_output else 0.6
    yield Box(x + inset, y + inset, width - 2 * inset, TITLE_HEIGHT - inset, _TITLE_BAR, 7)
    yield Box(x + inset, y + TITLE_HEIGHT - 8, width - 2 * inset, 8, _TITLE_BAR)
    number, badge = f"#{card.node_id}", "输出 output" if card.is_output else ""
    room = width - 2 * _PAD - text_width(number, 10) - 8
    if badge:
        badge_width = text_width(badge, 10.5) + 12
        room -= badge_width
        yield Box(x + width - badge_width - 8, y + 6, badge_width, 19, _OUTPUT, 9)
        yield Text(x + width - badge_width / 2 - 8, y + 19.5, badge, 10.5, "#10261b", bold=True, anchor="middle")
        yield Text(x + width - badge_width - 14, y + 19.5, number, 10, _FAINT, anchor="end")
    else:
        yield Text(x + width - _PAD, y + 19.5, number, 10, _FAINT, anchor="end")
    if card.title == card.class_type:
        yield Text(x + _PAD, y + 21, cut_text(card.title, 13, room, bold=True), 13, _BRIGHT, bold=True)
    else:
        yield Text(x + _PAD, y + 15.5, cut_text(card.title, 12.5, room, bold=True), 12.5, _BRIGHT, bold=True)
        yield Text(x + _PAD, y + 27.5, cut_text(card.class_type, 9.5, room), 9.5, _FAINT)
    yield from _slots(card)
    for row in card.rows:
        yield from _value(card, row)


def _slots(card: _Card) -> Iterator[Item]:
    x, width = card.place.x, card.width
    for slot in card.inputs:
        y, colour = card.anchors[slot.name], _colour(slot.kind)
        yield Dot(x, y, 4.6, colour if slot.is_linked else _BODY, _EDGE if slot.is_linked else colour)
        room = width * (0.55 if card.outputs else 0.9) - 14
        yield Text(x + 13, y + 4, cut_text(slot.name, 11.5, room), 11.5, _TEXT if slot.is_linked else _FAINT)
    for number, slot in enumerate(card.outputs):
        y = _output_y(card, number)
        yield Dot(x + width, y, 4.6, _colour(slot.kind), _EDGE)
        yield Text(x + width - 13, y + 4, cut_text(slot.name, 11.5, width * 0.45 - 14), 11.5, _TEXT, anchor="end")


def _value(card: _Card, row: _Row) -> Iterator[Item]:
    x, width, middle = card.place.x + _PAD, card.width - 2 * _PAD, card.anchors[row.name]
    top, height = middle - _ROW / 2 + 2, _ROW - 4 + (row.lines * _LINE + 6 if row.lines else 0)
    if row.is_linked:
        yield Dot(card.place.x, middle, 4.6, _colour(row.kind), _EDGE)
        yield Text(card.place.x + 13, middle + 4, cut_text(row.name, 11.5, width), 11.5, _TEXT)
        return
    is_filled = bool(row.parameter)
    yield Box(
        x, top, width, height, _FILLED_FIELD if is_filled else _FIELD, 6, _FILLED if is_filled else "#43464d", 1.2
    )
    left, room = x + 8, width - 16
    if is_filled:
        label = cut_text(row.parameter, 10.5, room * 0.5, bold=True)
        pill = text_width(label, 10.5, bold=True) + 12
        yield Box(left - 3, middle - 8, pill, 16, _FILLED, 8)
        yield Text(left - 3 + pill / 2, middle + 3.7, label, 10.5, "#2a1e05", bold=True, anchor="middle")
        left, room = left + pill + 4, room - pill - 4
    if row.parameter != row.name:
        name = cut_text(row.name, 11, room * (1.0 if row.lines else 0.75))
        yield Text(left, middle + 4, name, 11, _FAINT)
        room -= text_width(name, 11) + 10
    if row.lines:
        for number, line in enumerate(wrap_text(row.value, 12, width - 16, row.lines)):
            yield Text(x + 8, middle + _ROW / 2 + 11 + number * _LINE, line, 12, _TEXT)
    else:
        shown = cut_text(row.value, 12, max(room, 20)) if row.value else "—"
        yield Text(x + width - 8, middle + 4.3, shown, 12, _BRIGHT, anchor="end")


def _framed(items: list[Item], nodes: int, bindings: Bindings | None) -> Drawing:
    """Everything moved into the picture, below a line that says what it shows."""
    boxes = [item for item in items if isinstance(item, Box)]
    left, top = min((box.x for box in boxes), default=0.0), min((box.y for box in boxes), default=0.0)
    right = max((box.x + box.width for box in boxes), default=0.0)
    bottom = max((box.y + box.height for box in boxes), default=0.0)
    header = list(_header(nodes, bindings, max(right - left, 560.0)))
    shift_x, shift_y = _MARGIN - left, _MARGIN + (_HEADER if header else 0.0) - top
    moved = [_moved(item, shift_x, shift_y) for item in items]
    width = max(right - left, 560.0 if header else 0.0) + 2 * _MARGIN
    return Drawing(width, bottom + shift_y + _MARGIN, BACKGROUND, [*header, *moved])


def _header(nodes: int, bindings: Bindings | None, width: float) -> Iterator[Item]:
    if bindings is None:
        return
    about, filled = bindings.workflow, len(bindings.parameters)
    yield Text(_MARGIN, _MARGIN + 20, about.name, 24, _BRIGHT, bold=True)
    titles = "　".join(title for title in (about.title_zh, about.title_en) if title)
    yield Text(_MARGIN, _MARGIN + 43, cut_text(titles, 14, width * 0.6), 14, _FAINT)
    right = _MARGIN + width
    label = "参数 parameter"
    pill = text_width(label, 11, bold=True) + 16
    told = f"{nodes} 个节点 nodes · {filled} 项每次行程填写 filled per trip"
    yield Text(right, _MARGIN + 43, cut_text(told, 12, width * 0.5), 12, _FAINT, anchor="end")
    yield Box(right - pill, _MARGIN + 4, pill, 20, _FILLED, 10)
    yield Text(right - pill / 2, _MARGIN + 18, label, 11, "#2a1e05", bold=True, anchor="middle")


def _moved(item: Item, x: float, y: float) -> Item:
    if isinstance(item, Box):
        return Box(
            item.x + x, item.y + y, item.width, item.height, item.fill, item.radius, item.stroke, item.stroke_width
        )
    if isinstance(item, Dot):
        return Dot(item.x + x, item.y + y, item.radius, item.fill, item.stroke)
    if isinstance(item, Curve):
        return Curve(item.x0 + x, item.y0 + y, item.x1 + x, item.y1 + y, item.reach, item.stroke, item.width)
    return Text(item.x + x, item.y + y, item.content, item.size, item.fill, item.bold, item.anchor)
