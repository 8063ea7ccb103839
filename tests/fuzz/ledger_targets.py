"""The ledger's objects, read back after something has happened to them: the journey, or an error of the tree.

Which objects there are, and what stands in them, comes from a journey that the steps themselves have begun.
"""

from __future__ import annotations

from functools import cache
from random import Random

import msgspec

from shared.errors import TripcanvasError
from shared.events import Message
from shared.intake import take_message
from shared.journey import Journey
from shared.reporting import Outcome
from shared.services import Services
from shared.settings import Credentials, Settings
from tests.fuzz import seeds
from tests.fuzz.driver import no_pauses
from tests.fuzz.memory_store import HOST, MemoryStore
from tests.fuzz.targets import Target, tells_nothing
from tests.fuzz.transport import answering

_SETTINGS = Settings(
    oss_endpoint=f"http://{HOST}", ledger_bucket="ledger", gallery_bucket="gallery", render_bucket="renders",
    dashscope_url="http://127.0.0.1:7713/api/v1", dashscope_api_key="sk-0123456789abcdef",
    eas_url="http://127.0.0.1:7712", eas_token="token", feed_url="http://127.0.0.1:7714/api/posts",
)  # fmt: skip
_TRIP = Message(sent=seeds.TRIPS[1], body=seeds.TRIPS[1])


@cache
def _services() -> Services:
    return Services(_SETTINGS, Credentials("LTAI", "secret"))


@cache
def _begun() -> tuple[str, dict[str, bytes]]:
    """The id of a journey that stands as far as the steps get without a GPU side, and all objects it has made."""
    store = MemoryStore()
    with answering(store), no_pauses():
        [outcome] = take_message(_TRIP, _services())
    return outcome.journey, dict(store.objects)


def ledger_object(case: bytes, choices: Random) -> str:
    """One object of the ledger is `case`: the journey is read, or an error tells that it can't be."""
    journey_id, objects = _begun()
    store = MemoryStore()
    store.objects = dict(objects)
    store.objects[choices.choice([key for key in sorted(objects) if objects[key]])] = case
    with answering(store):
        try:
            journey = _services().ledger.read(journey_id)
        except TripcanvasError as error:
            return tells_nothing(error)
    assert isinstance(journey, Journey)
    assert len(journey.records) <= 100
    return "Journey"


def claimed_trip(case: bytes, choices: Random) -> str:
    """The same, seen by the next delivery of the trip: outcomes, never an exception."""
    journey_id, objects = _begun()
    store = MemoryStore()
    store.objects = dict(objects)
    store.objects[choices.choice([key for key in sorted(objects) if objects[key]])] = case
    with answering(store):
        outcomes = take_message(_TRIP, _services())
    assert all(isinstance(outcome, Outcome) for outcome in outcomes)
    assert len(outcomes) <= 8
    for outcome in outcomes:
        tells_nothing(outcome.reason)
    return "again" if any(outcome.retry for outcome in outcomes) else "taken"


def _objects() -> tuple[bytes, ...]:
    return tuple(body for _, body in sorted(_begun()[1].items()) if body and _is_json(body))


def _is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


LEDGER = (Target("ledger_object", _objects(), ledger_object, 2), Target("claimed_trip", _objects(), claimed_trip, 1))
