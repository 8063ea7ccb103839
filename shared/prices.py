"""What a journey has cost, from its records and a table of prices. Pure but for reading the table.

``cost = tokens x price + pictures x price + looks of the judge + machine seconds + checks``, in CNY. Tokens are those
on the ledger, every answer counted; a picture is billed when it was painted; a check when it was answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from shared.errors import Misconfigured
from shared.journey import Journey
from shared.records import (
    Inspected,
    Prompted,
    Rendered,
    Submitting,
)
from shared.settings import Settings
from shared.toml_files import read_as

TABLE = Path(__file__).parent / "data" / "prices.toml"
_IMAGE_MODEL = "TRIPCANVAS_IMAGE_MODEL"


class TokenPrice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """CNY for a million tokens."""

    input: float
    output: float
    kind: str = "list"


class UnitPrice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """CNY for one."""

    each: float
    kind: str = "list"


class Look(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one look of the judge uses."""

    input_tokens: int
    output_tokens: int


#: What a brief uses, for an estimate: the mean of the example trips, as the embedded text model counts.
BRIEF = Look(input_tokens=720, output_tokens=230)


class Render(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one render of a workflow uses: a picture of an image model, or none, and seconds of the machine."""

    machine_s: float
    image: str = ""


class Machine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The GPU side while it paints."""

    cny_per_hour: float
    kind: str = "list"


class Prices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table of prices."""

    as_of: str
    text: dict[str, TokenPrice]
    image: dict[str, UnitPrice]
    moderation: dict[str, UnitPrice]
    render: dict[str, Render]
    judge: Look
    machine: Machine


@dataclass(frozen=True, slots=True)
class Cost:
    """What was spent, in CNY, and the names of what has no price; with any of these, the sum is only a part."""

    cny: float
    unpriced: tuple[str, ...] = ()


def load_prices(settings: Settings) -> Prices:
    """The table that the settings name, or the one that is shipped. Raises `Misconfigured` for one that is none."""
    file = Path(settings.prices) if settings.prices else TABLE
    if not file.is_absolute():
        file = Path(__file__).parent.parent / file
    try:
        return read_as(Prices, file, settings.variable("prices"))
    except OSError:
        raise Misconfigured(f"{settings.variable('prices')}: names no file that can be read") from None


def cost_of(journey: Journey, prices: Prices, settings: Settings) -> Cost:
    """What a journey has cost so far."""
    bill = _Bill(prices)
    for record in journey.records:
        if isinstance(record, Prompted):
            # The template's own texts cost nothing, but answers of the model that were not used do.
            bill.tokens(settings.text_model, record.input_tokens, record.output_tokens)
        elif isinstance(record, Rendered):
            bill.render(_workflow_of(journey, record.attempt), settings.image_model)
        elif isinstance(record, Inspected) and any(each.name.startswith("judge_") for each in record.metrics):
            bill.tokens(settings.judge_model, prices.judge.input_tokens, prices.judge.output_tokens)
        for verdict in getattr(record, "verdicts", ()):
            if verdict.service != "dashscope":
                bill.check(verdict.service)
    return Cost(round(bill.cny, 6), tuple(dict.fromkeys(bill.unpriced)))


def cost_of_a_post(prices: Prices, settings: Settings) -> Cost:
    """What a journey that goes straight on to its post will cost: one brief, one render, one look, every check."""
    bill = _Bill(prices)
    bill.tokens(settings.text_model, BRIEF.input_tokens, BRIEF.output_tokens)
    bill.render(settings.workflow, settings.image_model)
    if settings.judge_model != "off":
        bill.tokens(settings.judge_model, prices.judge.input_tokens, prices.judge.output_tokens)
    for service in (settings.green_words_service, settings.green_answer_service):
        bill.check(service)
    for service in settings.green_picture_services.split(","):
        bill.check(service.strip())
    return Cost(round(bill.cny, 6), tuple(dict.fromkeys(bill.unpriced)))


def _workflow_of(journey: Journey, attempt: int) -> str:
    intents = (each for each in journey.records if isinstance(each, Submitting) and each.attempt == attempt)
    return next((each.workflow for each in intents), "")


class _Bill:
    """A sum, and what could not be added to it."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self.cny = 0.0
        self.unpriced: list[str] = []

    def tokens(self, model: str, read: int, written: int) -> None:
        if not read and not written:
            return
        price = self._prices.text.get(model)
        if price is None:
            self.unpriced.append(model)
        else:
            self.cny += (read * price.input + written * price.output) / 1e6

    def render(self, workflow: str, image_model: str) -> None:
        used = self._prices.render.get(workflow)
        if used is None:
            self.unpriced.append(workflow or "render")
            return
        self.cny += used.machine_s * self._prices.machine.cny_per_hour / 3600
        if used.image:
            self._unit(self._prices.image, image_model if used.image == _IMAGE_MODEL else used.image)

    def check(self, service: str) -> None:
        self._unit(self._prices.moderation, service)

    def _unit(self, table: dict[str, UnitPrice], name: str) -> None:
        if name in table:
            self.cny += table[name].each
        else:
            self.unpriced.append(name)
