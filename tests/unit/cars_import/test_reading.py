"""Designers' files come in with every bit and the right colours, or are refused with a reason."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from cli.cars.reading import read_cutout, read_mask
from cli.cars.spaces import ADOBE_RGB, DISPLAY_P3, SRGB
from shared.errors import InvalidInput
from tests.unit.cars_import.files import SRGB_CURVE, icc_profile, iccp, png, power, profile_of, table, tiff


@pytest.fixture
def rgba():
    """Every combination that a file could mix up: other colours in each corner, straight alpha below them."""
    codes = np.random.default_rng(3).integers(0, 65536, (80, 96, 4)).astype(np.uint16)
    codes[:20, :20, 3] = 0
    codes[40:, :, 3] = 65535
    return codes


@pytest.fixture
def write(tmp_path):
    def to_file(content: bytes, name="car.png"):
        file = tmp_path / name
        file.write_bytes(content)
        return file

    return to_file


@pytest.mark.parametrize("space", [SRGB, DISPLAY_P3, ADOBE_RGB], ids=lambda space: space.name)
@pytest.mark.parametrize("kind", ["png", "tiff"])
@pytest.mark.parametrize("bits", [8, 16])
def test_every_code_and_the_profile_come_through(write, rgba, space, kind, bits):
    codes = rgba if bits == 16 else (rgba >> 8).astype(np.uint8)
    icc = profile_of(space)
    found = read_cutout(write(png(codes, iccp(icc)) if kind == "png" else tiff(codes, icc=icc)))
    assert found.space is space
    assert found.rgba.dtype == codes.dtype
    assert np.array_equal(found.rgba, codes)
    assert not found.premultiplied


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("extra", "premultiplied"), [(0, False), (1, True), (2, False)])
def test_a_tiff_says_whether_its_alpha_is_premultiplied(write, rgba, bits, extra, premultiplied):
    codes = rgba if bits == 16 else (rgba >> 8).astype(np.uint8)
    found = read_cutout(write(tiff(codes, extra=extra), "car.tif"), profile="srgb")
    assert found.premultiplied is premultiplied
    assert np.array_equal(found.rgba, codes)


@pytest.mark.parametrize(
    ("chunks", "space"),
    [
        ([(b"sRGB", b"\0")], SRGB),
        ([(b"gAMA", struct.pack(">I", 45455))], SRGB),
        ([(b"cICP", bytes([12, 13, 0, 1]))], DISPLAY_P3),
        ([(b"cICP", bytes([1, 13, 0, 1])), iccp(profile_of(ADOBE_RGB))], SRGB),
        ([(b"gAMA", struct.pack(">I", 45470)), (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000))], ADOBE_RGB),
    ],
)  # fmt: skip
def test_a_png_without_profile_may_say_its_space_otherwise(write, rgba, chunks, space):
    assert read_cutout(write(png(rgba, *chunks))).space is space


def test_an_untagged_picture_needs_to_be_told_its_space(write, rgba):
    file = write(png(rgba))
    with pytest.raises(InvalidInput, match="--profile srgb, p3 or adobe"):
        read_cutout(file)
    assert read_cutout(file, profile="p3").space is DISPLAY_P3


def test_what_is_said_must_not_contradict_the_file(write, rgba):
    file = write(png(rgba, iccp(profile_of(DISPLAY_P3))))
    with pytest.raises(InvalidInput, match="Display P3, as the file says itself"):
        read_cutout(file, profile="srgb")


def test_the_profile_that_pillow_ships_is_srgb(write, rgba):
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert read_cutout(write(png(rgba, iccp(own)))).space is SRGB


@pytest.mark.parametrize("space", [DISPLAY_P3, ADOBE_RGB], ids=lambda space: space.name)
def test_matrices_and_curves_agree_with_littlecms(space):
    patches = np.array([[[200, 30, 40], [40, 180, 60], [30, 60, 190], [128, 128, 128], [240, 200, 60]]], np.uint8)
    theirs = ImageCms.profileToProfile(
        Image.fromarray(patches),
        ImageCms.ImageCmsProfile(BytesIO(profile_of(space))),
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
    )
    light = np.clip(space.rec709(space.decoded(patches / np.float32(255))), 0, 1)
    ours = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) * 255
    assert np.abs(ours - np.asarray(theirs)).max() <= 1.2


@pytest.mark.parametrize(
    "profile",
    [
        icc_profile(SRGB.to_xyz, power(2.2)),
        icc_profile(DISPLAY_P3.to_xyz, power(2.6)),
        icc_profile(SRGB.to_xyz[:, [1, 0, 2]], SRGB_CURVE),
        icc_profile(SRGB.to_xyz * 0.97, SRGB_CURVE),
        icc_profile(SRGB.to_xyz, SRGB_CURVE, more={b"A2B0": b"mft2" + b"\0" * 40}),
        icc_profile(SRGB.to_xyz, table(np.linspace(0, 1, 256) ** 1.8)),
    ],
    ids=["gamma 2.2", "DCI", "swapped", "dim", "look-up table", "ColorMatch"],
)
def test_an_unknown_profile_is_refused(write, rgba, profile):
    with pytest.raises(InvalidInput, match="sRGB, Display P3 or Adobe RGB"):
        read_cutout(write(png(rgba, iccp(profile))))


def test_a_curve_given_as_a_table_is_recognised(write, rgba):
    codes = np.linspace(0, 1, 1024)
    curve = table(np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4))
    assert read_cutout(write(png(rgba, iccp(icc_profile(SRGB.to_xyz, curve))))).space is SRGB


@pytest.mark.parametrize("cut", [20, 130, 140, 200, 300])
def test_a_damaged_profile_is_refused(write, rgba, cut):
    damaged = profile_of(SRGB)[:cut]
    with pytest.raises(InvalidInput, match="colour profile|damaged"):
        read_cutout(write(tiff(rgba, icc=damaged), "car.tif"))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda rgba: _saved(Image.fromarray((rgba[..., :3] >> 8).astype(np.uint8))), "an alpha channel"),
        (lambda rgba: _saved(Image.new("L", (96, 80))), "grey"),
        (lambda rgba: _saved(Image.new("LA", (96, 80))), "grey"),
        (lambda rgba: _saved(Image.new("P", (96, 80))), "palette"),
        (lambda rgba: _saved(Image.new("1", (96, 80))), "black and white"),
        (lambda rgba: _saved(Image.new("CMYK", (96, 80)), "TIFF"), "CMYK"),
        (lambda rgba: _saved(Image.new("RGB", (96, 80)), "JPEG"), "PNG or TIFF"),
        (lambda rgba: b"", "PNG or TIFF"),
        (lambda rgba: b"\x89PNG\r\n\x1a\n", "PNG or TIFF|damaged"),
        (lambda rgba: tiff(rgba.astype(np.float32), sample_format=3), "8 or 16 bits|damaged|PNG or TIFF"),
        (lambda rgba: png(rgba[:60], (b"sRGB", b"\0")), "64 to 16384"),
    ],
    ids=["rgb", "grey", "grey alpha", "palette", "bitmap", "cmyk", "jpeg", "empty", "head only", "float", "small"],
)
def test_other_kinds_of_picture_are_refused_with_the_reason(write, rgba, make, reason):
    with pytest.raises(InvalidInput, match=reason):
        read_cutout(write(make(rgba)), profile="srgb")


def _saved(picture, kind="PNG"):
    out = BytesIO()
    picture.save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize("share", [0.3, 0.7, 0.98])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_a_picture_that_is_cut_off_is_refused(write, rgba, share, bits, kind):
    codes = rgba if bits == 16 else (rgba >> 8).astype(np.uint8)
    whole = png(codes, (b"sRGB", b"\0")) if kind == "png" else tiff(codes)
    with pytest.raises(InvalidInput, match="damaged|PNG or TIFF"):
        read_cutout(write(whole[: int(len(whole) * share)]), profile="srgb")


def test_a_decompression_bomb_is_refused_before_it_is_unpacked(write):
    head = b"IHDR" + struct.pack(">IIBBBBB", 60000, 60000, 8, 6, 0, 0, 0)
    small = png(np.zeros((64, 64, 4), np.uint8))
    bomb = small[:12] + head + struct.pack(">I", zlib.crc32(head)) + small[33:]
    with pytest.raises(InvalidInput, match="64 to 16384 pixels"):
        read_cutout(write(bomb), profile="srgb")


def test_a_badge_mask_is_read_in_any_grey_form(tmp_path):
    mask = np.zeros((80, 96), np.uint8)
    mask[20:40, 30:60] = 255
    forms = {
        "grey.png": mask,
        "rgb.png": np.dstack([mask] * 3),
        "alpha.png": np.dstack([np.full_like(mask, 9)] * 3 + [mask]),
        "deep.png": mask.astype(np.uint16) * 257,
    }
    for name, picture in forms.items():
        cv2.imwrite(str(tmp_path / name), picture)
        assert np.array_equal(read_mask(tmp_path / name, (96, 80)), mask / np.float32(255)), name


def test_a_badge_mask_of_another_size_or_in_colour_is_refused(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((80, 90), np.uint8))
    cv2.imwrite(str(tmp_path / "b.png"), np.full((80, 96, 3), (0, 0, 255), np.uint8))
    (tmp_path / "c.png").write_bytes(b"no picture")
    for name, reason in (("a.png", "96 x 80"), ("b.png", "grey"), ("c.png", "grey")):
        with pytest.raises(InvalidInput, match=reason):
            read_mask(tmp_path / name, (96, 80))
