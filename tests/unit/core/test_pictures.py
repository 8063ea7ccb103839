"""Pictures: untrusted when they come, measured, labelled by law, and read back before they go."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageFont, PngImagePlugin

from shared.errors import InvalidInput, Misconfigured
from shared.pictures.decode import decode
from shared.pictures.encode import encode_jpeg, encode_png
from shared.pictures.inspection.limits import Limits
from shared.pictures.inspection.whole import inspect_whole
from shared.pictures.label import label_for, read_label
from shared.pictures.mark import TEXT, draw_mark, font_for
from shared.pictures.variants import LabelMissing, make_variants

CODE = "001191330106MA2CFLDG4R10001"


@pytest.fixture
def pixels():
    rng = np.random.default_rng(7)
    gradient = np.linspace(30, 220, 960)[:, None, None] * np.ones((1, 768, 3))
    return (gradient + rng.normal(0, 8, (960, 768, 3))).clip(0, 255).astype(np.uint8)


def file_of(pixels, kind="PNG", **options):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_decoded_to_rgb(pixels, kind):
    assert decode(file_of(pixels, kind)).shape == (960, 768, 3)


def test_only_the_pixels_survive(pixels):
    text = PngImagePlugin.PngInfo()
    text.add_text("prompt", '{"1": {"inputs": {"text": "SECRET 张三"}}}')
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", pnginfo=text)
    assert b"SECRET" in out.getvalue()
    for variant in make_variants(decode(out.getvalue()), label_for(CODE, "id")):
        assert b"SECRET" not in variant.body


@pytest.mark.parametrize(
    "damage",
    [
        lambda body: b"",
        lambda body: body[: len(body) // 2],
        lambda body: b"GIF89a" + body,
        lambda body: b"<svg/>",
        lambda body: body[:40] + b"\x00" * 64 + body[104:],
    ],
)
def test_a_broken_or_foreign_file_is_refused(pixels, damage):
    with pytest.raises(InvalidInput, match="^picture: "):
        decode(damage(file_of(pixels)))


def test_a_decompression_bomb_is_refused_before_it_is_decoded():
    out = io.BytesIO()
    Image.new("L", (20_000, 20_000)).save(out, "PNG")
    with pytest.raises(InvalidInput, match="DecompressionBomb"):
        decode(out.getvalue())


def test_an_animation_is_refused(pixels):
    frames = [Image.fromarray(pixels[:64, :64]), Image.fromarray(pixels[64:128, :64])]
    out = io.BytesIO()
    frames[0].save(out, "PNG", save_all=True, append_images=frames[1:])
    with pytest.raises(InvalidInput, match="one frame"):
        decode(out.getvalue())


def failed(metrics):
    return {metric.name for metric in metrics if not metric.passed}


def test_a_good_picture_passes_inspection(pixels):
    assert failed(inspect_whole(pixels, 768, 960, Limits())) == set()


def test_a_blank_picture_and_a_wrong_size_fail_it():
    blank = np.full((100, 100, 3), 128, np.uint8)
    assert failed(inspect_whole(blank, 768, 960, Limits())) == {"width", "height", "contrast", "sharpness"}


def test_every_variant_carries_its_own_label_in_its_bytes(pixels):
    label = label_for(CODE, "3f1c")
    variants = make_variants(pixels, label)
    assert [variant.name for variant in variants] == ["master", "feed", "feed_avif", "thumbnail", "thumbnail_avif"]
    for variant in variants:
        assert replace(read_label(variant.body), ReservedCode1=label.ReservedCode1) == label
        assert b"http://www.tc260.org.cn/ns/AIGC/1.0/" in variant.body
        assert CODE.encode() in variant.body


def test_the_visible_mark_is_as_high_as_the_standard_asks():
    for shortest in (288, 384, 768, 1440):
        font = font_for(int(np.ceil(shortest * 0.052)))
        heights = [bottom - top for _, top, _, bottom in map(font.getbbox, TEXT)]
        assert min(heights) >= 0.05 * shortest


def test_the_visible_mark_changes_only_the_corner(pixels):
    labelled = draw_mark(pixels)
    assert (labelled[:800] == pixels[:800]).all()
    assert (labelled[:, :480] == pixels[:, :480]).all()
    corner = labelled[860:, 540:].astype(int)
    assert corner.max() > 235
    assert np.abs(corner - pixels[860:, 540:]).mean() > 20


def test_the_shipped_font_has_every_glyph_of_the_mark():
    font = font_for(40)
    assert isinstance(font, ImageFont.FreeTypeFont)
    blank = font.getmask("\ue000").getbbox()
    assert len({bytes(font.getmask(glyph)) for glyph in TEXT}) == len(TEXT)
    assert all(font.getmask(glyph).getbbox() != blank for glyph in TEXT)


@pytest.mark.parametrize("code", ["", "001191", CODE.lower(), CODE + "0", "9" * 27])
def test_without_a_well_formed_producer_code_nothing_is_labelled(code):
    with pytest.raises(Misconfigured, match="TRIPCANVAS_PRODUCER_CODE"):
        label_for(code, "id")


def test_a_re_saved_file_has_lost_its_label(pixels):
    body = encode_jpeg(pixels, label_for(CODE, "id"), 90)
    with Image.open(io.BytesIO(body)) as image:
        again = io.BytesIO()
        Image.fromarray(np.array(image)).save(again, "JPEG")
    assert read_label(again.getvalue()) is None


def test_a_label_that_cannot_be_read_back_stops_the_picture(pixels):
    # A value JSON can't give back as it was.
    odd = replace(label_for(CODE, "id"), ProduceID=("id",))
    with pytest.raises(LabelMissing):
        make_variants(pixels, odd)


def test_the_master_is_lossless(pixels):
    body = encode_png(pixels, label_for(CODE, "id"))
    assert (decode(body) == pixels).all()
