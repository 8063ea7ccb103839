"""The car's own colour below soft edges and in glass, where pixels hold car and backdrop together.

A regularised foreground estimation in closed form (Levin, Lischinski and Weiss, "A Closed-Form Solution to Natural
Image Matting", 2008, section 4), with three changes: the backdrop is known, so that only the car's colour is sought;
every pixel is weighed by its noise, so that wide glass is un-mixed as it was seen, and the faintest rim is led by the
colour beside it; opaque pixels are given. The normal equations are solved by conjugate gradients over the soft pixels
alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from shared.pictures.composition.light import Floats

#: How much the car's colour may change from one pixel to its neighbour: across a change of alpha, and without one.
_ACROSS, _ALONG = 0.008, 0.5
_STEPS, _ENOUGH = 200, 1e-4


def own_colour(
    mixed: Floats,
    alpha: Floats,
    behind: Floats,
    noise: Floats,
    *,
    rim: Floats,
    solid: NDArray[np.bool_],
    soft: NDArray[np.bool_],
) -> Floats:
    """The car's colour (n, 3) at the `soft` pixels (H, W) of `mixed` (H, W, 3) = alpha F + (1 - alpha) `behind`.

    `noise` (H, W) is the standard deviation of `mixed`; F is given at `solid`. `rim` (H, W) is 1 at the outline, where
    alpha changes and the car's colour does not, and 0 at windows, where both change. Row by row, as ``mixed[soft]`` is.
    """
    number = np.full(alpha.shape, -1, np.int64)
    number[soft] = np.arange(int(soft.sum()))
    rows, columns = np.nonzero(soft)
    a, height, width = alpha[soft], *alpha.shape
    certainty = (a / noise[soft]) ** 2
    diagonal = certainty.copy()
    wanted = (a / noise[soft] ** 2)[:, None] * (mixed - (1 - alpha)[..., None] * behind)[soft]
    links: list[tuple[NDArray[np.int64], Floats]] = []
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        y, x = rows + dy, columns + dx
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        y, x = np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)
        step = np.abs(alpha[y, x] - a)
        weight = 1 / (_ALONG**2) + rim[rows, columns] * rim[y, x] * step / (_ACROSS**2)
        given, sought = inside & solid[y, x], inside & soft[y, x]
        diagonal += np.where(given | sought, weight, 0)
        wanted += np.where(given, weight, 0)[:, None] * mixed[y, x]
        links.append((np.where(sought, number[y, x], 0), np.where(sought, weight, 0).astype(np.float32)))

    def times(vector: Floats) -> Floats:
        out = diagonal[:, None] * vector
        for other, weight in links:
            out -= weight[:, None] * vector[other]
        return np.asarray(out)

    found = np.repeat((1 / np.maximum(diagonal, 1e-12))[:, None], 3, axis=1) * wanted
    return _solved(times, wanted, diagonal, found.astype(np.float64))


def _solved(times: Callable[[Floats], Floats], wanted: Floats, diagonal: Floats, found: Floats) -> Floats:
    """Conjugate gradients with the diagonal as preconditioner, all channels side by side."""
    rest = wanted - times(found)
    ahead = rest / diagonal[:, None]
    way, energy = ahead.copy(), (rest * ahead).sum(axis=0)
    first = np.maximum(energy, 1e-30)
    for _ in range(_STEPS):
        if (energy <= _ENOUGH**2 * first).all():
            break
        bent = times(way)
        length = energy / np.maximum((way * bent).sum(axis=0), 1e-30)
        found += length * way
        rest -= length * bent
        ahead = rest / diagonal[:, None]
        before, energy = energy, (rest * ahead).sum(axis=0)
        way = ahead + energy / np.maximum(before, 1e-30) * way
    return np.asarray(found, dtype=np.float32)
