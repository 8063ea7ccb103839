"""A drawing as a list of shapes, written as SVG, or as PNG with the same look.

Lengths are in the drawing's own units, one pixel of an SVG at its natural size; y points down. Colours are ``#rrggbb``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from xml.sax.saxutils import escape

from shared.errors import InvalidInput, Misconfigured

if TYPE_CHECKING:
    from PIL import ImageDraw, ImageFont

#: PNG is drawn this many times larger and scaled down, so that edges are smooth.
_SUPERSAMPLING = 2
_MOST_PIXELS = 36_000_000
_FONT_FAMILY = "'Noto Sans CJK SC','Noto Sans SC','Source Han Sans SC','PingFang SC','Microsoft YaHei',sans-serif"
#: Where systems keep fonts with Chinese, for those without fontconfig: regular and bold.
_FONT_FILES = {
    False: ("/System/Library/Fonts/PingFang.ttc", "C:/Windows/Fonts/msyh.ttc"),
    True: ("/System/Library/Fonts/PingFang.ttc", "C:/Windows/Fonts/msyhbd.ttc"),
}
#: Characters that no XML document may hold.
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_NARROW, _WIDE = set("iljtfrI.,:;'|!()[]{} /\\"), set("mwMW@%&—…")


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle with round corners; `stroke` "" draws no border."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    radius: float = 0.0
    stroke: str = ""
    stroke_width: float = 1.0


@dataclass(frozen=True, slots=True)
class Dot:
    """A filled circle."""

    x: float
    y: float
    radius: float
    fill: str
    stroke: str = ""


@dataclass(frozen=True, slots=True)
class Curve:
    """A cubic Bézier curve from (x0, y0) to (x1, y1) that leaves and arrives horizontally, `reach` long."""

    x0: float
    y0: float
    x1: float
    y1: float
    reach: float
    stroke: str
    width: float


@dataclass(frozen=True, slots=True)
class Text:
    """One line; `y` is its baseline."""

    x: float
    y: float
    content: str
    size: float
    fill: str
    bold: bool = False
    anchor: Literal["start", "middle", "end"] = "start"


Item = Box | Dot | Curve | Text


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes in the order in which they are painted."""

    width: float
    height: float
    background: str
    items: Sequence[Item]


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """About how wide a line is: fonts differ, so this is a little generous."""
    ems = 0.0
    for char in text:
        if ord(char) > 0x2E7F:
            ems += 1.0
        elif char in _NARROW:
            ems += 0.34
        elif char in _WIDE:
            ems += 0.92
        else:
            ems += 0.66 if char.isupper() else 0.57
    return ems * size * (1.05 if bold else 1.0)


def cut_text(text: str, size: float, room: float, *, bold: bool = False) -> str:
    """`text` on one line, with … where it does not fit into `room`."""
    line = " ".join(text.split())
    if text_width(line, size, bold=bold) <= room:
        return line
    while line and text_width(f"{line}…", size, bold=bold) > room:
        line = line[:-1]
    return f"{line.rstrip()}…"


def wrap_text(text: str, size: float, room: float, most_lines: int) -> list[str]:
    """`text` in at most `most_lines` lines no wider than `room`; the last one ends in … when more is left."""
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        line = ""
        for word in _words(paragraph):
            if line and text_width(line + word, size) > room:
                lines.append(line.rstrip())
                line = ""
            line += word if line else word.lstrip()
            while text_width(line, size) > room:
                end = next(end for end in range(len(line), 0, -1) if text_width(line[:end], size) <= room or end == 1)
                lines.append(line[:end])
                line = line[end:]
        lines.append(line.rstrip())
    if len(lines) <= most_lines:
        return lines
    if most_lines <= 0:
        return []
    last = f"{lines[most_lines - 1].rstrip('…')}…"
    return [*lines[: most_lines - 1], cut_text(last, size, room).replace("……", "…")]


