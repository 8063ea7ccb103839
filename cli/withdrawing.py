"""`tripcanvas withdraw`: remove everything of a trip, and prove it by listing."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.deployment import Env, deployment_of
from cli.letter_box import LetterBox
from cli.options import Root, fail
from shared.dead_letters import Letter, is_about, others
from shared.errors import ServiceError, TripcanvasError
from shared.withdrawing import Place, Removal, Withdrawal

console = Console(highlight=False, soft_wrap=True)


def withdraw(
    trip: Annotated[str, typer.Argument(help="The trip's id.")],
    root: Root,
    env: Env = None,
) -> None:
    """Remove everything of a trip for good: post, pictures, renders, records, dead letters; only a tombstone stays.

    It works at any step and for a trip that never came, can be repeated after any failure, and ends with status 1
    unless every place was listed afterwards and is empty.
    """
    deployment = deployment_of(root, env)
    try:
        withdrawal = Withdrawal(trip, deployment.services)
        removals = withdrawal.run([dead_letters(withdrawal)])
        is_proved = withdrawal.is_tombstone_there() and all(removal.is_done for removal in removals)
    except TripcanvasError as error:
        fail(f"{error}; withdraw the trip again when that is mended")
    _show(removals)
    if not is_proved:
        fail("not everything is gone yet; withdraw the trip again")
    console.print(f"Nothing of the trip is left. Its tombstone is {withdrawal.trip}: it is never accepted again.")


def dead_letters(withdrawal: Withdrawal) -> Place:
    """The letters of a trip, in the dead-letter queue."""
    services = withdrawal.services

    def find() -> list[str]:
        with LetterBox(services) as box:
            found = [letter.id for letter in box.letters() if _is_about(letter, box, withdrawal)]
            if unseen := box.unseen():
                raise ServiceError("mns", "InOtherHands", f"another command holds {unseen} dead letters")
        return found

    def clear() -> None:
        with LetterBox(services) as box:
            for letter in box.letters():
                if _is_about(letter, box, withdrawal):
                    box.keep(letter, others(letter, _content(letter, box), withdrawal.trip_id))
                    box.discard(letter)

    return Place("dead letters", find, clear)


def _is_about(letter: Letter, box: LetterBox, withdrawal: Withdrawal) -> bool:
    return is_about(letter, _content(letter, box), withdrawal.trip_id, withdrawal.journeys)


def _content(letter: Letter, box: LetterBox) -> bytes:
    """The original, as far as it is there; whether it is what the letter says it is does not matter here."""
    return box.kept(letter) or b""


def _show(removals: list[Removal]) -> None:
    table = Table("place", "found", "left", "", box=None)
    for removal in removals:
        left = "?" if removal.problem else str(removal.left)
        table.add_row(removal.place, str(removal.found), left, removal.problem)
    console.print(table, soft_wrap=False)
