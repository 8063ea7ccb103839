"""A message from the vehicle platform, to journeys whose pictures are queued."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from shared.composing import TEMPLATE, Composition, by_template, compose
from shared.course import Course
from shared.errors import Conflict, InvalidInput, Misconfigured, ServiceError, TripcanvasError
from shared.events import Message
from shared.facts import facts_of, sun_elevation_of
from shared.journey import journey_id, seed_of, trip_key
from shared.ledger import WITHDRAWN_CLAIM, Marker, TripClaim
from shared.measures import measures_of
from shared.moderating import (
    ANSWER,
    WORDS,
    blocked,
    check_answer,
    check_team,
    check_words,
    is_content_code,
    passes,
    refused_by_model,
    told,
)
from shared.prompts import TEAM_LENGTH
from shared.publishable import is_showable_name
from shared.records import (
    Prompted,
    Received,
    Step,
    Verdict,
)
from shared.rejection import NoConsent, reject, reject_conflict
from shared.reporting import Outcome
from shared.services import Services
from shared.styles import Style, choose_style
from shared.submission import BACKFILL, LIVE, submit
from shared.telemetry import log
from shared.tracing import is_traceparent
from shared.trips import Trip, check_is_over, content_hash, parse_trip

#: Time one journey may need here: a model that answers late twice, moderation, and everything else.
_ONE_JOURNEY = timedelta(seconds=80)
_NO_TIME = "no time left in this run"


def take_message(message: Message, services: Services, until: datetime | None = None) -> list[Outcome]:
    """Validate one trip message and take each of its journeys as far as the GPU queue.

    Repeating it is harmless: whatever the ledger has already is passed over. A fault of one message or style never
    touches another; what should be delivered again is said in the outcome. A message that might not be done by
    `until` is not begun, but asked for again.
    """
    try:
        trip = parse_trip(message.body)
        if not trip.consent.process:
            raise NoConsent("consent.process", "true; without it nothing is processed")
        claim = _claim(message, trip, services)
    except InvalidInput as error:
        return [reject(message, error, services)]
    key, first = trip_key(trip.trip_id), next(iter(claim.journeys))
    if _is_late(services, until):
        return [Outcome(first, "receiving", _NO_TIME, retry=True)]
    try:
        standing = _receive(key, claim, services)
    except TripcanvasError as error:
        log("trouble", journey=first, during="receiving", code=type(error).__name__)
        return [Outcome(first, "receiving", str(error), retry=True)]
    if standing.withdrawn is not None:
        log("withdrawn", journey=first)
        return [Outcome(first, Step.WITHDRAWN.value)]
    if standing.content_hash != claim.content_hash:
        conflict = Conflict("trip_id", "new; this one was accepted before with other content, which stands")
        return [reject_conflict(message, conflict, next(iter(standing.journeys)), services)]
    is_new = standing is claim
    team = trip.team.name if trip.team else ""
    return [_take_journey(journey, standing, services, until, team, is_new=is_new) for journey in standing.journeys]


def _claim(message: Message, trip: Trip, services: Services) -> TripClaim:
    facts, digest, now = facts_of(trip), content_hash(trip), services.now()
    check_is_over(trip, now)
    journeys = {}
    for style in _styles_of(trip, services):
        journey = journey_id(trip.trip_id, style)
        journeys[journey] = Received(
            at=now,
            trip=trip_key(trip.trip_id),
            content_hash=digest,
            style=style,
            source=BACKFILL if message.direct else LIVE,
            facts=facts,
            publish=trip.consent.publish and not message.draft,
            show_cities=trip.consent.show_cities,
            trip_date=trip.ended_at.date().isoformat(),
            distance_km=_rounded_km(trip.distance_km),
            traceparent=_traceparent(message, journey),
            sun_elevation_deg=sun_elevation_of(trip),
        )
    return TripClaim(digest, journeys)


def _styles_of(trip: Trip, services: Services) -> tuple[str, ...]:
    for number, style in enumerate(trip.styles):
        if style not in services.styles:
            raise InvalidInput(f"styles[{number}]", f"one of {', '.join(sorted(services.styles))}")
    return tuple(dict.fromkeys(trip.styles)) or (choose_style(facts_of(trip), services.styles).id,)


def _receive(trip: str, claim: TripClaim, services: Services) -> TripClaim:
    """Put the markers and the claim, unless the trip is withdrawn; returns the claim that stands."""
    ledger, markers = services.ledger, _markers(claim, services)
    # Claims end by their age, tombstones do not. A withdrawal after this look finds the claim, or keeps it from being
    # made.
    if ledger.is_withdrawn(trip):
        return WITHDRAWN_CLAIM
    # The markers first: a journey that dies right after its claim must still be found.
    for marker in markers:
        ledger.mark(marker)
    standing = ledger.claim_trip(trip, claim)
    if standing is claim:
        for journey in claim.journeys:
            log("step", **measures_of(claim.journey(journey), 0, None, services.settings))
    else:
        log("duplicate", journey=next(iter(claim.journeys)))
        for marker in set(markers).difference(_markers(standing, services)):
            ledger.unmark(marker)
    return standing


def _markers(claim: TripClaim, services: Services) -> list[Marker]:
    allowance = services.step_allowance
    return [Marker.of(journey, received, received.at + allowance) for journey, received in claim.journeys.items()]


def _take_journey(
    journey: str, claim: TripClaim, services: Services, until: datetime | None, team: str, *, is_new: bool
) -> Outcome:
    course = Course(claim.journey(journey), services)
    try:
        if not is_new:
            course.reload()
            if not course.journey.records:
                course = Course(claim.journey(journey), services)
        if _is_late(services, until):
            outcome = Outcome(journey, Step.RECEIVED.value, _NO_TIME)
        else:
            outcome = course.run("submitting", partial(begin, team=team))
        course.hand_over(outcome)
    except TripcanvasError as error:
        log("trouble", journey=journey, during="taking", code=type(error).__name__)
        return Outcome(journey, "receiving", str(error), retry=True)
    return outcome


def begin(course: Course, team: str = "") -> None:
    """Write the brief of a journey that has none, and queue its first render; any other journey stays as it is.

    Words that moderation does not let pass end the journey here, or hold it. `team` is the team's name, which only the
    message holds: a journey that is begun by the sweeper goes without it.
    """
    if course.journey.place is Step.RECEIVED:
        _write(course, check_words(course), team)
        if course.journey.finished:
            course.close()
            return
    if course.journey.place in (Step.PROMPTED, Step.SUBMITTING):
        submit(course)


def _write(course: Course, on_words: tuple[Verdict, ...], team: str) -> None:
    """Add the brief to a journey whose words passed, or its end when the model's own content check refuses them."""
    if course.journey.finished:
        return
    services, received = course.services, course.journey.need(Received)
    style, seed = services.style(received.style), seed_of(course.journey.id)
    try:
        model = services.text_model
    except Misconfigured as error:
        composition = by_template(received.facts, style, seed, str(error))
    else:
        composition = compose(received.facts, style, seed, model, name_places=received.show_cities)
    verdicts = on_words
    if is_content_code(composition.refusal):
        verdicts += (refused_by_model(WORDS if on_words else ANSWER, composition.refusal, services),)
        if on_words:
            course.add(blocked(verdicts, services))
            return
    elif composition.written_by != TEMPLATE:
        composition, on_answer = _moderated(composition, course, style, seed)
        verdicts += on_answer
    on_team = _checked_team(team, course) if composition.brief.names_team else None
    if composition.fallback:
        log("fallback", journey=course.journey.id, rounds=composition.rounds)
    course.add(
        Prompted(
            at=services.now(),
            brief=composition.brief,
            written_by=composition.written_by,
            fallback=composition.fallback,
            input_tokens=composition.input_tokens,
            output_tokens=composition.output_tokens,
            team=team if on_team and passes(on_team, services) else "",
            verdicts=verdicts + ((on_team,) if on_team else ()),
        )
    )


