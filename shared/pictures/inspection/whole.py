"""What is measured on any rendered picture: its size, and whether there is anything in it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.pictures.inspection.limits import Limits
from shared.records import Metric


def inspect_whole(pixels: NDArray[np.uint8], width: int, height: int, limits: Limits) -> tuple[Metric, ...]:
    """Measure sRGB pixels of shape (height, width, 3) against the ordered size: size, contrast and sharpness."""
    luma = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    actual_height, actual_width = luma.shape
    return (
        Metric("width", float(actual_width), at_least=width, at_most=width),
        Metric("height", float(actual_height), at_least=height, at_most=height),
        limits.metric("contrast", float(luma.std())),
        limits.metric("sharpness", float(cv2.Laplacian(luma, cv2.CV_16S).var())),
    )
