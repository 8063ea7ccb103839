"""The gate: a finished render is measured, judged, and let through, tried again, or held for a person.

A picture with a car is held against the composite that its background should give. Only a picture that is right in
every measure is shown to the judge, which costs a model's answer. What fails is kept as a picture with marks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.course import Course
from shared.errors import InvalidInput, Misconfigured, Refused
from shared.moderating import is_content_code
from shared.records import Inspected, Metric, Received
from shared.submission import HEIGHT, WIDTH
from shared.telemetry import log
from shared.traces import picture_folders

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from shared.pictures.inspection.car import Zone
    from shared.pictures.inspection.limits import Limits
    from shared.renders import Render
    from shared.styles import Style


@dataclass
class _Findings:
    metrics: list[Metric] = field(default_factory=list)
    zones: tuple[Zone, ...] = ()
    #: Whether another render can't mend what failed.
    hopeless: bool = False
    #: Whether the judge's own content check refused to look at it.
    refused: bool = False

    @property
    def passed(self) -> bool:
        return all(metric.passed for metric in self.metrics)

    def failed(self, name: str) -> None:
        self.metrics.append(Metric(name, 0.0, at_least=1.0))


def inspect_render(course: Course, render: Render) -> None:
    """Inspect the newest render.

    What was found is added to the journey. The marked picture of a failure is put after that stands on the ledger: a
    run that was overtaken leaves none behind. Raises what storage and judge raise when they can't be reached, and
    `Misconfigured`.
    """
    journey, services, found = course.journey, course.services, _Findings()
    style = services.style(journey.need(Received).style)
    pixels: NDArray[np.uint8] | None = None
    try:
        pixels = render.pixels
    except (InvalidInput, Refused) as error:
        found.failed("readable")
        log("unreadable_render", journey=journey.id, code=type(error).__name__)
    if pixels is not None:
        _measure(render, _limits(style), found)
        if found.passed:
            _judge(render, style, found)
    verdict = "refused" if found.refused else "pass" if found.passed else "hold" if found.hopeless else "again"
    marked = pixels is not None and not found.passed
    overlay = f"{picture_folders(journey.id)[0]}inspection-{journey.attempt}.png" if marked else ""
    course.add(
        Inspected(
            at=services.now(), attempt=journey.attempt, metrics=tuple(found.metrics), verdict=verdict, overlay=overlay
        )
    )
    if pixels is not None and overlay:
        from shared.pictures.inspection.overlay import draw_overlay

        course.commit()
        body = draw_overlay(pixels, found.metrics, found.zones)
        services.gallery.put(overlay, body, "image/png", cache_control="private")


def _measure(render: Render, limits: Limits, found: _Findings) -> None:
    from shared.pictures.composition.place import NoPlace
    from shared.pictures.inspection.car import inspect_car
    from shared.pictures.inspection.whole import inspect_whole

    found.metrics += inspect_whole(render.pixels, WIDTH, HEIGHT, limits)
    if not found.passed:
        return
    try:
        plate, order = render.plate, render.order
        if plate is not None and plate.shape != render.pixels.shape:
            found.failed("plate_fits")
            return
        expected = render.expected
    except NoPlace:
        found.failed("place")
        return
    except (InvalidInput, Refused) as error:
        found.failed("plate_readable")
        log("unreadable_plate", journey=render.course.journey.id, code=type(error).__name__)
        return
    if plate is not None and order is not None and expected is not None:
        measured = inspect_car(render.pixels, plate, expected, order.scene, limits)
        found.metrics += measured.metrics
        found.zones = measured.zones


def _judge(render: Render, style: Style, found: _Findings) -> None:
    from shared.judging import Unreadable, judge

    model = render.course.services.judge_model
    if model is None:
        return
    try:
        found.metrics += judge(render.pixels, style, model, with_car=render.order is not None).metrics
    except (Refused, Unreadable) as error:
        # The model's own moderation, or a model that does not keep to the form: no other render helps.
        found.failed("judge_answers")
        found.refused = isinstance(error, Refused) and is_content_code(error.code)
        found.hopeless = True


def _limits(style: Style) -> Limits:
    from shared.pictures.inspection.limits import Limits

    try:
        return Limits(style.limits)
    except InvalidInput as error:
        raise Misconfigured(f"style {style.id}.toml: {error}") from None
