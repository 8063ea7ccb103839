"""The visible label: high enough, legible on everything, in a corner, and hiding neither car nor badge."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageFont

from shared.pictures.label import label_for
from shared.pictures.mark import CORNERS, TEXT, Subject, corner_for, draw_mark, find_mark, font_for
from shared.pictures.share_card import CardText
from shared.pictures.variants import make_variants

CODE = "001191330106MA2CFLDG4R10001"


def plain(width, height, value=128):
    return np.full((height, width, 3), value, np.uint8)


def noise(width=768, height=960, seed=3):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def subject(shape, car, badge=None):
    masks = np.zeros((2, *shape[:2]), bool)
    for mask, box in zip(masks, (car, badge), strict=True):
        if box is not None:
            x, y, width, height = box
            mask[y : y + height, x : x + width] = True
    return Subject(*masks)


def ink_heights(marked, below):
    """Height in pixels of the ink of each connected glyph part, from the picture alone: the tallest by column."""
    changed = (marked.astype(int).min(axis=2) > 200) & (below.astype(int).max(axis=2) <= 128)
    rows = np.nonzero(changed.any(axis=1))[0]
    return rows.max() - rows.min() + 1


@pytest.mark.parametrize(
    ("width", "height"), [(768, 960), (960, 768), (384, 480), (768, 1225), (288, 512), (1440, 1440)]
)
def test_the_smallest_glyph_is_five_percent_of_the_shortest_side(width, height):
    font = font_for(int(np.ceil(min(width, height) * 0.052)))
    heights = [bottom - top for _, top, _, bottom in map(font.getbbox, TEXT)]
    assert min(heights) >= 0.05 * min(width, height)
    below = plain(width, height)
    assert ink_heights(draw_mark(below), below) >= 0.05 * min(width, height)


def test_the_text_has_an_ai_word_and_a_generation_word():
    assert "AI" in TEXT
    assert "生成" in TEXT


def test_the_shipped_font_has_every_glyph_of_the_mark():
    font = font_for(40)
    assert isinstance(font, ImageFont.FreeTypeFont)
    blank = font.getmask("\ue000").getbbox()
    assert len({bytes(font.getmask(glyph)) for glyph in TEXT}) == len(TEXT)
    assert all(font.getmask(glyph).getbbox() != blank for glyph in TEXT)


@pytest.mark.parametrize("below", [plain(768, 960, value) for value in (0, 90, 128, 200, 255)] + [noise()])
def test_it_is_legible_on_everything(below):
    """At least 4.5 to 1 between ink and plate (WCAG 2.2, 1.4.3), whatever lies below."""
    on_black, on_white = draw_mark(plain(768, 960, 0)), draw_mark(plain(768, 960, 255))
    ink, plate = on_black.min(axis=2) > 240, on_white.max(axis=2) < 82
    assert 200 < ink.sum() < plate.sum()
    marked = draw_mark(below) / 255
    linear = np.where(marked <= 0.04045, marked / 12.92, ((marked + 0.055) / 1.055) ** 2.4)
    luminance = linear @ (0.2126, 0.7152, 0.0722)
    assert (luminance[ink].min() + 0.05) / (luminance[plate].max() + 0.05) >= 4.5
    assert find_mark(draw_mark(below)) == "bottom right"


def test_without_a_car_it_stands_at_the_bottom_right_and_changes_nothing_else():
    below = noise()
    marked = draw_mark(below)
    assert (marked[:850] == below[:850]).all()
    assert (marked[:, :560] == below[:, :560]).all()


@pytest.mark.parametrize(
    ("car", "badge", "corner"),
    [
        ((100, 560, 540, 280), (150, 700, 20, 20), "bottom right"),
        ((230, 700, 538, 260), (300, 800, 20, 20), "bottom left"),
        ((0, 640, 768, 320), (60, 880, 20, 20), "top right"),
        ((0, 0, 768, 960), (700, 40, 30, 30), "bottom right"),
        ((0, 0, 768, 960), (700, 900, 30, 30), "bottom left"),
    ],
)
def test_it_goes_where_it_hides_neither_car_nor_badge(car, badge, corner):
    below = noise()
    what = subject(below.shape, car, badge)
    assert corner_for(below.shape, what) == corner
    marked = draw_mark(below, what)
    assert find_mark(marked) == corner
    assert (marked[what.badge] == below[what.badge]).all()
    if car[2:] != (768, 960):
        assert (marked[what.car] == below[what.car]).all()


@pytest.mark.parametrize("corner", CORNERS)
def test_a_picture_without_the_mark_has_none(corner):
    assert find_mark(noise()) is None
    assert find_mark(plain(768, 960, 255)) is None
    assert find_mark(plain(12, 900)) is None


def test_every_variant_shows_it_after_compression_too():
    below = plain(384, 480, 210)
    below[::3] = 40
    for variant in make_variants(below, label_for(CODE, "id"), None, CardText("旅途", (), "", 0, "zh")):
        with Image.open(io.BytesIO(variant.body)) as image:
            assert find_mark(np.asarray(image.convert("RGB"))) == "bottom right", variant.name
