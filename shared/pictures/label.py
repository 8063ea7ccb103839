"""The label a generated picture carries by law: visible text, and metadata.

GB 45438-2025 asks for text with an AI word and a generation word at an edge or corner, at least 5 % of the shortest
side high (5.1, 5.2), and for one metadata field naming the producer (6.1, Annex E). TC260-PG-20259A says where: the XMP
property ``TC260:AIGC``, its value the JSON of seven keys. Any re-save by an imaging library drops that metadata, so
labelling is the last change to a file, and `read_label` reads it back from the very bytes that are stored.
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from shared.errors import Misconfigured

#: "AI" is the AI word, "生成" the generation word.
TEXT = "AI生成"
#: Least height of the smallest glyph's box over the picture's shortest side; the standard's 5 % and a little more,
#: because it does not say which height it means.
_GLYPH_SHARE = 0.052
_FONT = Path(__file__).parent / "fonts" / "label-subset.otf"
_NAMESPACE = "http://www.tc260.org.cn/ns/AIGC/1.0/"
_XMP_KEYWORD = "XML:com.adobe.xmp"

#: TC260-PG-20252A: "00", "1" organisation, "1" credit code, the credit code's 18 characters, service and own digits.
_PRODUCER_CODE = re.compile(r"0011[0-9A-Z]{18}[12][0-9A-Z]{4}")


@dataclass(frozen=True, slots=True)
class Label:
    """The seven values of Annex E, named as there; `label` "1" means: is generated."""

    Label: str
    ContentProducer: str
    ProduceID: str
    ReservedCode1: str
    ContentPropagator: str
    PropagateID: str
    ReservedCode2: str


def label_for(producer_code: str, content_id: str) -> Label:
    """The label of a picture at its first writing, where the propagator is the producer (Annex E, note 1).

    Raises `Misconfigured` when the code has not the 27 characters of TC260-PG-20252A. It comes from the owner's
    settings and is never made up.
    """
    if not _PRODUCER_CODE.fullmatch(producer_code):
        raise Misconfigured(
            "TRIPCANVAS_PRODUCER_CODE must be the 27-character producer code (0011, credit code, service, own digits)"
        )
    return Label("1", producer_code, content_id, "", producer_code, content_id, "")


def draw_label(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy of sRGB pixels (height, width, 3) with the visible label on a contrast plate at the bottom right."""
    image = Image.fromarray(pixels)
    shortest = min(image.size)
    font = _font_for(max(8, int(np.ceil(shortest * _GLYPH_SHARE))))
    left, top, right, bottom = font.getbbox(TEXT)
    pad, margin = shortest // 60, shortest // 40
    x = image.width - margin - 2 * pad - int(right - left)
    y = image.height - margin - 2 * pad - int(bottom - top)
    plate = Image.new("RGBA", image.size)
    draw = ImageDraw.Draw(plate)
    box = (x, y, image.width - margin, image.height - margin)
    draw.rounded_rectangle(box, radius=pad, fill=(16, 18, 22, 150))
    draw.text((x + pad - left, y + pad - top), TEXT, font=font, fill=(255, 255, 255, 245))
    return np.array(Image.alpha_composite(image.convert("RGBA"), plate).convert("RGB"))


@cache
def _font_for(glyph_height: int) -> ImageFont.FreeTypeFont:
    """The font at the smallest size at which every glyph's ink is at least `glyph_height` pixels high."""
    size = glyph_height
    while True:
        font = ImageFont.truetype(str(_FONT), size)
        boxes = [font.getbbox(glyph) for glyph in TEXT]
        if min(bottom - top for _, top, _, bottom in boxes) >= glyph_height:
            return font
        size += 1


def encode_png(pixels: NDArray[np.uint8], label: Label) -> bytes:
    """Lossless PNG with the metadata label in an uncompressed ``iTXt`` chunk, and no other metadata.

    Compressed at level 1: level 6 makes a picture a twentieth smaller, for two and a half times the CPU time.
    """
    text = PngImagePlugin.PngInfo()
    text.add_itxt(_XMP_KEYWORD, _xmp(label), zip=False)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", pnginfo=text, compress_level=1)
    return out.getvalue()


def encode_jpeg(pixels: NDArray[np.uint8], label: Label, quality: int) -> bytes:
    """Progressive JPEG 4:4:4 (chroma subsampling ruins saturated badges) with the metadata label in its XMP segment."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(
        out, "JPEG", quality=quality, subsampling=0, progressive=True, optimize=True, xmp=_xmp(label).encode()
    )
    return out.getvalue()


def read_label(body: bytes) -> Label | None:
    """The metadata label in the bytes of a PNG or JPEG file, or None when there is none that can be read."""
    with Image.open(io.BytesIO(body)) as image:
        packet = image.info.get("xmp") or image.info.get(_XMP_KEYWORD)
    if packet is None:
        return None
    try:
        root = ElementTree.fromstring(packet)  # noqa: S314  (bytes this module has just written)
        value = next(root.iter(f"{{{_NAMESPACE}}}AIGC")).text
        return Label(**json.loads(value or ""))
    except (ElementTree.ParseError, StopIteration, TypeError, json.JSONDecodeError):
        return None


def _xmp(label: Label) -> str:
    value = json.dumps(asdict(label), separators=(",", ":"))
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:TC260="{_NAMESPACE}"><TC260:AIGC>{escape(value)}</TC260:AIGC>'
        '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    )
