"""A trip taken back by a person: its journeys end, and nothing of them is posted or stays posted."""

from __future__ import annotations

from shared.course import Course
from shared.errors import InvalidInput
from shared.journey import task_id, trip_key
from shared.ledger import Marker
from shared.records import (
    Cancelled,
    Inspected,
    Received,
    Step,
    Stored,
    Submitted,
)
from shared.reporting import Outcome
from shared.services import Services
from shared.traces import remove_traces


def cancel_trip(trip_id: str, services: Services) -> list[Outcome]:
    """End every journey of a trip that has not ended yet, and keep those that failed from being taken up again.

    Journeys that ended otherwise stay as they are.

    Raises `InvalidInput` for a trip of which nothing was accepted, and what the ledger raises when it can't be read.
    """
    key = trip_key(trip_id)
    claim = services.ledger.claim(key)
    if claim is None:
        raise InvalidInput("trip id", "one of a trip that was received")
    if claim.withdrawn is not None:
        raise InvalidInput("trip id", "one of a trip that was not withdrawn")
    courses = [Course(services.ledger.find(journey, key), services) for journey in claim.journeys]
    return [course.run("cancelling", _cancel) for course in courses]


def _cancel(course: Course) -> None:
    journey, services = course.journey, course.services
    if journey.ended and journey.step is not Step.FAILED:
        return
    if journey.step in (Step.HELD, Step.FAILED):
        # It has no marker, by which the sweeper would clean up what this run may leave.
        services.ledger.mark(Marker.of(journey.id, journey.need(Received), services.now()))
    # The end first: from here on no run writes another step, so none begins to post.
    course.add(Cancelled(at=services.now()))
    course.commit()
    services.ledger.release(journey)
    services.ledger.forget_failure(journey.id)
    clean_up(course)


def clean_up(course: Course) -> None:
    """Take back what a journey without a post may have left: its post, its pictures, its place in the GPU queue.

    A run that was posting when the journey ended may still succeed; the feed is told that the journey must not have a
    post, so that it takes none back and no later one in. Of a withdrawn journey nothing at all is left. Repeating it
    is harmless.
    """
    services, journey = course.services, course.journey
    if journey.step is Step.WITHDRAWN:
        remove_traces(journey, services)
        return
    every = [record for record in journey.records if isinstance(record, Stored)]
    if every:
        services.feed.withdraw(journey.id)
    for key in dict.fromkeys(each.key for stored in every for each in (stored.master, *stored.variants)):
        services.gallery.delete(key)
    for inspected in (record for record in journey.records if isinstance(record, Inspected) and record.overlay):
        services.gallery.delete(inspected.overlay)
    submitted = journey.find(Submitted)
    if submitted is not None and submitted.index:
        services.image_queue.drop(task_id(journey.id, submitted.attempt), submitted.index)
