"""What a journey may leave outside the ledger: a post, pictures, renders, a graph that waits. Found, and removed.

Everything is found by the journey's id alone, so that it can be removed when the ledger has forgotten the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shared.clouds.objects import Bucket
from shared.journey import Journey, task_id
from shared.results import SinkRecord
from shared.services import Services

#: Objects of one journey in one folder: a few files for each render.
_MAX_FILES = 10_000
_QUEUES = 2


@dataclass(frozen=True, slots=True)
class Place:
    """One place where journeys leave traces.

    `find` lists what is there of a journey by names that tell nothing about the trip, `remove` takes it away and lets
    none in later where the place can do that. Both raise what the place's service raises.
    """

    name: str
    find: Callable[[Journey, Services], list[str]]
    remove: Callable[[Journey, Services], None]


def picture_folders(journey_id: str) -> tuple[str, str]:
    """Where a journey's private files (master, marked pictures) and the pictures of its post lie in the gallery."""
    return f"private/{journey_id[:2]}/{journey_id}/", f"posts/{journey_id[:2]}/{journey_id}/"


def remove_traces(journey: Journey, services: Services) -> None:
    """Take away all that the journey has left outside the ledger. Harmless to repeat."""
    for place in PLACES:
        place.remove(journey, services)


def _post(journey: Journey, services: Services) -> list[str]:
    receipt = services.feed.find(journey.id)
    return [] if receipt is None else [receipt.post_id]


def _withdraw_post(journey: Journey, services: Services) -> None:
    services.feed.withdraw(journey.id)


def _pictures(journey: Journey, services: Services) -> list[str]:
    return [key for folder in picture_folders(journey.id) for key in services.gallery.keys(folder, limit=_MAX_FILES)]


def _renders(journey: Journey, services: Services) -> list[str]:
    # One folder for each task, which is named after journey and attempt; the hyphen keeps other journeys out.
    prefix = f"{services.settings.render_prefix}/output/{journey.id}-"
    return list(services.renders.keys(prefix, limit=_MAX_FILES))


def _delete_pictures(journey: Journey, services: Services) -> None:
    _delete(services.gallery, _pictures(journey, services))


def _delete_renders(journey: Journey, services: Services) -> None:
    _delete(services.renders, _renders(journey, services))


def _delete(bucket: Bucket, keys: list[str]) -> None:
    for key in keys:
        bucket.delete(key)


def _queued(journey: Journey, services: Services) -> list[str]:
    return [task for task in _tasks(journey) if services.image_queue.find(task)]


def _dequeue(journey: Journey, services: Services) -> None:
    queue = services.image_queue
    for task in _tasks(journey):
        # The graph may wait in one queue and an earlier answer to it in the other.
        for _ in range(_QUEUES):
            found = queue.find(task)
            if found is None:
                break
            if found.reported:
                queue.delete_from_sink([SinkRecord(task_id=task, request_id="", index=found.index, answer="")])
            else:
                queue.drop(task, found.index)


def _tasks(journey: Journey) -> list[str]:
    return [task_id(journey.id, attempt) for attempt in range(1, journey.attempt + 1)]


#: In the order in which they are cleared: what the public sees first, then what it is made of.
PLACES = (
    Place("post", _post, _withdraw_post),
    Place("pictures", _pictures, _delete_pictures),
    Place("queued render", _queued, _dequeue),
    Place("rendered files", _renders, _delete_renders),
)
