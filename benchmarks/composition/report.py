"""Rows of the benchmark: a value, its bar, met or missed; printed, and written as JSON and Markdown."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

_BEGIN, _END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass(frozen=True, slots=True)
class Row:
    """One measured value. `bar` is what it may be at most, or at least when `at_least`; None: only told."""

    table: str
    name: str
    value: float
    unit: str = ""
    bar: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None without a bar."""
        if self.bar is None:
            return None
        return self.value >= self.bar if self.at_least else self.value <= self.bar


@dataclass(slots=True)
class Report:
    """All rows, and tables of text that only compare."""

    rows: list[Row] = field(default_factory=list)
    tables: dict[str, list[list[str]]] = field(default_factory=dict)

    def add(
        self, table: str, name: str, value: float, unit: str = "", bar: float | None = None, *, at_least: bool = False
    ) -> None:
        """Add a row and print it."""
        row = Row(table, name, float(value), unit, bar, at_least)
        self.rows.append(row)
        print(f"  {name:<66} {_number(row.value):>9} {unit:<4} {_bar(row):<14} {_verdict(row)}", flush=True)

    def compare(self, title: str, lines: list[list[str]]) -> None:
        """Add a table (first line: its head) and print it."""
        self.tables[title] = lines
        widths = [max(len(line[n]) for line in lines) for n in range(len(lines[0]))]
        print()
        for line in lines:
            print("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)))
        print(flush=True)

    @property
    def missed(self) -> list[Row]:
        """The rows whose bar is missed."""
        return [row for row in self.rows if row.met is False]

    def write(self, folder: Path) -> None:
        """``composition.json`` and ``composition.md`` in a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        rows = [{**asdict(row), "met": row.met} for row in self.rows]
        stored = json.dumps({"rows": rows, "tables": self.tables}, ensure_ascii=False, indent=1)
        (folder / "composition.json").write_text(stored, "utf-8")
        (folder / "composition.md").write_text(self.markdown(), "utf-8")

    def insert(self, document: Path) -> None:
        """Put the tables into a document, between its two marks."""
        before, rest = document.read_text("utf-8").split(_BEGIN)
        _, after = rest.split(_END)
        document.write_text(f"{before}{_BEGIN}\n\n{self.markdown()}{_END}{after}", "utf-8")

    def markdown(self) -> str:
        """The same as Markdown."""
        text = ""
        for table in dict.fromkeys(row.table for row in self.rows):
            text += f"### {table}\n\n| | value | bar | |\n|---|---|---|---|\n"
            for row in self.rows:
                if row.table == table:
                    text += f"| {row.name} | {_number(row.value)} {row.unit} | {_bar(row)} | {_verdict(row)} |\n"
            text += "\n"
        for title, lines in self.tables.items():
            text += f"### {title}\n\n| {' | '.join(lines[0])} |\n|{'---|' * len(lines[0])}\n"
            text += "".join(f"| {' | '.join(line)} |\n" for line in lines[1:]) + "\n"
        return text


def _number(value: float) -> str:
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _bar(row: Row) -> str:
    return "" if row.bar is None else f"{'≥' if row.at_least else '≤'} {row.bar:g} {row.unit}".strip()


def _verdict(row: Row) -> str:
    return {None: "", True: "met", False: "MISSED"}[row.met]
