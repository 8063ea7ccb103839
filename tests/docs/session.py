"""Documents that are run: every ``console`` block is a piece of one shell session, with what it prints.

A line ``$ command`` is run, ``> `` goes on with it; the lines below are what it prints, in which ``…`` stands for
anything. A block tells ``# exit 1`` in its command's line if it ends with that status.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_EXIT = re.compile(r"\s+# exit (\d+)$")


@dataclass(frozen=True)
class Step:
    """One command of a document, the line it stands in, and what it should end with and print."""

    line: int
    command: str
    status: int
    expected: tuple[str, ...]


class NotAsWritten(AssertionError):
    """A command of a document did something else than the document says."""


def steps_of(document: str) -> list[Step]:
    """The commands of a document in order. Raises `ValueError` for a block that does not begin with a command."""
    found = []
    for block in _BLOCK.finditer(document):
        first = document[: block.start(1)].count("\n") + 1
        for number, line in enumerate(block[1].splitlines(), first):
            if line.startswith("$ "):
                found.append(Step(number, line[2:], 0, ()))
            elif not found or found[-1].line < first:
                raise ValueError(f"line {number}: a command expected, `$ …`")
            elif line.startswith("> ") and not found[-1].expected:
                found[-1] = Step(found[-1].line, f"{found[-1].command}\n{line[2:]}", 0, ())
            else:
                last = found[-1]
                found[-1] = Step(last.line, last.command, 0, (*last.expected, line))
    return [_with_status(step) for step in found]


def _with_status(step: Step) -> Step:
    told = _EXIT.search(step.command)
    return Step(step.line, _EXIT.sub("", step.command), int(told[1]), step.expected) if told else step


def run(step: Step, folder: Path, environment: dict[str, str], timeout_s: float = 600.0) -> str:
    """Run one command by bash; returns what it printed. Raises `NotAsWritten`."""
    done = subprocess.run(
        ["bash", "-c", step.command], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=timeout_s, check=False,
    )  # fmt: skip
    printed = done.stdout.decode("utf-8", "replace")
    told = f"line {step.line}: $ {step.command}\n{printed[-4000:]}"
    # As a shell tells it: a signal is 128 and its number.
    status = done.returncode if done.returncode >= 0 else 128 - done.returncode
    if status != step.status:
        raise NotAsWritten(f"ended with {status}, not {step.status}\n{told}")
    _compare(step, printed, told)
    return printed


def _compare(step: Step, printed: str, told: str) -> None:
    """Each line that is written down is printed, in this order; other lines may stand between where ``…`` stands."""
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    place = 0
    for expected in step.expected:
        wanted = " ".join(expected.split())
        if wanted == "…":
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in wanted.split("…")))
        while place < len(lines) and not pattern.fullmatch(lines[place]):
            place += 1
        if place == len(lines):
            raise NotAsWritten(f"it does not print “{wanted}” there\n{told}")
        place += 1
