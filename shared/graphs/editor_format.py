"""What ComfyUI's editor saves, as far as it matters: nodes, links and subgraphs, in its versions 0.4 and 1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from shared.errors import InvalidInput


class Slot(msgspec.Struct, frozen=True):
    """An input or output of a node; `link` is what leads into an input."""

    name: str = ""
    type: Any = "*"
    link: int | str | None = None


class Node(msgspec.Struct, frozen=True):
    """A node as drawn; `mode` 0 runs, 2 is muted, 4 is bypassed."""

    id: int | str
    type: str
    title: str | None = None
    mode: int = 0
    order: int = 0
    inputs: list[Slot] | None = None
    outputs: list[Slot] | None = None
    widgets_values: Any = None
    properties: dict[str, Any] | None = None

    @property
    def key(self) -> str:
        """The id, as links and API format spell it."""

        return str(self.id)


class Link(msgspec.Struct, frozen=True):
    """A wire from an output to an input; inside a subgraph -10 and -20 stand for its own inputs and outputs."""

    id: int | str
    origin_id: int | str
    origin_slot: int
    target_id: int | str
    target_slot: int


class Port(msgspec.Struct, frozen=True):
    """An input or output of a subgraph, with the links that lead to it inside."""

    name: str
    linkIds: list[int | str] | None = None  # noqa: N815  (the editor's spelling)


class Graph(msgspec.Struct, frozen=True):
    """The graph of a document, or the definition of a subgraph."""

    nodes: list[Node]
    links: list[Link | list[Any] | None] = []
    inputs: list[Port] | None = None
    outputs: list[Port] | None = None
    id: str = ""
    name: str = ""


class Definitions(msgspec.Struct, frozen=True):
    """The subgraphs that a document brings."""

    subgraphs: list[Graph] | None = None


class Document(Graph, frozen=True):
    """A whole saved file."""

    definitions: Definitions | None = None
    extra: dict[str, Any] | None = None

    @property
    def front_end(self) -> tuple[int, ...]:
        """The version of the front end that exported the file; empty when it only saved it, and then it isn't known."""
        version = (self.extra or {}).get("frontendVersion")
        parts = version.split(".") if isinstance(version, str) else []
        return tuple(int(part) for part in parts) if all(part.isascii() and part.isdigit() for part in parts) else ()


def is_editor_graph(graph: Any) -> bool:
    """Whether this is what the editor saves, rather than API format."""
    return isinstance(graph, Mapping) and isinstance(graph.get("nodes"), list)


def read_document(editor: Any) -> Document:
    """Read a saved file. Raises `InvalidInput` when it is something else."""
    if not is_editor_graph(editor):
        raise InvalidInput("graph", "a graph as ComfyUI's editor saves it, with a list of nodes")
    try:
        return msgspec.convert(editor, Document)
    except msgspec.ValidationError as error:
        raise InvalidInput("graph", f"a graph as ComfyUI's editor saves it: {error}") from None


def links_of(graph: Graph) -> Iterator[tuple[str, Link]]:
    """The links of a graph by id, whichever way the file spells them. Raises `InvalidInput` for a broken one."""
    for link in graph.links:
        if isinstance(link, list):
            try:
                link = msgspec.convert(dict(zip(Link.__struct_fields__, link, strict=False)), Link)
            except msgspec.ValidationError as error:
                raise InvalidInput("links", f"[id, from node, from slot, to node, to slot, type]: {error}") from None
        if link is not None:
            yield str(link.id), link
