"""What must not stand in a graph that is kept and sent: keys, and paths of one machine.

ComfyUI writes the whole graph into every picture it saves, and a workflow's folder is shared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

_KEYS = {
    "an API key": re.compile(r"\b(sk-[A-Za-z0-9_-]{16,}|comfyui-[0-9a-f]{32,}|hf_[A-Za-z0-9]{20,}|gh[pousr]_\w{20,})"),
    "an access key": re.compile(r"\b(LTAI[A-Za-z0-9]{12,}|AKIA[A-Z0-9]{12,}|STS\.[A-Za-z0-9]{16,})"),
    "a token": re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}|\bBearer\s+[\w.~+/-]{16,}"),
    "an address with a password": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/@]+@"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
}
_SECRET_NAME = re.compile(r"(?i)(^|_)(api_?key|access_?key|secret|token|password|passwd|credentials?)($|_)")
_PATH = re.compile(r"(/[^/\s]+/|~/|[A-Za-z]:[\\/]|\\\\|file://)\S.*")


class Leak(msgspec.Struct, frozen=True):
    """Something that must not be kept; `place` names where it stands. What stands there is not repeated."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


def leaks_of(value: Any, place: str = "graph") -> list[Leak]:
    """Keys and tokens in any text of `value`, which is decoded JSON of any form."""
    return [Leak(where, what) for where, text in _texts(value, place) if (what := _secret(where, text))]


def paths_of(graph: Mapping[str, Any]) -> list[Leak]:
    """Inputs of an API graph whose whole value is a path of the machine it was made on."""
    return [
        Leak(f"node {node_id} ({_title(node)}).{name}", "a path of the machine it was drawn on; the server has others")
        for node_id, node in graph.items()
        for name, value in node["inputs"].items()
        if isinstance(value, str) and "\n" not in value and _PATH.fullmatch(value)
    ]


def _title(node: Mapping[str, Any]) -> str:
    return str((node.get("_meta") or {}).get("title") or node["class_type"])


def _secret(place: str, text: str) -> str:
    for what, pattern in _KEYS.items():
        if pattern.search(text):
            return what
    named = _SECRET_NAME.search(place.rpartition(".")[2])
    return "a value in a field for secrets" if named and text and text != "none" else ""


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    waiting: list[tuple[str, Any]] = [(place, value)]
    while waiting:
        where, inner = waiting.pop()
        if isinstance(inner, str):
            yield where, inner
        elif isinstance(inner, Mapping):
            waiting += [(f"{where}.{key}", each) for key, each in inner.items()]
        elif isinstance(inner, list):
            waiting += [(f"{where}[{number}]", each) for number, each in enumerate(inner)]