def _words(paragraph: str) -> list[str]:
    """Where a line may break: after a space, and around every Chinese character."""
    words: list[str] = []
    for char in paragraph:
        joins = words and char != " " and ord(char) < 0x2E80 and ord(words[-1][-1]) < 0x2E80 and words[-1][-1] != " "
        if joins or (words and char in "，。、；：！？）”’》"):
            words[-1] += char
        else:
            words.append(char)
    return words


def write_picture(drawing: Drawing, path: Path, *, font: Path | None = None) -> None:
    """Write SVG or PNG, as the name of `path` says.

    Raises `InvalidInput` for another ending, and `Misconfigured` when a PNG needs Chinese and no font has it.
    """
    if path.suffix.lower() == ".svg":
        path.write_text(to_svg(drawing), "utf-8")
    elif path.suffix.lower() == ".png":
        _write_png(drawing, path, font)
    else:
        raise InvalidInput("--out", f"a name that ends in .svg or .png, got {path.name}")


def to_svg(drawing: Drawing) -> str:
    """The drawing as an SVG document that needs nothing but a font."""
    width, height = _number(drawing.width), _number(drawing.height)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        f' font-family="{_FONT_FAMILY}">',
        f'<rect width="{width}" height="{height}" fill="{drawing.background}"/>',
        *(_svg_item(item) for item in drawing.items),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _svg_item(item: Item) -> str:
    if isinstance(item, Box):
        border = f' stroke="{item.stroke}" stroke-width="{_number(item.stroke_width)}"' if item.stroke else ""
        place = f'x="{_number(item.x)}" y="{_number(item.y)}" width="{_number(item.width)}"'
        return f'<rect {place} height="{_number(item.height)}" rx="{_number(item.radius)}" fill="{item.fill}"{border}/>'
    if isinstance(item, Dot):
        border = f' stroke="{item.stroke}"' if item.stroke else ""
        place = f'cx="{_number(item.x)}" cy="{_number(item.y)}" r="{_number(item.radius)}"'
        return f'<circle {place} fill="{item.fill}"{border}/>'
    if isinstance(item, Curve):
        start, end = f"{_number(item.x0)} {_number(item.y0)}", f"{_number(item.x1)} {_number(item.y1)}"
        bend = f"{_number(item.x0 + item.reach)} {_number(item.y0)} {_number(item.x1 - item.reach)} {_number(item.y1)}"
        width = _number(item.width)
        return f'<path d="M{start}C{bend} {end}" fill="none" stroke="{item.stroke}" stroke-width="{width}"/>'
    weight = ' font-weight="bold"' if item.bold else ""
    anchor = f' text-anchor="{item.anchor}"' if item.anchor != "start" else ""
    place = f'x="{_number(item.x)}" y="{_number(item.y)}" font-size="{_number(item.size)}"'
    content = escape(_UNWRITABLE.sub("\ufffd", item.content))
    return f'<text {place} fill="{item.fill}"{weight}{anchor} xml:space="preserve">{content}</text>'


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _write_png(drawing: Drawing, path: Path, font: Path | None) -> None:
    from PIL import Image, ImageDraw

    size = 2.0 if drawing.width < 1700 else 1.0
    while drawing.width * drawing.height * size * size > _MOST_PIXELS / _SUPERSAMPLING**2 and size > 0.25:
        size /= 1.25
    scale = size * _SUPERSAMPLING
    picture = Image.new("RGB", (round(drawing.width * scale), round(drawing.height * scale)), drawing.background)
    pen = _Pen(ImageDraw.Draw(picture), scale, _Fonts(font, _has_chinese(drawing)))
    for item in drawing.items:
        pen.paint(item)
    small = (round(drawing.width * size), round(drawing.height * size))
    picture.resize(small, Image.Resampling.LANCZOS).save(path, optimize=True)


