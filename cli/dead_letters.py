"""Messages that could not be handled: look at them, send them again once the cause is mended, or throw them away."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.deployment import Env, deployment_of
from cli.letter_box import LetterBox
from cli.options import Root, fail
from shared.dead_letters import Hopeless, Letter, check_redrive
from shared.errors import Misconfigured, ServiceError, TripcanvasError, Unavailable
from shared.services import Services

app = typer.Typer(no_args_is_help=True, help=__doc__)
console = Console(highlight=False, soft_wrap=True)

LetterId = Annotated[str, typer.Argument(help="A letter's id, as `list` prints it.", metavar="ID")]
OneLetter = Annotated[str, typer.Argument(help="A letter's id, as `list` prints it.", metavar="ID")]
Every = Annotated[bool, typer.Option("--all", help="Every letter, in place of an id.")]
Code = Annotated[str, typer.Option("--code", help="Only letters with this code.")]
OfJourney = Annotated[str, typer.Option("--journey", help="Only letters of this journey.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before --all.")]


@app.command("list")
def list_letters(
    root: Root,
    env: Env = None,
    journey: OfJourney = "",
    code: Code = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list, for programs.")] = False,
) -> None:
    """List the letters: why each could not be handled, and whether sending it again can help; never what is in it."""
    with _opened(root, env) as (services, box):
        found = [letter for letter in box.letters() if _is_wanted(letter, code, journey)]
        told = [_told(letter, services) for letter in found]
    if as_json:
        print(json.dumps(told, ensure_ascii=False, indent=2))  # noqa: T201
        return
    if not told:
        console.print("no dead letters")
        return
    table = Table("id", "since (UTC)", "from", "why, and which journeys", "redrive", box=None)
    for letter, row in zip(found, told, strict=True):
        table.add_row(
            letter.id,
            f"{letter.enqueued_at:%m-%d %H:%M}",
            Text(letter.function.removeprefix("tripcanvas-") or letter.origin.value),
            Text("\n".join((f"{letter.code}: {letter.reason}", *letter.journeys)), overflow="fold"),
            "no" if row["obstacle"] else "yes",
        )
    console.print(table, soft_wrap=False)


@app.command()
def show(
    letter_id: LetterId,
    root: Root,
    env: Env = None,
    content: Annotated[bool, typer.Option("--content", help="Print the original too: it holds personal data.")] = False,
    save: Annotated[
        Path | None, typer.Option("--save", help="Write the original bytes to a new file, for its owner only.")
    ] = None,
) -> None:
    """Show everything about one letter but what is in it."""
    with _opened(root, env) as (services, box):
        letter = _found(box, letter_id)
        for name, value in _told(letter, services).items():
            text = " ".join(value) if isinstance(value, list) else str(value)
            console.print(Text(f"{name:12} {text}"))
        try:
            if save is not None:
                _write(save, box.original(letter))
            if content:
                console.print(Text(_printable(box.original(letter))))
        except Hopeless as error:
            fail(f"letter {letter.id}: {error}")


@app.command()
def redrive(
    root: Root,
    env: Env = None,
    letter_id: OneLetter = "",
    every: Every = False,
    journey: OfJourney = "",
    code: Code = "",
    yes: Yes = False,
) -> None:
    """Send letters again: their messages go to the topic they came by, then the letter is removed.

    Mend the cause first: what fails again comes back as a new letter. Repeating it is harmless, a trip is posted once.
    """

    def again(box: LetterBox, letter: Letter) -> None:
        journeys = box.redrive(letter)
        console.print(f"{letter.id}: sent again")
        for found in journeys:
            console.print(f"journey {found}")

    _act(root, env, "Send again", again, letter_id, every=every, journey=journey, code=code, yes=yes)


@app.command()
def discard(
    root: Root,
    env: Env = None,
    letter_id: OneLetter = "",
    every: Every = False,
    journey: OfJourney = "",
    code: Code = "",
    yes: Yes = False,
) -> None:
    """Throw letters away for good, with the original bytes."""

    def away(box: LetterBox, letter: Letter) -> None:
        box.discard(letter)
        console.print(f"{letter.id}: discarded")

    _act(root, env, "Throw away", away, letter_id, every=every, journey=journey, code=code, yes=yes)


def _act(
    root: Path,
    env: Path | None,
    verb: str,
    act: Callable[[LetterBox, Letter], None],
    letter_id: str,
    *,
    every: bool,
    journey: str,
    code: str,
    yes: bool,
) -> None:
    """Do `act` to one letter, or to all that are wanted; ends with status 1 when a letter stays."""
    if bool(letter_id) == every:
        fail("give the id of one letter, or --all")
    if letter_id and (journey or code):
        fail("--journey and --code go with --all")
    if every and not yes:
        which = "".join(f" {name} {value}" for name, value in (("of journey", journey), ("with code", code)) if value)
        typer.confirm(f"{verb} every dead letter{which}?", abort=True)
    stay = 0
    with _opened(root, env) as (_, box):
        letters = (each for each in box.letters() if _is_wanted(each, code, journey)) if every else None
        for letter in letters or [_found(box, letter_id)]:
            try:
                act(box, letter)
            except Hopeless as error:
                stay += 1
                Console(stderr=True, highlight=False, soft_wrap=True).print(Text(f"{letter.id}: stays: {error}"))
    raise typer.Exit(1 if stay else 0)


@contextlib.contextmanager
def _opened(root: Path, env: Path | None) -> Iterator[tuple[Services, LetterBox]]:
    """The services and the letter box; what can go wrong with them ends the command in one line."""
    deployment = deployment_of(root, env)
    try:
        services = deployment.services
        with LetterBox(services) as box:
            yield services, box
    except Unavailable as error:
        fail(f"the dead letters can't be reached ({error}); {deployment.is_down}")
    except Misconfigured as error:
        fail(f"{error}; TRIPCANVAS_DEAD_LETTER_QUEUE is {deployment.settings.dead_letter_queue}")
    except ServiceError as error:
        fail(f"{error}; what was not done can be done again")
    except TripcanvasError as error:
        fail(str(error))


def _found(box: LetterBox, letter_id: str) -> Letter:
    found = next((letter for letter in box.letters() if letter.id == letter_id.lower()), None)
    if found is None:
        fail(f"there is no dead letter {letter_id}; `tripcanvas dead-letters list` shows which there are")
    return found


def _is_wanted(letter: Letter, code: str, journey: str) -> bool:
    return (not code or letter.code == code) and (not journey or journey in letter.journeys)


def _told(letter: Letter, services: Services) -> dict[str, Any]:
    """What may be told of a letter: all but its content."""
    obstacle = ""
    try:
        check_redrive(letter, services.styles)
    except Hopeless as error:
        obstacle = str(error)
    return {
        "id": letter.id,
        "enqueued_at": f"{letter.enqueued_at:%Y-%m-%dT%H:%M:%SZ}",
        "origin": letter.origin.value,
        "function": letter.function,
        "code": letter.code,
        "reason": letter.reason,
        "journeys": list(letter.journeys),
        "sent_as": letter.sent_as,
        "size_bytes": letter.size_bytes,
        "sha256": letter.sha256,
        "topic": getattr(services.settings, letter.topic) if letter.topic else "",
        "obstacle": obstacle,
    }


def _write(file: Path, content: bytes) -> None:
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(content)
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    console.print(f"{len(content)} bytes in {file}", markup=False)


def _printable(content: bytes) -> str:
    """The content as text that can't steer a terminal."""
    text = content.decode("utf-8", "replace")
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)
