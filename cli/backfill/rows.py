"""Files of trips, row by row: JSONL, CSV, Parquet. A broken row is told by its line and is never in another's way."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cli.backfill.columns import Header, message_of, read_header
from cli.backfill.texts import SPOKEN, Line, encoding_of, lines_of
from shared.errors import InvalidInput, Misconfigured

#: Lines that one row of a CSV file may have, by line breaks inside of quotes; a quote that is never closed ends here.
_MAX_ROW_LINES = 100
#: Rows of a Parquet file in memory at once.
_BATCH_ROWS = 500


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a source: where it stands (``trips.csv:17``), and a trip message or why there is none.

    `flat` says that its fields go by the names of columns.
    """

    place: str
    message: bytes
    fault: InvalidInput | None = None
    flat: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One file of trips: what is worth telling about it, and its rows."""

    notes: tuple[str, ...]
    rows: Iterator[Row]


def open_table(file: Path, name: str) -> Table:
    """Open one file by the ending of its `name`, under which its rows are told.

    Raises `InvalidInput` for an ending or a header that is not known, or a file that can't be read.
    """
    opening = _OPENINGS.get(Path(name).suffix.lower())
    if opening is None:
        raise InvalidInput(name, f"a file whose name ends in {', '.join(sorted(_OPENINGS))}")
    return opening(file, name)


def is_table(name: str) -> bool:
    """Whether a file of this name can be opened."""
    return Path(name).suffix.lower() in _OPENINGS


def _jsonl(file: Path, name: str) -> Table:
    encoding = encoding_of(file)

    def rows() -> Iterator[Row]:
        for line in lines_of(file, encoding):
            place = f"{name}:{line.number}"
            if line.fault:
                yield Row(place, b"", InvalidInput("line", line.fault))
            elif text := line.text.strip():
                yield Row(place, text.encode())

    return Table(_on_encoding(name, encoding), rows())


def _csv(file: Path, name: str) -> Table:
    encoding = encoding_of(file)
    lines = lines_of(file, encoding)
    head = next((line for line in lines if line.fault or line.text.strip()), None)
    if head is None or head.fault:
        raise InvalidInput(name, f"a first line with the names of the columns{f'; {head.fault}' if head else ''}")
    delimiter = max(",;\t", key=head.text.count)
    header = read_header(_cells(head.text, delimiter) or (), name)
    notes = _on_encoding(name, encoding) + _on_columns(name, header)
    if delimiter != ",":
        notes += (f"{name}: columns separated by {'tabs' if delimiter == chr(9) else 'semicolons'}",)
    return Table(notes, _csv_rows(lines, name, header, delimiter))


def _csv_rows(lines: Iterator[Line], name: str, header: Header, delimiter: str) -> Iterator[Row]:
    """The rows of a CSV file: a line, or several when a line break stands inside of quotes.

    Of several lines that make no row together the first alone is broken, and the next begins a new one: a quote that
    somebody forgot costs one line.
    """
    waiting: deque[Line] = deque()

    def following() -> Line | None:
        return waiting.popleft() if waiting else next(lines, None)

    while (line := following()) is not None:
        if not line.fault and not line.text.strip():
            continue
        place, gathered = f"{name}:{line.number}", [line]
        try:
            cells = _whole(gathered, header, delimiter)
            while cells is None and len(gathered) < _MAX_ROW_LINES and (more := following()) is not None:
                gathered.append(more)
                cells = _whole(gathered, header, delimiter)
            if cells is None:
                raise InvalidInput("line", "a quote that is closed")
            yield Row(place, message_of(zip(header.names, cells, strict=True)), flat=True)
        except InvalidInput as error:
            waiting.extendleft(reversed(gathered[1:]))
            spoken = error if len(gathered) == 1 else InvalidInput("line", "a quote that is closed")
            yield Row(place, b"", spoken, flat=True)


def _whole(lines: list[Line], header: Header, delimiter: str) -> list[str] | None:
    """The cells that these lines are together; None when a quote is still open. Raises `InvalidInput`."""
    if lines[-1].fault:
        raise InvalidInput("line", lines[-1].fault)
    # A look at the last line alone is cheap: without a quote in it nothing is closed.
    if len(lines) > 1 and '"' not in lines[-1].text:
        return None
    cells = _cells("".join(line.text for line in lines), delimiter)
    if cells is not None and len(cells) != len(header.names):
        raise InvalidInput("line", f"{len(header.names)} cells, as the first line has; got {len(cells)}")
    return cells


def _cells(text: str, delimiter: str) -> list[str] | None:
    """The cells of one row; None when it ends inside of quotes. Raises `InvalidInput`."""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            return None
        raise InvalidInput("line", "cells as RFC 4180 has them: a quote inside of quotes stands twice") from None


def _parquet(file: Path, name: str) -> Table:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise Misconfigured(f"{name}: Parquet needs pyarrow; `pip install 'tripcanvas[parquet]'`") from None
    try:
        # Read page by page: a whole row group may be larger than this machine's memory.
        found = ParquetFile(file, buffer_size=1024 * 1024, pre_buffer=False)
    except (ArrowException, OSError) as error:
        raise InvalidInput(name, f"a Parquet file ({type(error).__name__})") from None
    header = read_header(found.schema_arrow.names, name)
    wanted = [column for column in header.names if column not in header.ignored]

    def rows() -> Iterator[Row]:
        number = 0
        with found:
            try:
                for batch in found.iter_batches(_BATCH_ROWS, columns=wanted):
                    for values in batch.to_pylist():
                        number += 1
                        yield _parquet_row(f"{name}:{number}", values)
            except (ArrowException, OSError, ValueError) as error:
                raise InvalidInput(name, f"rows that can be read; after row {number}: {type(error).__name__}") from None

    return Table(_on_columns(name, header), rows())


def _parquet_row(place: str, values: dict[str, object]) -> Row:
    try:
        return Row(place, message_of(values.items()), flat=True)
    except InvalidInput as error:
        return Row(place, b"", error, flat=True)


_OPENINGS: dict[str, Callable[[Path, str], Table]] = {
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".csv": _csv,
    ".parquet": _parquet,
}


def _on_encoding(name: str, encoding: str) -> tuple[str, ...]:
    return () if encoding == "utf-8" else (f"{name}: read as {SPOKEN[encoding]}",)


def _on_columns(name: str, header: Header) -> tuple[str, ...]:
    return (f"{name}: columns left out: {', '.join(header.ignored)}",) if header.ignored else ()
