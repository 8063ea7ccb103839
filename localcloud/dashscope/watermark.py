"""The fixed mark ``AI生成`` that `watermark: true` puts into the lower right corner.

The strokes of the four characters are drawn as lines, because no Chinese font can be counted on everywhere. Size and
place of the real mark are not documented; this one is 4 % of the shorter side high.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import ImageDraw

if TYPE_CHECKING:
    from PIL.Image import Image

_Stroke = tuple[tuple[float, float], ...]

#: Each character as strokes in a unit square, x to the right and y downwards, with the width it takes.
_CHARACTERS: tuple[tuple[float, tuple[_Stroke, ...]], ...] = (
    (0.8, (((0.05, 0.95), (0.4, 0.05), (0.75, 0.95)), ((0.18, 0.62), (0.62, 0.62)))),
    (0.35, (((0.15, 0.05), (0.15, 0.95)),)),
    (
        1.1,
        (
            ((0.25, 0.02), (0.18, 0.22), (0.05, 0.38)),
            ((0.2, 0.25), (0.88, 0.25)),
            ((0.15, 0.58), (0.85, 0.58)),
            ((0.52, 0.0), (0.52, 0.95)),
            ((0.02, 0.95), (0.98, 0.95)),
        ),
    ),
    (
        1.1,
        (
            ((0.12, 0.22), (0.95, 0.22)),
            ((0.12, 0.22), (0.12, 0.6), (0.02, 0.98)),
            ((0.12, 0.5), (0.42, 0.5), (0.4, 0.85), (0.28, 0.8)),
            ((0.52, 0.0), (0.6, 0.5), (0.78, 0.85), (0.96, 0.98), (0.98, 0.78)),
            ((0.86, 0.42), (0.7, 0.68), (0.48, 0.92)),
            ((0.7, 0.02), (0.84, 0.12)),
        ),
    ),
)


def mark(image: Image) -> None:
    """Draw the mark into `image` (RGB), in white with a dark rim."""
    height = max(12.0, 0.04 * min(image.size))
    width = height * sum(advance for advance, _ in _CHARACTERS)
    left, top = image.width - width - height * 0.6, image.height - height * 1.6
    draw = ImageDraw.Draw(image)
    for colour, thickness in (((40, 40, 40), height * 0.2), ((255, 255, 255), height * 0.1)):
        x = left
        for advance, strokes in _CHARACTERS:
            for stroke in strokes:
                points = [(x + px * height, top + py * height) for px, py in stroke]
                draw.line(points, fill=colour, width=max(1, round(thickness)), joint="curve")
            x += advance * height