def _has_chinese(drawing: Drawing) -> bool:
    return any(ord(char) > 0x2E7F for item in drawing.items if isinstance(item, Text) for char in item.content)


class _Fonts:
    """Fonts by weight and size; one with Chinese, where the drawing has any."""

    def __init__(self, given: Path | None, chinese: bool) -> None:
        self._sources = {bold: _font_source(given, bold=bold, chinese=chinese) for bold in (False, True)}
        self._loaded: dict[tuple[bool, int], ImageFont.FreeTypeFont | ImageFont.ImageFont] = {}

    def get(self, size: float, *, bold: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
        from PIL import ImageFont

        key = bold, round(size)
        if key not in self._loaded:
            source = self._sources[bold]
            self._loaded[key] = (
                ImageFont.load_default(key[1])
                if source is None
                else ImageFont.truetype(source[0], key[1], index=source[1])
            )
        return self._loaded[key]


def _font_source(given: Path | None, *, bold: bool, chinese: bool) -> tuple[str, int] | None:
    candidates = (
        [(str(given), 0)] if given is not None else [*_of_fontconfig(bold), *((name, 0) for name in _FONT_FILES[bold])]
    )
    for name, index in candidates:
        if Path(name).is_file() and (not chinese or _knows_chinese(name, index)):
            return name, index
    if not chinese:
        return None
    raise Misconfigured("a PNG with Chinese needs a font that has it: --font FILE, or write an SVG, which needs none")


def _of_fontconfig(bold: bool) -> list[tuple[str, int]]:
    if shutil.which("fc-match") is None:
        return []
    pattern = "sans:lang=zh-cn" + (":bold" if bold else "")
    command = ["fc-match", "-f", "%{file}|%{index}", pattern]
    found = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout
    name, _, index = found.rpartition("|")
    return [(name, int(index) & 0xFFFF)] if name and index.isdecimal() else []


def _knows_chinese(name: str, index: int) -> bool:
    from PIL import ImageFont

    try:
        font = ImageFont.truetype(name, 24, index=index)
    except OSError:
        return False
    return bytes(font.getmask("湖")) != bytes(font.getmask("\uffff"))


class _Pen:
    def __init__(self, draw: ImageDraw.ImageDraw, scale: float, fonts: _Fonts) -> None:
        self._draw = draw
        self._scale = scale
        self._fonts = fonts

    def paint(self, item: Item) -> None:
        s = self._scale
        if isinstance(item, Box):
            corners = (item.x * s, item.y * s, (item.x + item.width) * s, (item.y + item.height) * s)
            border = max(1, round(item.stroke_width * s)) if item.stroke else 0
            self._draw.rounded_rectangle(corners, item.radius * s, item.fill, item.stroke or None, border)
        elif isinstance(item, Dot):
            x, y, radius = item.x * s, item.y * s, item.radius * s
            corners = (x - radius, y - radius, x + radius, y + radius)
            self._draw.ellipse(corners, item.fill, item.stroke or None, round(s) if item.stroke else 0)
        elif isinstance(item, Curve):
            self._draw.line(_points(item, s), item.stroke, max(1, round(item.width * s)), joint="curve")
        else:
            anchor = {"start": "ls", "middle": "ms", "end": "rs"}[item.anchor]
            font = self._fonts.get(item.size * s, bold=item.bold)
            self._draw.text((item.x * s, item.y * s), item.content, item.fill, font, anchor)


def _points(curve: Curve, scale: float) -> list[tuple[float, float]]:
    steps = 48
    xs = (curve.x0, curve.x0 + curve.reach, curve.x1 - curve.reach, curve.x1)
    ys = (curve.y0, curve.y0, curve.y1, curve.y1)
    points = []
    for step in range(steps + 1):
        t = step / steps
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
        x = sum(weight * each for weight, each in zip(weights, xs, strict=True))
        y = sum(weight * each for weight, each in zip(weights, ys, strict=True))
        points.append((x * scale, y * scale))
    return points
