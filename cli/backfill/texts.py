"""Files of text, read line by line: which encoding they are in, and their lines, however long or broken.

Encodings, in this order: what a byte order mark says; UTF-16 by its zero bytes; UTF-8; GB18030 (with GBK and GB2312,
what Excel saves in China). A file with broken lines in UTF-8 is still UTF-8: the lines that are not plain ASCII decide
by their number.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from shared.errors import InvalidInput
from shared.trips import MAX_TRIP_BYTES

#: Longest line, in characters: more than a trip message can have.
MAX_LINE = MAX_TRIP_BYTES
_CHUNK_BYTES = 1024 * 1024
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
#: What stands for a byte that the encoding does not have.
_BROKEN = re.compile("[\ud800-\udfff]")
#: As people call them.
SPOKEN = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with a byte order mark",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16 without a byte order mark",
    "utf-16-be": "UTF-16 without a byte order mark",
    "gb18030": "GB18030",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `fault` says why it can't be used; then there is no `text`."""

    number: int
    text: str
    fault: str = ""


def digest_of(file: Path) -> str:
    """SHA-256 of a file's bytes, in hex. Raises `InvalidInput` for a file that can't be read."""
    digest = hashlib.sha256()
    _each_chunk(file, digest.update)
    return digest.hexdigest()


def encoding_of(file: Path) -> str:
    """The encoding of a file of text, by Python's name. Raises `InvalidInput` for a file that can't be read."""
    try:
        with file.open("rb") as stream:
            head = stream.read(4096)
    except OSError as error:
        raise InvalidInput(file.name, f"a file that can be read: {error.strerror}") from None
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if b"\0" in head[:200]:
        return "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
    utf8, other = 0, 0
    rest = b""

    def count(chunk: bytes) -> None:
        nonlocal utf8, other, rest
        if not rest and chunk.isascii():
            return
        *lines, rest = (rest + chunk).split(b"\n")
        # A file without line ends must not gather here.
        if len(rest) > _CHUNK_BYTES:
            lines, rest = [*lines, rest], b""
        for line in lines:
            if not line.isascii():
                utf8, other = (utf8 + 1, other) if _is(line, "utf-8") else (utf8, other + 1)

    _each_chunk(file, count)
    count(b"\n")
    return "utf-8" if utf8 >= other else "gb18030"


def lines_of(file: Path, encoding: str) -> Iterator[Line]:
    """Every line of a file, from 1; memory does not grow with the file, nor with its longest line."""
    with file.open("r", encoding=encoding, errors="surrogateescape", newline=None) as stream:
        number = 0
        while text := stream.readline(MAX_LINE + 1):
            number += 1
            if len(text) > MAX_LINE:
                _skip_line(stream, text)
                yield Line(number, "", f"a line of at most {MAX_LINE} characters")
            elif _BROKEN.search(text):
                yield Line(number, "", f"text in {SPOKEN[encoding]}, as the rest of the file")
            else:
                yield Line(number, text)


def _skip_line(stream: TextIO, text: str) -> None:
    while text and not text.endswith("\n"):
        text = stream.readline(MAX_LINE)


def _is(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _each_chunk(file: Path, take: Callable[[bytes], object]) -> None:
    try:
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                take(chunk)
    except OSError as error:
        raise InvalidInput(file.name, f"a file that can be read: {error.strerror}") from None
