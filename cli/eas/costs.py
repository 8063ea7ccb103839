"""What idling costs, and how long a trip waits: for each kind of machine and each lowest number of instances.

Only arithmetic on ``settings.toml``: its prices and assumptions decide, and none of them is a quotation. The model:

- an instance is paid from start to stop, painting or not;
- with `min` 0 the instances go after `zero_grace_s` without a record, so a day with trips in `active_hours_per_day`
  costs those hours and one grace period; trips are taken as spread over these hours densely enough to keep one
  instance up;
- the first trip after that waits for `cold_start_s`, and then for its picture;
- the queue lengthens a wait by the records in front: at most `backlog_per_replica` times `render_s` before another
  instance is started.

The queue sub-service (CPU only) runs, and is paid, all day in any case; it is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.errors import InvalidInput

if TYPE_CHECKING:
    from cli.eas.settings import Autoscaler, Settings

DAYS_PER_MONTH = 30


@dataclass(frozen=True, slots=True)
class Choice:
    """One kind of machine with one lowest number of instances; CNY and seconds."""

    resource: str
    min: int
    night_cny: float
    month_cny: float
    first_trip_waits_s: int
    picture_cny: float


@dataclass(frozen=True, slots=True)
class Backlog:
    """One threshold of the queue's length: seconds that the last record waits, and instances for a burst."""

    backlog_per_replica: int
    waits_s: int
    burst_instances: int


def choices(settings: Settings) -> list[Choice]:
    """`min` 0 and 1 on every kind of machine. Raises `InvalidInput` when there is no autoscaler to choose for."""
    scaler = _scaler(settings)
    return [_choice(settings, scaler, resource, lowest) for resource in settings.resources for lowest in (0, 1)]


def backlogs(settings: Settings, burst: int = 40) -> list[Backlog]:
    """Thresholds around the one chosen, and what `burst` trips at once make of them."""
    scaler = _scaler(settings)
    chosen = scaler.backlog_per_replica
    return [
        Backlog(
            backlog_per_replica=threshold,
            waits_s=threshold * settings.costs.render_s,
            burst_instances=min(scaler.max, math.ceil(burst / threshold)),
        )
        for threshold in sorted({1, max(1, chosen // 2), chosen, chosen * 2, chosen * 4})
    ]


def _choice(settings: Settings, scaler: Autoscaler, resource: str, lowest: int) -> Choice:
    machine, costs = settings.resources[resource], settings.costs
    busy_hours = costs.trips_per_day * costs.render_s / 3600
    up_hours = min(24.0, costs.active_hours_per_day + scaler.zero_grace_s / 3600) if lowest == 0 else 24.0 * lowest
    # Work beyond what the instances that are up anyway can do is done by further ones.
    day_hours = max(up_hours, busy_hours)
    night_hours = 24 - costs.active_hours_per_day
    month_cny = day_hours * machine.cny_per_hour * DAYS_PER_MONTH
    return Choice(
        resource=resource,
        min=lowest,
        night_cny=machine.cny_per_hour * (night_hours if lowest else min(night_hours, scaler.zero_grace_s / 3600)),
        month_cny=month_cny,
        first_trip_waits_s=costs.render_s + (costs.cold_start_s if lowest == 0 else 0),
        picture_cny=month_cny / (costs.trips_per_day * DAYS_PER_MONTH),
    )


def _scaler(settings: Settings) -> Autoscaler:
    if settings.api.autoscaler is None:
        raise InvalidInput("api.autoscaler", "the table; without it there is no choice to compare")
    return settings.api.autoscaler
