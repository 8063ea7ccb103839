"""How long a backfill will take and what it will cost: arithmetic on settings, none of it a quotation. Pure.

Three rates bound it, and the slowest decides: trips sent per second, trips sent per day, and pictures painted by as
many instances as the autoscaler may start. A journey that is not finished when its lifetime ends is given up, so no
more may be under way than are painted in that time.
"""

from __future__ import annotations

from dataclasses import dataclass

_DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class Painting:
    """The GPU side: seconds a picture takes, and instances at most."""

    render_s: float
    instances: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds and CNY; `bound_by` names the rate that decides."""

    seconds: float
    bound_by: str
    cny: float
    most_under_way: int


def estimate(
    trips: int,
    journeys: int,
    *,
    per_second: float,
    per_day: int,
    painting: Painting,
    lifetime_s: float,
    cny_per_post: float,
) -> Estimate:
    """What so many trips with so many journeys come to; `per_day` 0 is no limit."""
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
        cny=journeys * cny_per_post,
        most_under_way=int(lifetime_s / painting.render_s * painting.instances),
    )


def spoken(seconds: float) -> str:
    """A duration for people: ``40 s``, ``12 min``, ``3.5 h``, ``2.1 days``."""
    for unit, size in (("days", _DAY_S), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.1f} {unit}" if unit != "min" else f"{seconds / size:.0f} min"
    return f"{seconds:.0f} s"
