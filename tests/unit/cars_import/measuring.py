"""How far a freed cut-out is from the truth, on backgrounds that show it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.pictures.composition.delta_e import ciede2000, lab_of_linear
from shared.pictures.composition.light import Floats

#: Backgrounds in linear light: night, road, sky, desert, wood.
GROUNDS = ((0.01, 0.012, 0.02), (0.2, 0.22, 0.25), (0.8, 0.85, 0.9), (0.3, 0.15, 0.05), (0.05, 0.2, 0.04))


def outline_and_glass(truth: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Within 2 px of the outline; and what lets light through elsewhere. Each (H, W)."""
    alpha = truth[..., 3]
    body = (alpha >= 0.5).astype(np.uint8)
    inside = cv2.distanceTransform(body, cv2.DIST_L2, 5)
    outside = cv2.distanceTransform(1 - body, cv2.DIST_L2, 5)
    from_outside = cv2.distanceTransform((alpha > 0.01).astype(np.uint8), cv2.DIST_L2, 5)
    ring = (np.maximum(inside, outside) <= 2) & (from_outside <= 8)
    return ring, (from_outside > 6) & (alpha > 0.05) & (alpha < 0.98)


def delta_e00_to_truth(found: Floats, truth: Floats, where: NDArray[np.bool_]) -> Floats:
    """CIEDE2000 of both composites at the pixels `where`, all backgrounds one after the other."""
    off = []
    for ground in np.array(GROUNDS, np.float32):
        both = [(each[..., :3] + (1 - each[..., 3:]) * ground)[where] for each in (found, truth)]
        off.append(ciede2000(lab_of_linear(both[0]), lab_of_linear(both[1])))
    return np.concatenate(off)
