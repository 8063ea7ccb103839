"""One mutator for every fuzz target: real examples, bent in the ways that foreign bytes are wrong.

Two thirds of the cases are bent as trees (a type swapped, a member dropped, doubled, renamed or nested deep, a number
or text out of all bounds) and written out again; the rest, and some of those, are bent as bytes. All choices come from
the `random.Random` that is handed in, so that a seed gives the same cases again, and hypothesis can shrink them.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

#: Private content: no error text and no log line may hold it, whatever field it came in.
MARKER = "MARKER 王小明, 中山南路1891号"

#: Cases are cut off here: what is larger is a matter of memory, which has tests of its own.
MAX_CASE_BYTES = 256 * 1024

_HUGE_NUMBERS = (
    "1e308", "-1e308", "1e999", "NaN", "Infinity", "-Infinity", "-0", "-0.0", "1" + "0" * 400, "9" * 5000, "1e-400",
    "9223372036854775807", "9223372036854775808", "18446744073709551616", "-9223372036854775809", "2147483648",
    "0.1e1", "00", "1.", "0x10", "٣",
)  # fmt: skip
_TEXTS = (
    "", " ", "\0", "\n", "\ud800", "\udfff\ud800", "\ufeff", "\u202e反转\u202c", "مرحبا بالعالم", "👩‍👩‍👧‍👦🚗🏔️", "新司机的五一出游!",
    "e\u0301" * 40, "ﷺ" * 200, "㍿" * 300, "\u200b" * 50, "\n" * 400, "\t " * 300, "```json\n", "```" + "\n" * 500,
    "a-" * 400, "a." * 400, "1 " * 300, "1-" * 300, "京" + "-" * 300, "十百" * 200, "..", "../../etc/passwd", "a/b\\c",
    "true", "null", "[]", "{}", "{{", "%s%n", "{CITY}", "${x}", "<tag>&amp;", "</trip_facts>", "https://example.com/" + "x" * 300,
    "9" * 5000, "1e9", "-1", "٣", "²", "2024-02-30T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
    "2024-05-02T22:38:00", "2024-05-02T24:00:00+08:00", "7" * 70, "长" * 2000, "wwwwwwwwwwww", MARKER, MARKER * 3,
    "上海市", "无锡市", "湖州市", "output", "execution_error", "invalid_prompt", "SUCCEEDED", "[InvalidApiKey] no",
    "http://127.0.0.1:1/\ud800", "http://[::1", "//", "http://127.0.0.1:99999/", "http://127.0.0.1/pictures/1.png",
)  # fmt: skip
#: What the patterns that look for private things look for, in halves.
ODD_PIECES = (
    *_TEXTS, "1", "12", "a", "a.", "a@", "@", "-", ".", "·", " ", "京", "沪A", "1.2", "1.23,", "31°", "12:", "点1", "路", "街道",
    "中山", "号", "弄", "一", "十", "〇", "+(1", "微信", "wx:", "vx", "www.", "abc://", "12 b ", "street", "apt #", "㈠", "⒇",
    "½", "ﬃ", "ﷺ", "\u0345", "ß", "İ", "e\u0301", "上海", "无锡", "Paris ", "Xi'an ",
)  # fmt: skip
_PLAIN: tuple[Any, ...] = (None, True, False, 0, 1, -1, 0.5, "", [], {}, [[]], [None], {"": ""})
_DEPTHS = (10, 60, 300, 1200, 5000)
_FAR_DEPTH = 100_000
#: Stands in a tree for bytes that no JSON value gives, and in a key for one that is there already.
_RAW, _TWICE = "\0raw\0", "\0twice\0"
_RAW_WRITTEN, _TWICE_WRITTEN = re.compile(r'"\\u0000raw\\u0000([0-9]{1,3})"'), "\\u0000twice\\u0000"
_ELEMENT = re.compile(rb"<(\w+)>([^<]*)</\1>")


class _Bending:
    """What one case remembers while its tree is bent: the raw parts, and whether it has been multiplied."""

    def __init__(self) -> None:
        self.raws: list[str] = []
        self._multiplied = False

    def raw(self, text: str) -> str:
        self.raws.append(text)
        return f"{_RAW}{len(self.raws) - 1}"

    def times(self, choices: Random, numbers: Sequence[int]) -> int:
        """How often to repeat a part; only once in a case more than twice, because repetitions multiply."""
        number = 2 if self._multiplied else choices.choice(numbers)
        self._multiplied |= number > 2
        return number


class Mutator:
    """Makes cases out of examples (`seeds`), each the bytes of one real message or answer."""

    def __init__(self, seeds: Sequence[bytes]) -> None:
        self._seeds = list(seeds)
        self._trees = [_parsed(seed) for seed in seeds]
        found = [tree for tree in self._trees if tree is not None]
        self._names = sorted({name for tree in found for name in _names(tree)}) or ["x"]
        self._parts = [part for tree in found for part in _parts(tree)] or [None]

    def case(self, choices: Random) -> bytes:
        """One case."""
        place = choices.randrange(len(self._seeds))
        tree, body = self._trees[place], self._seeds[place]
        bent = choices.random()
        if tree is not None and bent < 0.7:
            bending = _Bending()
            for _ in range(choices.choice((1, 1, 1, 2, 2, 3, 6))):
                tree = self._bent(tree, choices, bending)
            body = _written(tree, bending.raws, ascii_only=choices.random() < 0.5)
        elif body.startswith(b"<") and bent < 0.7:
            body = _bent_elements(body, choices)
        if bent > 0.55:
            body = self._bent_bytes(body[:MAX_CASE_BYTES], choices)
        return body[:MAX_CASE_BYTES]

    def _bent(self, node: Any, choices: Random, bending: _Bending) -> Any:
        """The tree with one thing wrong in it; the tree handed in stays as it is."""
        if isinstance(node, dict) and node and choices.random() < 0.85:
            name = choices.choice(list(node))
            if choices.random() < 0.7:
                return {**node, name: self._bent(node[name], choices, bending)}
            return self._bent_members(node, name, choices)
        if isinstance(node, list) and node and choices.random() < 0.85:
            place = choices.randrange(len(node))
            if choices.random() < 0.7:
                return [*node[:place], self._bent(node[place], choices, bending), *node[place + 1 :]]
            return _bent_items(node, place, choices, bending)
        return self._bent_value(node, choices, bending)

    def _bent_members(self, node: dict[str, Any], name: str, choices: Random) -> dict[str, Any]:
        rest = {key: value for key, value in node.items() if key != name}
        match choices.randrange(5):
            case 0:
                return rest
            case 1:
                return {**node, _TWICE + name: choices.choice(self._parts)}
            case 2:
                return {**rest, choices.choice(self._names): node[name]}
            case 3:
                return {**node, choices.choice(self._names): choices.choice(self._parts)}
            case _:
                return {**node, choices.choice(_TEXTS): choices.choice(self._parts)}

    def _bent_value(self, node: Any, choices: Random, bending: _Bending) -> Any:
        match choices.randrange(12):
            case 0 | 1:
                return choices.choice(_PLAIN)
            case 2:
                return bending.raw(choices.choice(_HUGE_NUMBERS))
            case 3 | 4 | 5:
                return choices.choice(_TEXTS)
            case 6:
                return choices.choice(self._parts)
            case 7:
                return [node] * bending.times(choices, (1, 2, 9, 60))
            case 8:
                return {choices.choice(self._names): node}
            case 9:
                depth = _FAR_DEPTH if choices.random() < 0.01 else choices.choice(_DEPTHS)
                opening, closing = choices.choice((("[", "]"), ('{"x":', "}")))
                return bending.raw(opening * depth + "0" + closing * depth)
            case 10:
                return json.dumps(node)
            case _:
                return _bent_text(node, choices, bending) if isinstance(node, str) else str(node)

    def _bent_bytes(self, body: bytes, choices: Random) -> bytes:
        at, end = sorted((choices.randint(0, len(body)), choices.randint(0, len(body))))
        match choices.randrange(16):
            case 0:
                return body[:at]
            case 1:
                return body[at:]
            case 2:
                return body[:at] + body[end:]
            case 3:
                return body[:end] + body[at:]
            case 4:
                return (
                    body[:at]
                    + choices.choice((b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\0", b"\x1b"))
                    + body[at:]
                )
            case 5:
                return choices.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\0", b" \n\t", b")]}',\n")) + body
            case 6:
                return body + choices.choice((b"\0", b"\n", b",", b"}", b"]", b"\xef\xbb\xbf", body))
            case 7:
                return gzip.compress(body, 1)
            case 8:
                return base64.b64encode(body)
            case 9:
                return body.decode("utf-8", "replace").encode(
                    choices.choice(("utf-16", "utf-32", "gb18030")), "replace"
                )
            case 10:
                return b"[" + b",".join([body] * choices.choice((0, 1, 2, 8))) + b"]"
            case 11:
                return json.dumps(body.decode("utf-8", "replace")).encode()
            case 12:
                return bytes(choices.randrange(256) for _ in range(choices.randrange(40)))
            case 13:
                return body[:at] + body[at:end] * choices.choice((2, 3, 40)) + body[end:]
            case 14:
                return body[:at] + choices.choice(_TEXTS).encode("utf-8", "surrogatepass") + body[end:]
            case _:
                at = min(at, max(len(body) - 1, 0))
                return body[:at] + bytes([choices.randrange(256)]) + body[at + 1 :]


def _bent_items(node: list[Any], place: int, choices: Random, bending: _Bending) -> list[Any]:
    match choices.randrange(4):
        case 0:
            return [*node[:place], *node[place + 1 :]]
        case 1:
            return [*node, node[place]]
        case 2:
            return node[::-1]
        case _:
            return [node[place]] * bending.times(choices, (2, 10, 100))


def _bent_text(text: str, choices: Random, bending: _Bending) -> str:
    place = choices.randint(0, len(text))
    match choices.randrange(5):
        case 0:
            return text[:place]
        case 1:
            return text * bending.times(choices, (2, 10, 40))
        case 2:
            return text[::-1]
        case 3:
            return text.swapcase()
        case _:
            return text[:place] + choices.choice(_TEXTS) + text[place:]


def _bent_elements(body: bytes, choices: Random) -> bytes:
    """XML with one element's text replaced, or the element dropped, doubled or renamed."""
    for _ in range(choices.choice((1, 1, 2, 4))):
        found = list(_ELEMENT.finditer(body))
        if not found:
            return body
        element = choices.choice(found)
        text = choices.choice((*_TEXTS, *_HUGE_NUMBERS)).encode("utf-8", "surrogatepass")
        tag = element[1]
        instead = choices.choice(
            (b"", element[0] * 2, element[0] * 300, b"<x>%s</x>" % element[2], b"<%s>%s</%s>" % (tag, text, tag),
             b"<%s/>" % tag, b"<%s>&lol;</%s>" % (tag, tag), b"<%s><![CDATA[%s]]></%s>" % (tag, text, tag))
        )  # fmt: skip
        body = body[: element.start()] + instead + body[element.end() :]
    return body


def _written(tree: Any, raws: list[str], *, ascii_only: bool) -> bytes:
    text = json.dumps(tree, ensure_ascii=ascii_only)
    if raws:
        text = _RAW_WRITTEN.sub(lambda found: raws[int(found[1])], text)
    return text.replace(_TWICE_WRITTEN, "").encode("utf-8", "surrogatepass")


def _parsed(seed: bytes) -> Any:
    try:
        return json.loads(seed)
    except ValueError:
        return None


def _names(tree: Any) -> set[str]:
    if isinstance(tree, dict):
        return set(tree).union(*(_names(value) for value in tree.values()))
    return set().union(*(_names(item) for item in tree)) if isinstance(tree, list) else set()


def _parts(tree: Any) -> list[Any]:
    below = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return [tree, *(part for item in below for part in _parts(item))]
