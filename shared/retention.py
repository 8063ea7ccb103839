"""How long each prefix of each bucket is kept, and why: the one table that deployments and the embedded cloud follow.

OSS does the deleting, by lifecycle rules: an object ends at the midnight (UTC) after so many days since it was last
written. Nothing here may end while a run can still need it: the create-only claims and entries hold only as long as
they are there. So a claim outlives every way in which its trip can come back by itself, and the entries of a journey
never outlive its claim by more than the lifetime of a journey.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.settings import Settings

#: Longest time in which the platform delivers a message again by itself, in days: a topic keeps one day, Function
#: Compute tries for one day (`s.yaml`), and the queue of dead letters keeps at most seven (limits page of SMQ).
REDELIVERY_DAYS = 1 + 1 + 7
#: What a rule of this product is called; other rules of a bucket are left alone.
RULE_PREFIX = "tripcanvas-"


@dataclass(frozen=True, slots=True)
class Retention:
    """How long one prefix is kept. `bucket` is the setting that names the bucket; `days` is None for no end by age."""

    bucket: str
    prefix: str
    days: int | None
    why: str

    @property
    def rule_id(self) -> str:
        """The id of its lifecycle rule."""
        return RULE_PREFIX + self.prefix.strip("/").replace("/", "-")


def retentions(settings: Settings) -> tuple[Retention, ...]:
    """The table of a deployment, bucket by bucket."""
    ledger, gallery, renders = "ledger_bucket", "gallery_bucket", "render_bucket"
    return (
        Retention(ledger, "open/", 30, "an unfinished journey is closed after a day; an outage may last longer"),
        Retention(ledger, "held/", 30, "a held journey's picture is kept as long; nobody has decided in that time"),
        Retention(ledger, "failed/", 30, "a failed journey is looked into or redriven as long as its render is kept"),
        Retention(ledger, "journeys/", 180, "what became of a trip can be asked for half a year"),
        Retention(ledger, "trips/", 210, "a repeated trip is known as long as its journeys are, and a month more"),
        Retention(ledger, "dead-letters/", 8, "the letter that names the bytes lies seven days in its queue"),
        Retention(
            ledger, "probes/", 1, "what a check of the deployment puts and deletes; one that was cut off leaves it"
        ),
        Retention(ledger, "tombstones/", None, "a withdrawn trip is never accepted again; holds no content"),
        Retention(gallery, "private/", 90, "masters and marked pictures, for a person who looks into a journey"),
        Retention(gallery, "posts/", None, "the pictures of a post, as long as it stands; withdrawing deletes them"),
        Retention(renders, f"{settings.render_prefix}/output/", 30, "a held picture is decided on in that time"),
    )
