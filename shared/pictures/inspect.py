"""What is measured on a rendered picture before it goes on, and what the figures must be."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.journey import Metric

#: Standard deviation of luma (0 to 255) below which a picture counts as blank.
_LEAST_CONTRAST = 6.0
#: Variance of the Laplacian of luma below which nothing in the picture has an edge (Pech-Pacheco et al., 2000).
_LEAST_SHARPNESS = 4.0


def inspect(pixels: NDArray[np.uint8], width: int, height: int) -> tuple[Metric, ...]:
    """Measure sRGB pixels of shape (height, width, 3) against the ordered size: size, contrast and sharpness."""
    luma = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    actual_height, actual_width = luma.shape
    return (
        Metric("width", float(actual_width), at_least=width, at_most=width),
        Metric("height", float(actual_height), at_least=height, at_most=height),
        Metric("contrast", round(float(luma.std()), 3), at_least=_LEAST_CONTRAST),
        Metric("sharpness", round(float(cv2.Laplacian(luma, cv2.CV_64F).var()), 3), at_least=_LEAST_SHARPNESS),
    )
