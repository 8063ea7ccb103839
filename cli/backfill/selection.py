"""Which rows of a source are sent: valid trips, with consent, that pass the filters. Pure, but for the styles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum

import msgspec

from cli.backfill.columns import column_of
from cli.backfill.rows import Row
from shared.errors import InvalidInput
from shared.events import wrapped
from shared.facts import TripFacts, facts_of
from shared.gazetteer import find_city
from shared.journey import journey_id, trip_key
from shared.rejection import rejections_of
from shared.styles import Style, choose_style
from shared.trips import MAX_TRIP_BYTES, Trip, check_is_over, parse_trip


class Kind(str, Enum):
    """What a row is to a backfill."""

    CHOSEN = "chosen"
    FILTERED = "filtered"
    BROKEN = "broken"
    NO_CONSENT = "no_consent"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which trips are wanted; an empty filter lets every trip pass.

    `first` and `last` bound the day on which a trip ended, where it ended; `cities` are passed through, start and end
    included; `models` are the car's; `styles` those it will be painted in.
    """

    first: date | None = None
    last: date | None = None
    cities: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.first and self.last and self.last < self.first:
            raise InvalidInput("--to", f"a day not before {self.first}")


@dataclass(frozen=True, slots=True)
class Choice:
    """A row as it was judged. `number` counts the rows of the source from 1.

    `trip` is the key of the trip in the ledger, "" where there is none; `journeys` are those it will open, by their
    styles; `rejections` is the journey under which the function would record that it refuses the trip. `event` is
    what the function is given.
    """

    number: int
    place: str
    kind: Kind
    reason: str = ""
    trip: str = ""
    journeys: tuple[tuple[str, str], ...] = ()
    rejections: str = ""
    event: bytes = b""


@dataclass(frozen=True)
class Selection:
    """How rows become what is sent. Raises `InvalidInput` for a filter that can never match."""

    filters: Filters
    styles: dict[str, Style]
    now: datetime
    publish: bool = False
    _cities: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        for style in self.filters.styles:
            if style not in self.styles:
                raise InvalidInput("--style", f"one of {', '.join(sorted(self.styles))}")
        named = ((find_city(name), name) for name in self.filters.cities)
        object.__setattr__(self, "_cities", frozenset(city.name_zh if city else name for city, name in named))

    def choose(self, number: int, row: Row) -> Choice:
        """Judge one row."""
        try:
            if row.fault:
                raise row.fault
            trip = parse_trip(row.message)
            if not trip.consent.process:
                # Not even how its fields are: nobody may look at it.
                return Choice(number, row.place, Kind.NO_CONSENT, trip=trip_key(trip.trip_id))
            check_is_over(trip, self.now)
            # The costliest look at a trip, by far.
            facts = facts_of(trip) if not trip.styles or self.filters.models or self._cities else None
            chosen = self._styles_of(trip, facts)
            event = wrapped(msgspec.json.encode(trip), publish=self.publish)
            if len(event) > MAX_TRIP_BYTES:
                raise InvalidInput("message", f"at most {MAX_TRIP_BYTES} bytes, got {len(event)}")
        except InvalidInput as error:
            field_ = column_of(error.field) if row.flat else error.field
            return Choice(number, row.place, Kind.BROKEN, f"{field_}: {error.expected}")
        if not self._wanted(trip, chosen, facts):
            return Choice(number, row.place, Kind.FILTERED)
        journeys = tuple((journey_id(trip.trip_id, style), style) for style in chosen)
        return Choice(
            number,
            row.place,
            Kind.CHOSEN,
            trip=trip_key(trip.trip_id),
            journeys=journeys,
            rejections=rejections_of(trip.trip_id),
            event=event,
        )

    def _styles_of(self, trip: Trip, facts: TripFacts | None) -> tuple[str, ...]:
        for number, style in enumerate(trip.styles):
            if style not in self.styles:
                raise InvalidInput(f"styles[{number}]", f"one of {', '.join(sorted(self.styles))}")
        return tuple(dict.fromkeys(trip.styles)) or (choose_style(facts or facts_of(trip), self.styles).id,)

    def _wanted(self, trip: Trip, styles: tuple[str, ...], facts: TripFacts | None) -> bool:
        filters, day = self.filters, trip.ended_at.date()
        if (filters.first and day < filters.first) or (filters.last and day > filters.last):
            return False
        if filters.styles and not set(filters.styles) & set(styles):
            return False
        if facts is None:
            return True
        if filters.models and facts.car_model not in filters.models:
            return False
        return not self._cities or not self._cities.isdisjoint(facts.cities)


@dataclass
class Count:
    """What a whole source comes to."""

    kinds: Counter[Kind] = field(default_factory=Counter)
    journeys: Counter[str] = field(default_factory=Counter)
    refused: list[Choice] = field(default_factory=list)

    #: Broken rows that are kept to be shown.
    SHOWN = 20

    def add(self, choice: Choice) -> None:
        """Count one row."""
        self.kinds[choice.kind] += 1
        for _, style in choice.journeys:
            self.journeys[style] += 1
        if choice.kind is Kind.BROKEN and len(self.refused) < self.SHOWN:
            self.refused.append(choice)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(self.kinds.values())


def choices(rows: Iterator[Row], selection: Selection) -> Iterator[Choice]:
    """Every row of a source, judged, numbered from 1."""
    for number, row in enumerate(rows, start=1):
        yield selection.choose(number, row)
