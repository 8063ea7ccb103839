"""The bytes of a picture file, walked without decoding: where it ends, its XMP, and what its pixels are made of.

PNG by its third edition (W3C, 2025), JPEG by ITU-T T.81, WebP by RFC 9649, AVIF by ISO/IEC 14496-12 and 23008-12.
Every length is checked before it is followed; nothing is decompressed.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from shared.errors import InvalidInput

Span = tuple[int, int]

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_XMP = b"XML:com.adobe.xmp\0"
_PNG_DESCRIPTIONS = frozenset({b"tEXt", b"zTXt", b"iTXt", b"tIME", b"eXIf"})
_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
#: APP1 (Exif, XMP), APP13 (IPTC), COM.
_JPEG_DESCRIPTIONS = frozenset({0xE1, 0xED, 0xFE})
#: The next marker in entropy-coded data: neither a stuffed byte, nor a restart, nor a fill byte.
_JPEG_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
#: A progressive JPEG of many scans costs a decoder minutes; encoders write about ten.
_MOST_SCANS = 64


@dataclass(frozen=True, slots=True)
class Container:
    """What a file holds. Spans are (start, end) offsets in bytes.

    `kind` is PNG, JPEG, WEBP or AVIF; `end` where the picture ends. `packets` are the XMP packets. `picture` is all
    that pixels and colours come from, without descriptive metadata. `colour_codes` are PNG's cICP bytes.
    """

    kind: str
    end: int
    packets: tuple[Span, ...]
    picture: tuple[Span, ...]
    animated: bool = False
    colour_codes: bytes = b""


def read_container(body: bytes) -> Container:
    """Walk a PNG, JPEG, WebP or AVIF file, known by its first bytes.

    Raises `InvalidInput` for another format, and for a file that ends early or whose parts contradict each other.
    """
    try:
        if body.startswith(_PNG_SIGNATURE):
            return _png(body)
        if body.startswith(b"\xff\xd8\xff"):
            return _jpeg(body)
        if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
            return _webp(body)
        if body[4:8] == b"ftyp":
            return _avif(body)
    except (struct.error, IndexError, KeyError, ValueError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput("picture", "a whole file; this one is broken or ends early") from None
    raise InvalidInput("picture", "a PNG, JPEG, WebP or AVIF file")


def _broken(kind: str) -> InvalidInput:
    return InvalidInput("picture", f"a whole {kind} file; this one is broken or ends early")


def _png(body: bytes) -> Container:
    packets, picture, animated, colour_codes = [], [], False, b""
    at = len(_PNG_SIGNATURE)
    while True:
        length, kind = struct.unpack_from(">I4s", body, at)
        start, end = at + 8, at + 8 + length
        if end + 4 > len(body) or (at == 8) != (kind == b"IHDR"):
            raise _broken("PNG")
        if kind == b"iTXt" and body.startswith(_PNG_XMP, start):
            packets.append((_after_text_header(body, start, end), end))
        if kind not in _PNG_DESCRIPTIONS:
            picture.append((at, end))
        animated |= kind == b"acTL"
        colour_codes = body[start:end] if kind == b"cICP" else colour_codes
        at = end + 4
        if kind == b"IEND":
            return Container("PNG", at, tuple(packets), tuple(picture), animated, colour_codes)


def _after_text_header(body: bytes, start: int, end: int) -> int:
    """Where the text of an iTXt chunk begins; where it ends for a compressed one, which the label never is."""
    after = start + len(_PNG_XMP)
    if body[after]:
        return end
    language_end = body.index(b"\0", after + 2, end)
    return body.index(b"\0", language_end + 1, end) + 1


def _jpeg(body: bytes) -> Container:
    packets: list[Span] = []
    picture: list[Span] = []
    scans, at = 0, 2
    while True:
        if body[at] != 0xFF:
            raise _broken("JPEG")
        while body[at + 1] == 0xFF:
            at += 1
        marker = body[at + 1]
        if marker == 0xD9:
            return Container("JPEG", at + 2, tuple(packets), tuple(picture))
        (length,) = struct.unpack_from(">H", body, at + 2)
        start, end = at + 4, at + 2 + length
        if length < 2 or end > len(body) or marker == 0xD8:
            raise _broken("JPEG")
        if marker == 0xE1 and body.startswith(_JPEG_XMP, start):
            packets.append((start + len(_JPEG_XMP), end))
        if marker == 0xDA:
            scans += 1
            found = _JPEG_MARKER.search(body, end)
            if found is None or scans > _MOST_SCANS:
                raise _broken("JPEG") if found is None else InvalidInput("picture", f"at most {_MOST_SCANS} scans")
            end = found.start()
        if marker not in _JPEG_DESCRIPTIONS:
            picture.append((at, end))
        at = end


def _webp(body: bytes) -> Container:
    (size,) = struct.unpack_from("<I", body, 4)
    file_end = 8 + size + (size & 1)
    if file_end > len(body):
        raise _broken("WebP")
    packets, picture, animated, at = [], [], False, 12
    while at < 8 + size:
        kind, length = struct.unpack_from("<4sI", body, at)
        start, end = at + 8, at + 8 + length
        if end > 8 + size:
            raise _broken("WebP")
        if kind == b"XMP ":
            packets.append((start, end))
        elif kind not in (b"EXIF", b"VP8X"):
            picture.append((at, end))
        animated |= kind in (b"ANIM", b"ANMF")
        at = end + (length & 1)
    return Container("WEBP", file_end, tuple(packets), tuple(picture), animated)


def _avif(body: bytes) -> Container:
    tops = {kind: (start, end) for kind, start, end in _boxes(body, 0, len(body))}
    brands = body[slice(*tops["ftyp"])]
    if b"avif" not in brands and b"avis" not in brands:
        raise InvalidInput("picture", "a PNG, JPEG, WebP or AVIF file")
    start, end = tops["meta"]
    boxes = {kind: (first, last) for kind, first, last in _boxes(body, start + 4, end)}
    places = _item_places(body, boxes)
    [primary] = struct.unpack_from(">H" if body[boxes["pitm"][0]] == 0 else ">I", body, boxes["pitm"][0] + 4)
    packets = [places[item] for item in _xmp_items(body, *boxes["iinf"]) if item in places]
    return Container(
        "AVIF",
        max(last for _, last in tops.values()),
        tuple(packets),
        (boxes["iprp"], places[primary]),
        animated=b"avis" in brands or "moov" in tops,
    )


def _boxes(body: bytes, at: int, end: int) -> Iterator[tuple[str, int, int]]:
    """Type, start and end of the content of each box. Bytes behind the last whole box belong to none."""
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", body, at)
        header = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", body, at + 8)
            header = 16
        last = end if size == 0 else at + size
        if last < at + header or not kind.isalnum():
            return
        if last > end:
            raise _broken("AVIF")
        yield kind.decode("ascii"), at + header, last
        at = last


def _item_places(body: bytes, boxes: dict[str, Span]) -> dict[int, Span]:
    """Where the data of each item in one piece lies (ISO/IEC 14496-12, 8.11.3)."""
    at = boxes["iloc"][0]
    version = body[at]
    sizes, more = body[at + 4], body[at + 5]
    offset_size, length_size, base_size, index_size = sizes >> 4, sizes & 15, more >> 4, more & 15
    wide = 4 if version == 2 else 2
    at += 6

    def number(size: int) -> int:
        nonlocal at
        at += size
        if at > boxes["iloc"][1]:
            raise _broken("AVIF")
        return int.from_bytes(body[at - size : at], "big")

    places = {}
    for _ in range(number(wide)):
        item = number(wide)
        method = number(2) & 15 if version else 0
        number(2)
        base = number(base_size)
        pieces = []
        for _ in range(number(2)):
            number(index_size if version else 0)
            pieces.append((base + number(offset_size), number(length_size)))
        if len(pieces) == 1 and method in (0, 1):
            start = pieces[0][0] + (boxes["idat"][0] if method == 1 else 0)
            places[item] = (start, start + pieces[0][1])
            if places[item][1] > len(body):
                raise _broken("AVIF")
    return places


def _xmp_items(body: bytes, start: int, end: int) -> Iterator[int]:
    first = start + (6 if body[start] == 0 else 8)
    for kind, at, last in _boxes(body, first, end):
        version = body[at]
        if kind != "infe" or version < 2:
            continue
        wide = 2 if version == 2 else 4
        item = int.from_bytes(body[at + 4 : at + 4 + wide], "big")
        rest = at + 4 + wide + 2
        if body[rest : rest + 4] == b"mime" and b"\0application/rdf+xml\0" in body[rest + 4 : last] + b"\0":
            yield item
