"""The gate: a finished render is measured, judged, and let through, tried again, or held for a person.

A picture with a car is held against the composite that its background should give. Only a picture that is right in
every measure is shown to the judge, which costs a model's answer. What fails is kept as a picture with marks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.course import Course
from shared.errors import InvalidInput, Misconfigured, Refused
from shared.journey import Inspected, Metric, Rendered, Submitting
from shared.submission import HEIGHT, WIDTH, ordered_car
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from shared.car_orders import CarOrder
    from shared.pictures.inspection.car import Zone
    from shared.pictures.inspection.limits import Limits

    Fetch = Callable[[str], NDArray[np.uint8]]


@dataclass
class _Findings:
    metrics: list[Metric] = field(default_factory=list)
    zones: tuple[Zone, ...] = ()
    #: Whether another render can't mend what failed.
    hopeless: bool = False

    @property
    def passed(self) -> bool:
        return all(metric.passed for metric in self.metrics)

    def failed(self, name: str) -> None:
        self.metrics.append(Metric(name, 0.0, at_least=1.0))


def inspect_render(course: Course, fetch: Fetch) -> None:
    """Inspect the newest render; `fetch` gives the pixels (H, W, 3) of a file of the render bucket, 8-bit sRGB.

    What was found is added to the journey. The marked picture of a failure is put after that stands on the ledger: a
    run that was overtaken leaves none behind.

    Raises what storage and judge raise when they can't be reached, and `Misconfigured`.
    """
    journey, services = course.journey, course.services
    rendered, found = journey.need(Rendered), _Findings()
    pixels = _pixels(rendered.files[0], fetch, found, "readable", journey.id)
    if pixels is not None:
        _measure(course, rendered, pixels, fetch, found)
    if pixels is not None and found.passed:
        _judge(course, pixels, found)
    verdict = "pass" if found.passed else "hold" if found.hopeless else "again"
    marked = pixels is not None and not found.passed
    overlay = f"private/{journey.id[:2]}/{journey.id}/inspection-{journey.attempt}.png" if marked else ""
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


def _pixels(path: str, fetch: Fetch, found: _Findings, name: str, journey: str) -> NDArray[np.uint8] | None:
    try:
        return fetch(path)
    except (InvalidInput, Refused) as error:
        found.failed(name)
        log("unreadable_render", journey=journey, reason=str(error))
        return None


def _measure(course: Course, rendered: Rendered, pixels: NDArray[np.uint8], fetch: Fetch, found: _Findings) -> None:
    from shared.pictures.inspection.whole import inspect_whole

    limits = _limits(course)
    found.metrics += inspect_whole(pixels, WIDTH, HEIGHT, limits)
    order = _order(course)
    if order is None or not rendered.plate or not found.passed:
        return
    plate = _pixels(rendered.plate, fetch, found, "plate_readable", course.journey.id)
    if plate is not None and plate.shape != pixels.shape:
        found.failed("plate_fits")
    elif plate is not None:
        _measure_car(order, pixels, plate, limits, found)


def _measure_car(
    order: CarOrder, pixels: NDArray[np.uint8], plate: NDArray[np.uint8], limits: Limits, found: _Findings
) -> None:
    from shared.pictures.composition.composite import compose
    from shared.pictures.composition.manifest import BadPack
    from shared.pictures.composition.place import NoPlace
    from shared.pictures.inspection.car import inspect_car

    try:
        expected = compose(plate, order.car, order.colour, order.scene)
    except NoPlace:
        found.failed("place")
        return
    except BadPack as bad:
        raise Misconfigured(f"cars/{bad}") from None
    measured = inspect_car(pixels, plate, expected, order.scene, limits)
    found.metrics += measured.metrics
    found.zones = measured.zones


def _judge(course: Course, pixels: NDArray[np.uint8], found: _Findings) -> None:
    from shared.journey import Received
    from shared.judging import Unreadable, judge

    model = course.services.judge_model
    if model is None:
        return
    style = course.services.style(course.journey.need(Received).style)
    try:
        found.metrics += judge(pixels, style, model, with_car=_order(course) is not None).metrics
    except (Refused, Unreadable):
        # The model's own moderation, or a model that does not keep to the form: a person looks.
        found.failed("judge_answers")
        found.hopeless = True


def _order(course: Course) -> CarOrder | None:
    journey, services = course.journey, course.services
    workflow = services.workflow_named(journey.need(Submitting).workflow)
    return ordered_car(journey, journey.attempt, workflow, services)


def _limits(course: Course) -> Limits:
    from shared.journey import Received
    from shared.pictures.inspection.limits import Limits

    style = course.services.style(course.journey.need(Received).style)
    try:
        return Limits(style.limits)
    except InvalidInput as error:
        raise Misconfigured(f"style {style.id}.toml: {error}") from None
