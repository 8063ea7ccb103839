"""A picture of what an inspection found: the zones of failed metrics marked, their names and values beside them."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from shared.pictures.inspection.car import Zone
from shared.records import Metric

_RED, _INK, _PAPER = (226, 32, 44), (250, 250, 250), (24, 26, 30)


def draw_overlay(picture: NDArray[np.uint8], metrics: Sequence[Metric], zones: Sequence[Zone]) -> bytes:
    """PNG of the picture (H, W, 3), 8-bit sRGB, with a red frame around each zone that failed, and a table below."""
    missed = [metric for metric in metrics if not metric.passed]
    font = ImageFont.load_default(size=15)
    line = 22
    image = Image.new("RGB", (picture.shape[1], picture.shape[0] + line * (len(missed) + 1) + 8), _PAPER)
    image.paste(Image.fromarray(picture))
    draw = ImageDraw.Draw(image)
    marked: dict[tuple[int, int, int, int], list[str]] = {}
    for zone in zones:
        if any(metric.name == zone.metric for metric in missed):
            marked.setdefault(zone.box, []).append(zone.metric)
    for (x0, y0, x1, y1), names in marked.items():
        x0, y0 = max(x0, 1), max(y0, 1)
        x1, y1 = min(max(x1, x0 + 2), picture.shape[1] - 2), min(max(y1, y0 + 2), picture.shape[0] - 2)
        draw.rectangle((x0, y0, x1, y1), outline=_RED, width=2)
        text = ", ".join(names)
        across = draw.textlength(text, font=font)
        left = min(max(x0, 2), max(int(picture.shape[1] - across - 6), 2))
        above = y0 - line if y0 > line else y0 + 3
        draw.rectangle((left - 2, above, left + across + 4, above + line - 3), fill=_RED)
        draw.text((left + 1, above), text, font=font, fill=_INK)
    top = picture.shape[0] + 6
    draw.text((8, top), f"{len(missed)} of {len(metrics)} metrics failed", font=font, fill=_INK)
    for number, metric in enumerate(missed, start=1):
        bounds = [f"at least {metric.at_least:g}" if metric.at_least is not None else ""]
        bounds.append(f"at most {metric.at_most:g}" if metric.at_most is not None else "")
        text = f"{metric.name} {metric.value:g}: {' and '.join(filter(None, bounds))} expected"
        draw.text((8, top + number * line), text, font=font, fill=(255, 150, 150))
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=4)
    return out.getvalue()
