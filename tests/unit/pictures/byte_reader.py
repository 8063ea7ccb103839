"""Another reading of the files than the product's: the labels in them, found with struct and nothing else."""

from __future__ import annotations

import html
import json
import re
import struct


def xmp_packets(body: bytes) -> list[bytes]:
    """Every XMP packet of a file, whole."""
    if body[:8] == bytes.fromhex("89504e470d0a1a0a"):
        return _png(body)
    if body[:2] == b"\xff\xd8":
        return _jpeg(body)
    if body[:4] == b"RIFF":
        return _webp(body)
    return _avif(body)


def labels(body: bytes) -> list[dict[str, str]]:
    """The seven keys of every ``TC260:AIGC`` in a file, in their order."""
    found = []
    for packet in xmp_packets(body):
        text = packet.decode("utf-8")
        assert 'xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/"' in text
        found += [json.loads(html.unescape(value)) for value in re.findall("<TC260:AIGC>(.*?)</TC260:AIGC>", text)]
    return found


def png_chunks(body: bytes) -> list[tuple[bytes, bytes]]:
    chunks, at = [], 8
    while at < len(body):
        length = struct.unpack(">I", body[at : at + 4])[0]
        chunks.append((body[at + 4 : at + 8], body[at + 8 : at + 8 + length]))
        at += 12 + length
    return chunks


def _png(body):
    packets = []
    for kind, data in png_chunks(body):
        if kind == b"iTXt":
            # Keyword, not compressed, method 0, no language, no translated keyword.
            head = b"XML:com.adobe.xmp" + bytes(5)
            assert data.startswith(head)
            packets.append(data[len(head) :])
    return packets


def jpeg_segments(body: bytes) -> list[tuple[int, bytes]]:
    """Marker and content of every segment up to the first scan."""
    segments, at = [], 2
    while body[at + 1] != 0xDA:
        length = struct.unpack(">H", body[at + 2 : at + 4])[0]
        segments.append((body[at + 1], body[at + 4 : at + 2 + length]))
        at += 2 + length
    return segments


def _jpeg(body):
    head = b"http://ns.adobe.com/xap/1.0/\0"
    return [data[len(head) :] for marker, data in jpeg_segments(body) if marker == 0xE1 and data.startswith(head)]


def _webp(body):
    packets, at = [], 12
    while at < len(body):
        length = struct.unpack("<I", body[at + 4 : at + 8])[0]
        if body[at : at + 4] == b"XMP ":
            packets.append(body[at + 8 : at + 8 + length])
        at += 8 + length + length % 2
    return packets


def boxes(body: bytes, at: int, end: int) -> dict[bytes, tuple[int, int]]:
    found = {}
    while at < end:
        size, kind = struct.unpack(">I4s", body[at : at + 8])
        found[kind] = (at + 8, at + size)
        at += size
    return found


def _avif(body):
    top = boxes(body, 0, len(body))
    inner = boxes(body, top[b"meta"][0] + 4, top[b"meta"][1])
    start, end = inner[b"iinf"]
    count, at, wanted = struct.unpack(">H", body[start + 4 : start + 6])[0], start + 6, []
    for _ in range(count):
        size = struct.unpack(">I", body[at : at + 4])[0]
        entry = body[at + 12 : at + size]
        if entry[4:8] == b"mime" and b"application/rdf+xml" in entry:
            wanted.append(struct.unpack(">H", entry[:2])[0])
        at += size
    # Version 0, offsets and lengths of four bytes, no base: how libavif writes it.
    start, _ = inner[b"iloc"]
    assert body[start : start + 6].hex() == "000000004400"
    packets, at = [], start + 8
    for _ in range(struct.unpack(">H", body[start + 6 : start + 8])[0]):
        item, _reference, pieces = struct.unpack(">HHH", body[at : at + 6])
        assert pieces == 1
        offset, length = struct.unpack(">II", body[at + 6 : at + 14])
        if item in wanted:
            packets.append(body[offset : offset + length])
        at += 14
    return packets
