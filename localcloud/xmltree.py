"""The XML that OSS and SMQ speak: written from nested pairs, read without namespaces."""

from __future__ import annotations

# expat bounds entity expansion since 2.4.1 and never fetches anything, so the standard parser is safe here.
from xml.etree import ElementTree
from xml.sax.saxutils import escape

#: An element's name and its content: text, a number, or child elements.
Node = tuple[str, "str | int | list[Node]"]


class NotXmlError(ValueError):
    """The bytes are no well-formed XML document, or not the one that was expected."""


def render(name: str, content: list[Node], *, namespace: str = "") -> bytes:
    """One XML document in UTF-8 with `name` as its root."""
    opening = f'{name} xmlns="{namespace}"' if namespace else name
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{opening}>{_inner(content)}</{name}>'
    return text.encode("utf-8", "replace")


def parse(body: bytes, root: str) -> ElementTree.Element:
    """Read a document whose root is `root`; every tag loses its namespace. Raises `NotXmlError`."""
    try:
        tree = ElementTree.fromstring(body)  # noqa: S314
    except ElementTree.ParseError:
        raise NotXmlError("not well-formed") from None
    for element in tree.iter():
        element.tag = element.tag.rpartition("}")[2]
    if tree.tag != root:
        raise NotXmlError(f"expected <{root}>")
    return tree


def _inner(content: str | int | list[Node]) -> str:
    if isinstance(content, list):
        return "".join(f"<{name}>{_inner(inner)}</{name}>" for name, inner in content)
    return escape(str(content))
