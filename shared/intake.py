"""A message from the vehicle platform, to journeys whose pictures are queued."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from shared.composing import by_template, compose
from shared.errors import Conflict, InvalidInput, Misconfigured, NotDone, TripcanvasError
from shared.events import Message
from shared.facts import facts_of
from shared.journey import Journey, Prompted, Received, Step, journey_id, seed_of, trip_key
from shared.ledger import TripClaim
from shared.rejection import NoConsent, reject, reject_conflict
from shared.reporting import Outcome
from shared.services import Services
from shared.styles import choose_style
from shared.submission import BACKFILL, LIVE, close_failed, record, submit
from shared.telemetry import log
from shared.trips import Trip, content_hash, parse_trip
from shared.troubles import note_trouble

#: Time one journey may need here: a model that answers late twice, and everything else.
_ONE_JOURNEY = timedelta(seconds=75)


def take_message(message: Message, services: Services, until: datetime | None = None) -> list[Outcome]:
    """Validate one trip message and take each of its journeys as far as the GPU queue.

    Repeating it is harmless: every step already on the ledger is passed over. A fault of one message or style never
    touches another; what should be tried again is said in the outcome. A journey that might not be done by `until` is
    not begun, but asked for again.
    """
    try:
        trip = parse_trip(message.body)
        if not trip.consent.process:
            raise NoConsent("consent.process", "true; without it nothing is processed")
        claim = TripClaim(content_hash(trip), _styles_of(trip, services))
    except InvalidInput as error:
        return [reject(message, error, services)]
    first = journey_id(trip.trip_id, claim.styles[0])
    try:
        standing = services.ledger.claim_trip(trip_key(trip.trip_id), claim)
    except TripcanvasError as error:
        note_trouble(first, "receiving", error, services)
        return [Outcome(first, "receiving", str(error), retry=True)]
    if standing.content_hash != claim.content_hash:
        conflict = Conflict("trip_id", "new; this one was accepted before with other content, which stands")
        return [reject_conflict(message, conflict, journey_id(trip.trip_id, standing.styles[0]), services)]
    return [_take_journey(message, trip, style, services, until) for style in standing.styles]


def _styles_of(trip: Trip, services: Services) -> tuple[str, ...]:
    for number, style in enumerate(trip.styles):
        if style not in services.styles:
            raise InvalidInput(f"styles[{number}]", f"one of {', '.join(sorted(services.styles))}")
    return tuple(dict.fromkeys(trip.styles)) or (choose_style(facts_of(trip), services.styles).id,)


def _take_journey(message: Message, trip: Trip, style: str, services: Services, until: datetime | None) -> Outcome:
    journey = Journey(journey_id(trip.trip_id, style))
    during = "receiving"
    try:
        if until is not None and services.now() + _ONE_JOURNEY > until:
            return Outcome(journey.id, during, "no time left in this run", retry=True)
        journey = _received(journey, message, trip, style, services)
        during = "prompting"
        journey = prompt(journey, services)
        during = "submitting"
        if journey.step in (Step.PROMPTED, Step.SUBMITTING):
            try:
                journey = submit(journey, services)
            except NotDone as error:
                journey = close_failed(journey, during, str(error), services)
    except TripcanvasError as error:
        note_trouble(journey.id, during, error, services)
        return Outcome(journey.id, during, str(error), retry=True)
    return Outcome(journey.id, journey.step.value if journey.step else "")


def _received(journey: Journey, message: Message, trip: Trip, style: str, services: Services) -> Journey:
    received = Received(
        at=services.now(),
        content_hash=content_hash(trip),
        style=style,
        source=BACKFILL if message.direct else LIVE,
        facts=facts_of(trip),
        publish=trip.consent.publish,
        show_cities=trip.consent.show_cities,
        trip_date=trip.ended_at.date().isoformat(),
        distance_km=_rounded_km(trip.distance_km),
        traceparent=_traceparent(message, journey.id),
    )
    # The marker first: a journey that dies right after its first record must still be found.
    services.ledger.open(journey.id, received.at + services.step_allowance)
    journey, mine = record(journey, received, services)
    if not mine:
        log("duplicate", journey=journey.id)
        if journey.finished:
            services.ledger.drop_marker_of(journey.id, received.at + services.step_allowance)
    return journey


def prompt(journey: Journey, services: Services) -> Journey:
    """Write the brief of a journey that stands at `received`; any other journey comes back as it is."""
    received = journey.find(Received)
    if journey.step is not Step.RECEIVED or received is None:
        return journey
    style, seed = services.style(received.style), seed_of(journey.id)
    try:
        model = services.text_model
    except Misconfigured as error:
        composition = by_template(received.facts, style, seed, str(error))
    else:
        composition = compose(received.facts, style, seed, model, name_places=received.show_cities)
    if composition.fallback:
        log("fallback", journey=journey.id, rounds=composition.rounds)
    prompted = Prompted(
        at=services.now(),
        brief=composition.brief,
        written_by=composition.written_by,
        fallback=composition.fallback,
        input_tokens=composition.input_tokens,
        output_tokens=composition.output_tokens,
    )
    return record(journey, prompted, services)[0]


def _rounded_km(distance_km: float) -> int:
    """The distance as the post shows it: whole tens beyond 20 km, so that it does not measure the way to a door."""
    return round(distance_km / 10) * 10 if distance_km > 20 else round(distance_km)


def _traceparent(message: Message, journey: str) -> str:
    """The sender's W3C trace, or one that belongs to the journey."""
    if re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", message.traceparent):
        return message.traceparent
    digits = journey.replace("-", "")
    return f"00-{digits}-{digits[:16]}-01"
