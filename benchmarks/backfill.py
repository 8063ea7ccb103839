"""How fast a backfill reads and judges trips, and in how much memory: ``python -m benchmarks.backfill [--trips N]``.

For JSONL, CSV in UTF-8 and GB18030, and Parquet: trips a second, with a filter that needs every trip's facts, and what
the process grew by while it read (resident) and what Python's own heap peaked at. Then what one row costs in the
journal, intent and outcome, each on the disk. Everything by `benchmarks.trips`; nothing is sent.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import multiprocessing
import resource
import tempfile
import time
import tracemalloc
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from benchmarks.trips import a_trip, encoded
from cli.backfill.columns import COLUMNS
from cli.backfill.journal import Journal, State
from cli.backfill.rows import open_table
from cli.backfill.selection import Count, Filters, Kind, Selection, choices
from shared.styles import load_styles
from shared.workflows import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

JOURNALLED = 2_000
_NOW = datetime(2026, 11, 22, 8, tzinfo=timezone.utc)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trips", type=int, default=100_000)
    count = parser.parse_args().trips
    with tempfile.TemporaryDirectory() as folder:
        for name, write in (
            ("trips.jsonl", write_jsonl),
            ("trips.csv", write_csv),
            ("gb18030.csv", lambda file, number: write_csv(file, number, "gb18030")),
            ("trips.parquet", write_parquet),
        ):
            file = Path(folder) / name
            write(file, count)
            told = {}
            for kind in ("time", "heap"):
                # Of a process of its own: what another file left behind must not count.
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    told |= pool.apply(read, (file, kind, count))
            size_mb = file.stat().st_size / 1e6
            print(
                f"{name:14} {count} trips, {size_mb:6.1f} MB: {count / told['seconds']:7.0f} trips/s   "
                f"resident +{told['grown_mb']:5.1f} MB   Python's heap at most {told['heap_mb']:5.1f} MB"
            )
        print(f"journal        {journalled(Path(folder)):.2f} ms a trip, intent and outcome on the disk")


def read(file: Path, kind: str, count: int) -> dict[str, float]:
    """Read a whole file; `kind` says what is measured: tracing memory makes everything slower."""
    selection = Selection(Filters(cities=("上海市", "杭州市", "拉萨市")), load_styles(FOLDER / "styles"), _NOW)
    # Tables and decoders are made once, whatever the number of trips.
    for _ in itertools.islice(choices(open_table(file, file.name).rows, selection), 2_000):
        pass
    found = Count()
    before_mb, started = peak_mb(), time.perf_counter()
    if kind == "heap":
        tracemalloc.start()
    for choice in choices(open_table(file, file.name).rows, selection):
        found.add(choice)
    seconds = time.perf_counter() - started
    assert found.rows == count
    assert not found.kinds[Kind.BROKEN], found.refused[:3]
    if kind == "heap":
        return {"heap_mb": tracemalloc.get_traced_memory()[1] / 1e6}
    return {"seconds": seconds, "grown_mb": peak_mb() - before_mb}


def journalled(folder: Path) -> float:
    """Milliseconds for one row in the journal."""
    journal = Journal(folder / "journal.sqlite")
    journal.begin({}, _NOW, "run")
    started = time.perf_counter()
    for number in range(1, JOURNALLED + 1):
        journal.intend(
            number,
            "a:1",
            trip=f"{number:036}",
            task="b",
            journeys=((f"{number:036}", "anime"),),
            rejections="r",
            at=_NOW,
        )
        journal.settle(number, State.SENT)
    taken_s = time.perf_counter() - started
    journal.close()
    return taken_s * 1000 / JOURNALLED


def peak_mb() -> float:
    """The most memory this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def trips(count: int) -> Iterator[dict[str, Any]]:
    return (a_trip(number, f"T-{number:07}") for number in range(count))


def write_jsonl(file: Path, count: int) -> None:
    with file.open("wb") as stream:
        for trip in trips(count):
            stream.write(encoded(trip) + b"\n")


def write_csv(file: Path, count: int, encoding: str = "utf-8") -> None:
    with file.open("w", encoding=encoding, newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for trip in trips(count):
            writer.writerow(cell(trip, path) for path, _ in COLUMNS.values())


def cell(trip: dict[str, Any], path: tuple[str, ...]) -> str:
    value: Any = trip
    for name in path:
        value = (value or {}).get(name)
    if isinstance(value, list):
        return ";".join(value)
    return "" if value is None else msgspec.json.encode(value).decode() if isinstance(value, bool) else str(value)


def write_parquet(file: Path, count: int) -> None:
    import pyarrow
    import pyarrow.parquet

    found = trips(count)
    schema = pyarrow.Table.from_pylist(list(itertools.islice(trips(count), 200))).schema
    with pyarrow.parquet.ParquetWriter(file, schema) as writer:
        while batch := list(itertools.islice(found, 20_000)):
            writer.write_table(pyarrow.Table.from_pylist(batch, schema))


if __name__ == "__main__":
    main()
