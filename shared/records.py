"""The records of a journey: what each step leaves on the ledger.

Every step leaves one record, every step that did not succeed yet a `Trouble`. Which may follow which is the journey's
affair (`shared.journey`). What is added to a record needs a default: journeys begun by an older version are read too.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TypeAlias

import msgspec

from shared.facts import TripFacts
from shared.prompts import Brief


class Step(str, Enum):
    """The steps of a journey, by the names under which they stand in the ledger."""

    RECEIVED = "received"
    PROMPTED = "prompted"
    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    RENDERED = "rendered"
    RENDER_FAILED = "render_failed"
    INSPECTED = "inspected"
    STORED = "stored"
    PUBLISHED = "published"
    HELD = "held"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"
    APPROVED = "approved"
    REDRIVEN = "redriven"


class _Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="step"):
    at: datetime
    attempt: int = 0


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one moderation service said of one content of the journey; the content itself is not in it.

    `subject` is "words" (the owner's), "answer" (the text model's) or "picture"; `level` is none, low, medium
    or high; `sha256` is that of the file, for a picture.
    """

    subject: str
    service: str
    level: str
    labels: tuple[str, ...]
    request_id: str
    at: datetime
    sha256: str = ""


class Received(_Record, frozen=True, kw_only=True, tag=Step.RECEIVED.value):
    """The trip was accepted: what the later steps need of it, and nothing that may not leave the house.

    `trip` is the key of the trip's claim; `source` is "live" or "backfill"; `sun_elevation_deg` is the sun's height at
    the trip's end, None in records from before it was kept.
    """

    trip: str
    content_hash: str
    style: str
    source: str
    facts: TripFacts
    publish: bool
    show_cities: bool
    trip_date: str
    distance_km: int
    traceparent: str = ""
    sun_elevation_deg: int | None = None


class Prompted(_Record, frozen=True, kw_only=True, tag=Step.PROMPTED.value):
    """The brief stands. `written_by` is the model id or "template"; `fallback` says why it was the template.

    `verdicts` are those on the owner's words, on the model's answer and on the team's name. `team` is that name when
    the brief speaks of the team and moderation let the name pass; a name that may not be shown stands nowhere.
    """

    brief: Brief
    written_by: str
    team: str = ""
    fallback: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    verdicts: tuple[Verdict, ...] = ()


class Submitting(_Record, frozen=True, kw_only=True, tag=Step.SUBMITTING.value):
    """About to queue the graph; written before the effect."""

    task_id: str
    workflow: str
    graph_sha256: str
    seed: int


class Submitted(_Record, frozen=True, kw_only=True, tag=Step.SUBMITTED.value):
    """The queue has the graph; `index` is its place in the input queue, 0 when it had left that already."""

    index: int
    request_id: str
    deadline: datetime


class Rendered(_Record, frozen=True, kw_only=True, tag=Step.RENDERED.value):
    """The GPU side reported files; `files` are paths below its output folder in the render bucket.

    `plate` is the background without the car, "" when there is none.
    """

    files: tuple[str, ...]
    plate: str = ""


class RenderFailed(_Record, frozen=True, kw_only=True, tag=Step.RENDER_FAILED.value):
    """The GPU side reported an error; `retry` says whether another seed or another instance can help.

    `busy`: nothing was painted, because the image service was overloaded or not reached; it needs time, not a seed.
    """

    code: str
    reason: str
    retry: bool
    busy: bool = False


class Metric(msgspec.Struct, frozen=True):
    """One measured quality of a picture, with the bounds it was judged by."""

    name: str
    value: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def passed(self) -> bool:
        """Whether the value lies within its bounds."""
        return (self.at_least is None or self.value >= self.at_least) and (
            self.at_most is None or self.value <= self.at_most
        )


class Inspected(_Record, frozen=True, kw_only=True, tag=Step.INSPECTED.value):
    """The picture was measured. `verdict` is "pass", "again", "hold" where another render can't help, or
    "refused" when the judge's own content check did.

    `overlay` is the key in the gallery of a picture that shows what failed, "" when nothing did.
    """

    metrics: tuple[Metric, ...]
    verdict: str
    overlay: str = ""


class StoredObject(msgspec.Struct, frozen=True):
    """One encoded picture in the gallery; `name` is that of the variant, empty in records from before it was kept."""

    key: str
    content_type: str
    width: int
    height: int
    size_bytes: int
    sha256: str
    name: str = ""


class Stored(_Record, frozen=True, kw_only=True, tag=Step.STORED.value):
    """The labelled pictures, as they stand in the gallery or are being put there; `label` was read back from them.

    Written before the first of them is put, so that only one run's pictures ever are, and after moderation.
    """

    master: StoredObject
    variants: tuple[StoredObject, ...]
    label: str
    verdicts: tuple[Verdict, ...] = ()


class Published(_Record, frozen=True, kw_only=True, tag=Step.PUBLISHED.value):
    """The community feed has the post."""

    post_id: str
    post_url: str
    visibility: str


class Held(_Record, frozen=True, kw_only=True, tag=Step.HELD.value):
    """Waits for a person. `code` is inspection, encoding or moderation; `verdicts` are moderation's."""

    code: str
    reason: str
    verdicts: tuple[Verdict, ...] = ()


class Approved(_Record, frozen=True, kw_only=True, tag=Step.APPROVED.value):
    """A person, `by` name, has looked at what was held, and lets the journey go on from there."""

    by: str


class Redriven(_Record, frozen=True, kw_only=True, tag=Step.REDRIVEN.value):
    """A person, `by` name, takes a failed or held journey up again: it stands where it stood after the step `place`.

    `attempt` is the newest one; the renders are counted anew after it. `was` is the code of the end or of the hold.
    """

    by: str
    place: Step
    was: str


class Rejected(_Record, frozen=True, kw_only=True, tag=Step.REJECTED.value):
    """The message could not be used: whose field, and what was expected there."""

    code: str
    reason: str
    sha256: str
    size_bytes: int
    message_id: str = ""


class Failed(_Record, frozen=True, kw_only=True, tag=Step.FAILED.value):
    """Given up, with the reason. `by` is the person who ended it, if one did; `verdicts` are what moderation said."""

    code: str
    reason: str
    by: str = ""
    verdicts: tuple[Verdict, ...] = ()


class Cancelled(_Record, frozen=True, kw_only=True, tag=Step.CANCELLED.value):
    """A person took the journey back; it is never posted."""


class Withdrawn(_Record, frozen=True, kw_only=True, tag=Step.WITHDRAWN.value):
    """The owner took the trip back: nothing of it is kept, and nothing more is done. `attempt` is the last one made."""


class Trouble(_Record, frozen=True, kw_only=True, tag="trouble"):
    """A step that did not succeed yet and will be tried again. Moves nothing.

    `nothing_taken` is noted by the owner of the submission of this `attempt`: the queue definitely took nothing, so
    that it may be queued again without a look-up.
    """

    during: str
    service: str
    code: str
    reason: str
    nothing_taken: bool = False


StepRecord: TypeAlias = (
    Received
    | Prompted
    | Submitting
    | Submitted
    | Rendered
    | RenderFailed
    | Inspected
    | Stored
    | Published
    | Held
    | Approved
    | Redriven
    | Rejected
    | Failed
    | Cancelled
    | Withdrawn
)
Record: TypeAlias = StepRecord | Trouble


def step_of(record: StepRecord) -> Step:
    """The step a record stands for."""
    return Step(record.__struct_config__.tag)
