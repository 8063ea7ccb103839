"""ComfyUI's editor format into API format, as the editor's own "Export (API)" does it.

The editor saves what it draws: boxes, wires, positions, values in the order of the widgets. The server takes a map of
node ids to class and named inputs. In between the editor leaves out muted nodes, wires around bypassed ones, resolves
its own nodes (Reroute, PrimitiveNode, notes) and unfolds subgraphs, whose nodes get ids such as ``5:2``. These are the
rules of comfyui-frontend-package 1.27.10 to 1.58.1, held against pairs that those editors exported; where they changed,
the version in the file decides, and a file without one is read as the newest would.

Left out on purpose: inputs that a class does not declare and the editor shows by itself (the preview of `PreviewAny`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.errors import InvalidInput
from shared.graphs import widgets
from shared.graphs.editor_format import Document, Graph, Link, Node, Port, Slot, links_of, read_document
from shared.graphs.node_types import InputType, NodeType, NodeTypes

_MUTED, _BYPASSED = 2, 4
#: Front ends since when a muted or bypassed subgraph's nodes are left out, a muted node's link leaves the input's own
#: value, and a value shown at a subgraph's node stays there when something is linked to it.
_HOSTS_HIDE, _MUTED_IS_NOTHING, _HOSTS_KEEP = (1, 39), (1, 41), (1, 46)
_REROUTE, _PRIMITIVE = "Reroute", "PrimitiveNode"
#: Nodes that only the editor knows.
EDITOR_ONLY = frozenset((_REROUTE, _PRIMITIVE, "Note", "MarkdownNote"))
_SUBGRAPH_INPUTS = "-10"
#: Inputs by class that the editor shows and exports, but that the class does not declare: the server ignores them.
_SHOWN = {"PreviewAny": ("preview", "previewMode")}


def classes_of(editor: Any) -> frozenset[str]:
    """The node classes that the server has to know: those of nodes that are neither muted nor bypassed.

    Raises `InvalidInput` when `editor` is not a graph as the editor saves it.
    """
    flat = _Flattening(read_document(editor), NodeTypes({}))
    return frozenset(node.type for _, node in flat.running(flat.root))


def to_api(editor: Any, node_types: NodeTypes) -> dict[str, Any]:
    """The API graph of a graph that the editor saved or exported (versions 0.4 and 1), with titles in ``_meta``.

    Raises `InvalidInput`, naming the node, for a graph that is broken, uses classes that `node_types` lacks, or that
    the editor would export differently each time.
    """
    flat = _Flattening(read_document(editor), node_types)
    unknown = sorted({node.type for _, node in flat.running(flat.root) if node.type not in node_types})
    if unknown:
        raise InvalidInput("class_type", f"classes among the node types; these are not: {', '.join(unknown)}")
    flat.settle()
    graph = {flat.id_of(place, node): flat.entry(place, node) for place, node in flat.running(flat.root)}
    for entry in graph.values():
        entry["inputs"] = {
            name: value for name, value in entry["inputs"].items() if not isinstance(value, list) or value[0] in graph
        }
    whole = sorted((key for key in graph if key.isdecimal()), key=int)
    return {key: graph[key] for key in [*whole, *(key for key in graph if not key.isdecimal())]}


def without_shown(graph: Mapping[str, Any]) -> dict[str, Any]:
    """An API graph without the inputs in which the editor only shows something, as `to_api` leaves them out."""
    return {
        node_id: {**node, "inputs": {name: node["inputs"][name] for name in node["inputs"] if name not in shown}}
        for node_id, node in graph.items()
        for shown in [_SHOWN.get(node["class_type"], ())]
    }


@dataclass(slots=True)
class _Place:
    """One graph in use: the document itself, or a subgraph at one of the nodes that stand for it."""

    graph: Graph
    path: tuple[str, ...]
    host: Node | None
    parent: _Place | None
    nodes: dict[str, Node]
    links: dict[str, Link]
    inside: dict[str, _Place] = field(default_factory=dict)
    #: Per node, its values by input name; for a subgraph's node, the values of the inputs that show a widget.
    values: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class _Flattening:
    document: Document
    node_types: NodeTypes
    root: _Place = field(init=False)
    _subgraphs: dict[str, Graph] = field(init=False)

    def __post_init__(self) -> None:
        definitions = self.document.definitions
        self._subgraphs = {graph.id: graph for graph in (definitions.subgraphs if definitions else None) or ()}
        self.root = self._placed(self.document, (), None, None)

    def _placed(self, graph: Graph, path: tuple[str, ...], host: Node | None, parent: _Place | None) -> _Place:
        place = _Place(graph, path, host, parent, {node.key: node for node in graph.nodes}, dict(links_of(graph)))
        above: _Place | None = place
        while above := above.parent if above else None:
            if above.graph is graph:
                raise InvalidInput(f"node {':'.join(path)}", f"subgraphs that don't contain themselves ({graph.name})")
        for node in graph.nodes:
            if node.type in self._subgraphs:
                place.inside[node.key] = self._placed(self._subgraphs[node.type], (*path, node.key), node, place)
            elif node.type.startswith(("workflow>", "workflow/")):
                raise InvalidInput(_name(place, node), "no group node; convert it to a subgraph")
        return place

    def places(self) -> Iterator[_Place]:
        """The document's own graph, then every subgraph in use; outer ones before what is in them."""
        waiting = [self.root]
        while waiting:
            place = waiting.pop(0)
            yield place
            waiting += place.inside.values()

    def running(self, place: _Place) -> Iterator[tuple[_Place, Node]]:
        """The nodes that are exported, in the editor's order: by execution outside, as drawn in subgraphs."""
        for node in sorted(place.nodes.values(), key=lambda node: node.order if place is self.root else 0):
            if node.key in place.inside:
                if node.mode not in (_MUTED, _BYPASSED) or not self._since(_HOSTS_HIDE):
                    yield from self.running(place.inside[node.key])
            elif self.runs(node):
                yield place, node

    def _since(self, version: tuple[int, ...]) -> bool:
        """Whether the file is of a front end of that version or newer."""
        return not self.document.front_end or self.document.front_end >= version

    def is_real(self, node: Node) -> bool:
        return node.type not in EDITOR_ONLY and node.type not in self._subgraphs

    def runs(self, node: Node) -> bool:
        return self.is_real(node) and node.mode not in (_MUTED, _BYPASSED)

    def _type(self, node: Node) -> NodeType | None:
        return self.node_types.get(node.type)

    def _declared(self, node: Node, name: str, values: Mapping[str, Any]) -> InputType | None:
        node_type = self._type(node)
        if node_type is None:
            return None
        if name in node_type.inputs:
            return node_type.inputs[name]
        choice = node_type.inputs.get(name.rpartition(".")[0])
        inner = widgets.inputs_of_choice(choice, values.get(choice.name)) if choice else []
        return next((each for each in inner if each.name == name), None)

    # --- values

    def settle(self) -> None:
        """Read every node's values, inside first, then let PrimitiveNodes and subgraphs' own widgets write theirs."""
        places = list(self.places())
        for place in reversed(places):
            for node in place.nodes.values():
                node_type = self._type(node)
                if node_type is not None and self.is_real(node):
                    place.values[node.key] = widgets.read_values(node_type, node.widgets_values)
            for key, inner in place.inside.items():
                place.values[key] = self._shown_values(place.nodes[key], inner)
        for place in places:
            for node in place.nodes.values():
                if node.type == _PRIMITIVE:
                    self._write_primitive(place, node)
            for key, inner in place.inside.items():
                if not self._since(_HOSTS_KEEP):
                    self._pass_in(place.values[key], inner)

    def _shown_values(self, host: Node, inner: _Place) -> dict[str, Any]:
        """The values of a subgraph's node: those of the widgets behind its inputs, unless it has saved its own."""
        values = {}
        for port in inner.graph.inputs or ():
            for node, name in _targets(inner, port):
                if name in inner.values.get(node.key, {}):
                    values[port.name] = inner.values[node.key][name]
                    break
        saved = host.widgets_values if isinstance(host.widgets_values, list) else []
        values.update(zip(values, saved, strict=False))
        shown = (host.properties or {}).get("proxyWidgets")
        for entry, value in zip(shown if isinstance(shown, list) else [], saved, strict=False):
            if value is not None and isinstance(entry, list) and entry[:1] == ["-1"]:
                values.update({name: value for name in values if [name] == entry[1:2]})
        return values

    def _pass_in(self, values: Mapping[str, Any], inner: _Place) -> None:
        for port in inner.graph.inputs or ():
            if port.name in values:
                for node, name in _targets(inner, port):
                    if name in inner.values.get(node.key, {}):
                        inner.values[node.key][name] = values[port.name]

    def _write_primitive(self, place: _Place, primitive: Node) -> None:
        if not isinstance(primitive.widgets_values, list) or not primitive.widgets_values:
            return
        value = primitive.widgets_values[0]
        if isinstance(value, str) and value and (primitive.properties or {}).get("Run widget replace on values"):
            value = widgets.written_name(value, self._look_up, _name(place, primitive))
        for link in place.links.values():
            target = place.nodes.get(str(link.target_id))
            if str(link.origin_id) != primitive.key or target is None:
                continue
            name = next((slot.name for slot in target.inputs or () if str(slot.link) == str(link.id)), None)
            values = place.values.get(target.key, {})
            if name is not None and name in values:
                values[name] = widgets.as_entered(self._declared(target, name, values), value)

    def _look_up(self, node_name: str, widget: str) -> Any:
        nodes = [(place, node) for place in self.places() for node in place.nodes.values()]
        found = [pair for pair in nodes if (pair[1].properties or {}).get("Node name for S&R") == node_name]
        for place, node in found or [pair for pair in nodes if self.title_of(pair[1]) == node_name]:
            return place.values.get(node.key, {}).get(widget)
        return None

    # --- what is exported

    def id_of(self, place: _Place, node: Node) -> str:
        return ":".join((*place.path, node.key))

    def title_of(self, node: Node) -> str:
        node_type = self._type(node)
        return node.title or (node_type.display_name if node_type else node.type)

    def entry(self, place: _Place, node: Node) -> dict[str, Any]:
        """One node in API format; links may still lead to nodes that are left out."""
        inputs: dict[str, Any] = {}
        values = place.values[node.key]
        for name, value in values.items():
            where = f"{_name(place, node)}.{name}"
            if isinstance(value, str) and widgets.expands_prompt(self._declared(node, name, values)):
                value = widgets.written_prompt(value, where)
            elif isinstance(value, str) and widgets.expands_names(node.type, name):
                value = widgets.written_name(value, self._look_up, where)
            inputs[name] = widgets.for_api(value)
        for slot in node.inputs or ():
            if slot.link is not None:
                origin = self._origin(place, node, slot, _kind(slot), frozenset())
                if origin is not None:
                    inputs[slot.name] = origin if isinstance(origin, list) else widgets.for_api(origin.value)
        return {"inputs": inputs, "class_type": node.type, "_meta": {"title": self.title_of(node)}}

    def _origin(
        self, place: _Place, node: Node, slot: Slot, kind: str, seen: frozenset[tuple[int, str, str]]
    ) -> list[Any] | _Value | None:
        """Where an input gets its value from: the link ``[node id, slot]``, a value, or nothing."""
        if slot.link is None:
            return None
        step = (id(place), node.key, str(slot.link))
        if step in seen:
            raise InvalidInput(_name(place, node), "links that don't go round in a circle")
        link = place.links.get(str(slot.link))
        if link is None:
            raise InvalidInput(f"{_name(place, node)}.{slot.name}", f"a link that exists, got {slot.link}")
        if str(link.origin_id) == _SUBGRAPH_INPUTS and place.host is not None and place.parent is not None:
            ports = place.graph.inputs or []
            if not 0 <= link.origin_slot < len(ports):
                raise InvalidInput(_name(place, node), f"an input that the subgraph has, got {link.origin_slot}")
            name = ports[link.origin_slot].name
            outer = next((each for each in place.host.inputs or () if each.name == name), None)
            if outer is not None and outer.link is not None:
                return self._origin(place.parent, place.host, outer, _kind(outer), seen | {step})
            values = place.parent.values[place.host.key]
            return _Value(values[name]) if name in values else None
        source = place.nodes.get(str(link.origin_id))
        if source is None:
            raise InvalidInput(
                f"{_name(place, node)}.{slot.name}", f"a link from a node that exists, got {link.origin_id}"
            )
        return self._behind(place, source, link.origin_slot, kind, seen | {step})

    def _behind(
        self, place: _Place, node: Node, slot: int, kind: str, seen: frozenset[tuple[int, str, str]]
    ) -> list[Any] | _Value | None:
        """What stands behind an output: the node itself, or what a bypassed or editor's own node passes on."""
        if node.mode == _MUTED and self._since(_MUTED_IS_NOTHING):
            return None
        if node.mode == _BYPASSED:
            passed = self._passed_on(place, node, slot, kind)
            return None if passed is None else self._origin(place, node, passed, _kind(passed), seen)
        if node.key in place.inside:
            inner = place.inside[node.key]
            ports = inner.graph.outputs or []
            if not 0 <= slot < len(ports):
                raise InvalidInput(_name(place, node), f"an output that the subgraph has, got {slot}")
            link = next((inner.links[str(key)] for key in ports[slot].linkIds or () if str(key) in inner.links), None)
            source = inner.nodes.get(str(link.origin_id)) if link else None
            if link is not None and source is None and str(link.origin_id) == _SUBGRAPH_INPUTS:
                raise InvalidInput(_name(place, node), "a subgraph whose outputs come from nodes, not from its inputs")
            return self._behind(inner, source, link.origin_slot, kind, seen) if link and source else None
        if node.type in EDITOR_ONLY:
            inputs = node.inputs or []
            return self._origin(place, node, inputs[slot], kind, seen) if 0 <= slot < len(inputs) else None
        return [self.id_of(place, node), slot]

    def _passed_on(self, place: _Place, node: Node, slot: int, kind: str) -> Slot | None:
        """The input that a bypassed node passes on: at the same position if its type fits, else the first that fits."""
        slots = self._slots(place, node)
        outputs = node.outputs or []
        if not slots or not 0 <= slot < len(outputs):
            return None
        if kind in ("*", ""):
            return slots[slot] if slot < len(slots) else slots[0]
        given = _kind(outputs[slot])
        fitting = [each for each in slots if _fit(_kind(each), given) and _fit(_kind(each), kind)]
        if slot < len(slots) and slots[slot] in fitting:
            return slots[slot]
        exact = next((each for each in slots if _kind(each) == kind), None)
        return exact or next(iter(fitting), None)

    def _slots(self, place: _Place, node: Node) -> list[Slot]:
        """A node's input slots in the editor's order; a saved graph leaves out those of widgets without a link."""
        saved = {slot.name: slot for slot in node.inputs or ()}
        node_type = self._type(node)
        if node.key in place.inside:
            declared = [(port.name, "*") for port in place.inside[node.key].graph.inputs or ()]
        elif node_type is None:
            return list(saved.values())
        else:
            declared = widgets.slots_of(node_type, place.values.get(node.key, {}))
        names = {name for name, _ in declared}
        found = []
        for name, kind in declared:
            known = saved.get(name)
            if known is not None and (kind == "*" or kind.startswith("COMFY_")):
                kind = _kind(known)
            found.append(Slot(name, kind, known.link if known else None))
        return [*found, *(slot for slot in saved.values() if slot.name not in names)]


@dataclass(frozen=True, slots=True)
class _Value:
    """A value that a subgraph's node shows, in place of a link."""

    value: Any


def _targets(place: _Place, port: Port) -> Iterator[tuple[Node, str]]:
    """The inputs inside a subgraph that one of its own inputs leads to."""
    for key in port.linkIds or ():
        link = place.links.get(str(key))
        node = place.nodes.get(str(link.target_id)) if link else None
        for slot in (node.inputs or ()) if node else ():
            if node is not None and str(slot.link) == str(key):
                yield node, slot.name


def _kind(slot: Slot) -> str:
    return slot.type if isinstance(slot.type, str) else "COMBO" if isinstance(slot.type, list) else "*"


def _fit(one: str, other: str) -> bool:
    if one in ("*", "", "0") or other in ("*", "", "0"):
        return True
    return not {part.lower() for part in one.split(",")}.isdisjoint(part.lower() for part in other.split(","))


def _name(place: _Place, node: Node) -> str:
    number = ":".join((*place.path, node.key))
    return f"node {number} ({node.title or node.type})"
