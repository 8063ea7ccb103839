"""What a backfill will cost and how long it will take: arithmetic on settings, none of it a quotation. Pure.

Three rates bound it, and the slowest decides: trips sent per second, trips sent per day, and pictures painted by as
many instances as the autoscaler may start. A journey that is not finished when its lifetime ends is given up, so no
more may be under way than are painted in that time.
"""

from __future__ import annotations

from dataclasses import dataclass

_DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class Painting:
    """The GPU side: seconds a picture takes, instances at most, and CNY an hour of one."""

    render_s: float
    instances: int
    cny_per_hour: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds and CNY. `bound_by` names the rate that decides; `services_cny` is None where no price is known."""

    seconds: float
    bound_by: str
    instances_cny: float
    services_cny: float | None
    most_under_way: int

    @property
    def cny(self) -> float | None:
        """The sum, where both parts are known."""
        return None if self.services_cny is None else self.services_cny + self.instances_cny


def estimate(
    trips: int,
    journeys: int,
    *,
    per_second: float,
    per_day: int,
    painting: Painting,
    lifetime_s: float,
    cny_per_post: float | None,
) -> Estimate:
    """What so many trips with so many journeys come to; `per_day` 0 is no limit.

    `cny_per_post` is what the models, moderation and storage cost for one post, without the instances.
    """
    work_s = journeys * painting.render_s
    rates = {
        "--per-second": trips / per_second,
        "--per-day": (trips - 1) // per_day * _DAY_S if per_day and trips else 0.0,
        f"painting: {painting.instances} instances, {painting.render_s:g} s a picture": work_s / painting.instances,
    }
    bound_by = max(rates, key=lambda name: rates[name])
    return Estimate(
        seconds=rates[bound_by],
        bound_by=bound_by,
        instances_cny=work_s / 3600 * painting.cny_per_hour,
        services_cny=None if cny_per_post is None else journeys * cny_per_post,
        most_under_way=int(lifetime_s / painting.render_s * painting.instances),
    )


def spoken(seconds: float) -> str:
    """A duration for people: ``40 s``, ``12 min``, ``3.5 h``, ``2.1 days``."""
    for unit, size in (("days", _DAY_S), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.1f} {unit}" if unit != "min" else f"{seconds / size:.0f} min"
    return f"{seconds:.0f} s"
