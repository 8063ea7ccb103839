"""The matrix of kill points and faults: ``python -m tests.faults [--only CALL] [--fault FAULT]``.

Exit code 1 when anything went wrong in any of its cells.
"""

from __future__ import annotations

import argparse
import sys
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from tests.faults.matrix import FAULTS, Cell, Fault, Row, Workers, plan_of, rows_of
from tests.faults.stories import STORIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def main(only: str, fault: str, workers: int, *, every: bool, listing: bool) -> int:
    """Run the matrix, or the part of it that is asked for, and print it; 1 when something went wrong."""
    faults = [known for known in FAULTS if fnmatchcase(known.name, fault or "*")]
    wanted = only.split("/")[0] if "/" in only else "*"
    stories = [story for story in STORIES if fnmatchcase(story.name, wanted)]
    if not faults or not stories:
        print(f"no such {'story' if faults else 'fault'}; faults: {' '.join(known.name for known in FAULTS)}")
        return 2
    with Workers(workers) as told_by:
        recorded = told_by.record(stories)
        rows = [row for row in rows_of(recorded) if row.is_meant_by(only or "*")]
        plan = plan_of(rows, faults, every=every or bool(only))
        broken_stories = {name: told.violations for name, told in recorded.items() if told.violations}
        cells: list[Cell] = []
        for cell in () if listing else told_by.cells(plan, recorded):
            cells.append(cell)
            if cell.violations:
                print(f"{cell.row.id} {cell.fault}: {'; '.join(cell.violations)}", file=sys.stderr, flush=True)
            if len(cells) % 100 == 0:
                print(f"{len(cells)} of {len(plan)}", file=sys.stderr, flush=True)
    for line in table(rows, faults, cells):
        print(line)
    _print_legend(faults)
    failures = sorted((cell for cell in cells if cell.violations), key=lambda cell: (rows.index(cell.row), cell.fault))
    for name, violations in broken_stories.items():
        print(f"\n{name}, without any fault")
        print(*(f"    {violation}" for violation in violations), sep="\n")
    for cell in failures:
        print(f"\n{cell.row.id}  {cell.row.call}  {cell.fault}")
        print(*(f"    {violation}" for violation in cell.violations), sep="\n")
        print(f"    again: python -m tests.faults --only '{cell.row.id}' --fault {cell.fault}")
    missed = sum(not cell.struck for cell in cells)
    print(
        f"\n{len(stories)} stories, {len(rows)} calls, {len(plan if listing else cells)} tellings: {len(failures)} failed, {missed} missed"
    )
    return 1 if failures or broken_stories else 0


def _print_legend(faults: Iterable[Fault]) -> None:
    print("\nok: nothing had to be swept; a number: sweeps it took; -: the call was not made; =: told already")
    for fault in faults:
        print(f"{_heading(fault):>8}  {fault.name}: {fault.means}")


def _heading(fault: Fault) -> str:
    """A fault's name, short: `<` is before the call's effect, `>` after it."""
    return fault.name.replace("-before", "<").replace("-after", ">")


def table(rows: list[Row], faults: list[Fault], cells: list[Cell]) -> Iterator[str]:
    """The matrix as lines."""
    texts = {(cell.row, cell.fault): cell.text for cell in cells}
    wide = max((len(f"{row.id}  {row.call}") for row in rows), default=0)
    yield " " * wide + "".join(f" {_heading(fault):>8}" for fault in faults)
    head = ""
    for row in rows:
        if row.story != head:
            head = row.story
            yield head
        texts_of_row = (texts.get((row, fault.name), "=") for fault in faults)
        yield f"{row.id}  {row.call}".ljust(wide) + "".join(f" {text:>8}" for text in texts_of_row)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", default="", help="rows by their id, as a glob: 'straight/image_ready#7'")
    parser.add_argument("--fault", default="", help="columns by their name, as a glob: 'kill-*'")
    parser.add_argument("--workers", type=int, default=3, help="processes, each with an embedded cloud")
    parser.add_argument("--every", action="store_true", help="every fault in every context, the alike ones too")
    parser.add_argument("--list", action="store_true", help="print the rows only")
    arguments = parser.parse_args()
    sys.exit(main(arguments.only, arguments.fault, arguments.workers, every=arguments.every, listing=arguments.list))
