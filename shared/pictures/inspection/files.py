"""The encoded files of a picture, each by its own limits: compression must not ruin the badge."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shared.pictures.composition.delta_e import delta_e00
from shared.pictures.inspection.limits import FILE_BADGE_MEAN, FILE_BADGE_P95
from shared.pictures.variants import EncodedPicture, most_bytes
from shared.records import Metric

#: What can be left out when it loses too much: every receiver reads the JPEG.
_OPTIONAL = "image/avif"


def deliverable(
    files: Sequence[EncodedPicture], pixels: NDArray[np.uint8], badge: NDArray[np.bool_] | None
) -> tuple[tuple[EncodedPicture, ...], tuple[Metric, ...]]:
    """The files that may be delivered and their metrics: all of them, or those without AVIF when one misses a limit.

    Takes what `inspect_files` takes. A picture without its AVIFs is complete: all sizes are there as JPEG. One with an
    AVIF of some sizes only would be shown from those.
    """
    optional = tuple(file for file in files if file.content_type == _OPTIONAL)
    others = inspect_files([file for file in files if file not in optional], pixels, badge)
    measured = inspect_files(optional, pixels, badge)
    if all(metric.passed for metric in measured):
        return tuple(files), (*others, *measured)
    return tuple(file for file in files if file not in optional), others


def inspect_files(
    files: Sequence[EncodedPicture], pixels: NDArray[np.uint8], badge: NDArray[np.bool_] | None
) -> tuple[Metric, ...]:
    """Measure feed pictures against the pixels (H, W, 3), 8-bit sRGB, that they were made of.

    `badge` (H, W) says where the badge is, None that there is none. Files of another size, and the lossless master,
    are not measured.
    """
    metrics = []
    for file in files:
        if file.content_type == "image/png" or (file.height, file.width) != pixels.shape[:2]:
            continue
        metrics.append(Metric(f"{file.name}_bytes", len(file.body), at_most=most_bytes(file.width, file.height)))
        if badge is not None and badge.any():
            with Image.open(io.BytesIO(file.body)) as image:
                shown = np.asarray(image.convert("RGB"))
            change = delta_e00(shown[badge], pixels[badge])
            metrics.append(Metric(f"{file.name}_badge_mean", round(float(change.mean()), 3), at_most=FILE_BADGE_MEAN))
            p95 = round(float(np.percentile(change, 95)), 3)
            metrics.append(Metric(f"{file.name}_badge_p95", p95, at_most=FILE_BADGE_P95))
    return tuple(metrics)
