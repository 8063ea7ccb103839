"""The newest render of a journey: its files fetched and decoded when they are first needed, and what it should show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from shared.course import Course
from shared.errors import Misconfigured
from shared.journey import Rendered, Submitting
from shared.submission import ordered_car

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from shared.car_orders import CarOrder
    from shared.pictures.composition.composite import Composition


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
    def badge(self) -> NDArray[np.bool_] | None:
        """Where the badge is in the picture (height, width); None when it has none."""
        return None if self.expected is None else self.expected.badge_mask

    def _fetched(self, path: str) -> NDArray[np.uint8]:
        from shared.pictures.decode import MAX_FILE_BYTES, decode

        services = self.course.services
        key = f"{services.settings.render_prefix}/output/{path}"
        return decode(services.renders.get(key, max_bytes=MAX_FILE_BYTES))