def _checked_team(team: str, course: Course) -> Verdict | None:
    """What moderation says of a team's name; None when it is not asked, or does not say: the post goes without it."""
    if not 0 < len(team) <= TEAM_LENGTH or not is_showable_name(team):
        return None
    try:
        return check_team(team, course.journey.id, course.services)
    except (ServiceError, Misconfigured) as error:
        log("trouble", journey=course.journey.id, during="team", code=type(error).__name__)
        return None


def _moderated(
    composition: Composition, course: Course, style: Style, seed: int
) -> tuple[Composition, tuple[Verdict, ...]]:
    """What a model wrote, if moderation lets it pass, else the template's; an answer is billed, and not asked again."""
    facts, services = course.journey.need(Received).facts, course.services
    try:
        verdict = check_answer(composition.brief, course.journey.id, services)
    except (ServiceError, Misconfigured) as error:
        return by_template(facts, style, seed, f"answer not checked: {error}", composition.answers), ()
    if passes(verdict, services):
        return composition, (verdict,)
    return by_template(facts, style, seed, told((verdict,)), composition.answers), (verdict,)


def _is_late(services: Services, until: datetime | None) -> bool:
    return until is not None and services.now() + _ONE_JOURNEY > until


def _rounded_km(distance_km: float) -> int:
    """The distance as the post shows it: whole tens beyond 20 km, so that it does not measure the way to a door."""
    return round(distance_km / 10) * 10 if distance_km > 20 else round(distance_km)


def _traceparent(message: Message, journey: str) -> str:
    """The sender's W3C trace, or one that belongs to the journey."""
    if is_traceparent(message.traceparent):
        return message.traceparent
    digits = journey.replace("-", "")
    return f"00-{digits}-{digits[:16]}-01"
