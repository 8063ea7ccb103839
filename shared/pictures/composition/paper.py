"""The bare paper around a painting: watercolours and prints often leave a margin, on which no shadow can fall."""

from __future__ import annotations

import cv2
import numpy as np

from .light import Floats

#: The picture is looked at in this part of its size.
_SMALLER = 4
#: Corners are so large, in pixels.
_CORNER_PX = 8
#: Paper is at least so bright in every colour, as the square root of linear light; coloured paper is cream.
_BRIGHT = 0.74
#: How far paper's colour may differ from its mean, as square roots of light.
_GRAIN = 0.06
#: A margin is at most so wide, as a share of the picture's shorter side.
_WIDEST = 0.09
#: It covers at least this share of the picture's edge.
_ALONG = 0.6


def keep_paper(changed: Floats, plate: Floats, first_row: int) -> None:
    """Give `changed` (H, W, 3) the bare margin of the background `plate` back, if it has one; linear light, in place.

    Above `first_row` nothing was changed.
    A margin is bright, has one colour in the corners (one of them may be painted over), and lies along most of the
    picture's edge.
    """
    height, width = plate.shape[:2]
    paper = _colour_of_corners(plate)
    if paper is None:
        return
    size = (max(width // _SMALLER, 1), max(height // _SMALLER, 1))
    small = cv2.blur(cv2.resize(plate, size, interpolation=cv2.INTER_NEAREST), (3, 3))
    like = cv2.inRange(small, (paper - _GRAIN) ** 2, (paper + _GRAIN) ** 2)
    band = max(round(_WIDEST * min(size)), 1)
    like[band:-band, band:-band] = 0
    _, labels = cv2.connectedComponents(like, connectivity=4)
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    if float((edge > 0).mean()) < _ALONG:
        return
    margin = np.isin(labels, np.unique(edge[edge > 0])).astype(np.float32)
    wide = (band + 1) * _SMALLER
    for columns in (np.s_[:wide], np.s_[-wide:]):
        _mix(changed, plate, margin, np.s_[first_row:, columns])
    _mix(changed, plate, margin, np.s_[max(height - wide, first_row) :, wide:-wide])


def _mix(changed: Floats, plate: Floats, margin: Floats, part: tuple[slice, slice]) -> None:
    height, width = plate.shape[:2]
    rows, columns = part[0].indices(height), part[1].indices(width)
    small_rows = (np.arange(*rows, dtype=np.float32) + 0.5) * (margin.shape[0] / height) - 0.5
    small_columns = (np.arange(*columns, dtype=np.float32) + 0.5) * (margin.shape[1] / width) - 0.5
    x, y = np.meshgrid(small_columns, small_rows)
    share = cv2.remap(margin, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    changed[part] += share[..., np.newaxis] * (plate[part] - changed[part])


def _colour_of_corners(plate: Floats) -> Floats | None:
    """The square root (3,) of the light of the corners, if at least three are alike and as bright as paper."""
    ends = (slice(0, _CORNER_PX), slice(-_CORNER_PX, None))
    corners = [plate[rows, columns].reshape(-1, 3).mean(axis=0) for rows in ends for columns in ends]
    tones = np.sqrt(np.maximum(np.array(corners, np.float32), 0.0))
    paper: Floats = np.asarray(np.median(tones, axis=0), dtype=np.float32)
    alike = (np.abs(tones - paper).max(axis=1) < _GRAIN).sum()
    return paper if alike >= 3 and float(np.min(paper)) >= _BRIGHT else None
