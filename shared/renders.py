"""The newest render of a journey: its files fetched and decoded when they are first needed, and what it should show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from shared.course import Course
from shared.errors import Misconfigured
from shared.records import Rendered, Submitting
from shared.submission import ordered_car

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from shared.car_orders import CarOrder
    from shared.pictures.composition.composite import Composition
    from shared.pictures.mark import Subject

#: Landscapes have their horizon at mid-height, and a car stands below it; in shares of the height.
_CARS_FROM = 0.5


@dataclass(frozen=True)
class Render:
    """Pictures are 8-bit sRGB (height, width, 3). Every property raises `InvalidInput` or `Refused` for a file that is
    no picture or is gone.
    """

    course: Course

    @cached_property
    def pixels(self) -> NDArray[np.uint8]:
        """The finished picture."""
        return self._fetched(self.course.journey.need(Rendered).files[0])

    @cached_property
    def plate(self) -> NDArray[np.uint8] | None:
        """The background without the car; None when there is none."""
        path = self.course.journey.need(Rendered).plate
        return self._fetched(path) if path else None

    @cached_property
    def order(self) -> CarOrder | None:
        """The car that was ordered; None for a picture without one."""
        journey, services = self.course.journey, self.course.services
        workflow = services.workflow_named(journey.need(Submitting).workflow)
        return ordered_car(journey, journey.attempt, workflow, services)

    @cached_property
    def expected(self) -> Composition | None:
        """What the picture should be; None without a car or a background. Raises `NoPlace`, and `Misconfigured`."""
        from shared.pictures.composition.composite import compose
        from shared.pictures.composition.manifest import BadPack

        if self.order is None or self.plate is None:
            return None
        try:
            return compose(self.plate, self.order.car, self.order.colour, self.order.scene)
        except BadPack as bad:
            raise Misconfigured(f"cars/{bad}") from None

    @property
    def subject(self) -> Subject | None:
        """The car and its badge in the picture; None when there is no car in it.

        Where a car was ordered and its background was not kept, it may stand anywhere in the lower part.
        """
        import numpy as np

        from shared.pictures.mark import Subject

        if self.order is None:
            return None
        if self.expected is not None:
            return Subject(self.expected.car_mask, self.expected.badge_mask)
        shape = self.pixels.shape[:2]
        car = np.zeros(shape, bool)
        car[round(shape[0] * _CARS_FROM) :] = True
        return Subject(car, np.zeros(shape, bool))

    def _fetched(self, path: str) -> NDArray[np.uint8]:
        from shared.pictures.decode import MAX_FILE_BYTES, decode

        services = self.course.services
        key = f"{services.settings.render_prefix}/output/{path}"
        return decode(services.renders.get(key, max_bytes=MAX_FILE_BYTES))
