"""Every bound of the inspection, in one table. A style may set its own in its ``[limits]``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.errors import InvalidInput
from shared.records import Metric


@dataclass(frozen=True, slots=True)
class Bound:
    """What a metric must be: at least, at most, or both. `meaning` says what is measured, in which unit."""

    meaning: str
    at_least: float | None = None
    at_most: float | None = None


#: The badge and the edges are judged in CIEDE2000 against the composite that was expected; a lossless picture that
#: nothing has touched has 0 there. How each was chosen: ``docs/composition.md``.
BOUNDS: dict[str, Bound] = {
    "contrast": Bound("standard deviation of luma, in codes", at_least=6.0),
    "sharpness": Bound("variance of the Laplacian of luma (Pech-Pacheco et al., 2000)", at_least=4.0),
    "car_offset_px": Bound("how far the car stands from its place, in pixels", at_most=1.0),
    "badge_mean": Bound("difference of the badge, mean", at_most=1.0),
    "badge_p95": Bound("difference of the badge, 95th percentile", at_most=2.5),
    "badge_energy": Bound("gradient energy of the badge over the expected one", at_least=0.8, at_most=1.25),
    "badge_structure": Bound("structural similarity of the badge (Wang et al., 2004)", at_least=0.93),
    "edge_mean": Bound("difference within 2 px of the car's outline, mean", at_most=1.5),
    "edge_p95": Bound("difference within 2 px of the car's outline, 95th percentile", at_most=2.2),
    "soft_p95": Bound("difference of the outline's half-covered pixels, 95th percentile", at_most=2.1),
    "body_mean": Bound("difference of the body without the badge, mean", at_most=1.5),
    "body_energy": Bound("gradient energy of the body over the expected one", at_least=0.85, at_most=1.18),
    "glass_mean": Bound("difference of what is seen through, mean", at_most=2.5),
    "grounding": Bound("darkening of the ground below the car over the expected one", at_least=0.8, at_most=1.25),
    "beside_mean": Bound("difference beside the car, mean, in codes", at_most=2.0),
    "beside_spot": Bound("greatest difference of a patch beside the car, in codes", at_most=2.2),
    "horizon_error": Bound("distance of the car's horizon from the picture's, in heights", at_most=0.04),
    "light_stops": Bound("background against the light of the car, in stops", at_least=-2.6, at_most=2.6),
}

#: What the files made of a picture may lose: chroma subsampling ruins badges, compression alone does not.
FILE_BADGE_MEAN, FILE_BADGE_P95 = 1.8, 5.0


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds with a style's own numbers in them, by name: ``<metric>`` for the side the metric is bounded on."""

    own: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in self.own.items():
            bound = BOUNDS.get(name)
            if bound is None or (bound.at_least is not None and bound.at_most is not None):
                raise InvalidInput(f"limits.{name}", f"one of {', '.join(_SETTABLE)}")
            if not value >= 0.0:
                raise InvalidInput(f"limits.{name}", "a number of at least 0")

    def metric(self, name: str, value: float) -> Metric:
        """A measured value with its bounds."""
        bound, own = BOUNDS[name], self.own.get(name)
        least = bound.at_least if own is None or bound.at_least is None else own
        most = bound.at_most if own is None or bound.at_most is None else own
        return Metric(name, round(float(value), 4), at_least=least, at_most=most)


_SETTABLE = tuple(name for name, bound in BOUNDS.items() if bound.at_least is None or bound.at_most is None)
