"""A picture from outside is untrusted: known by its bytes, bounded before it is decoded, and only its pixels survive."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from shared.errors import InvalidInput
from shared.pictures.decode import decode
from shared.pictures.label import label_for, read_label
from shared.pictures.variants import make_variants
from tests.unit.pictures import profiles

CODE = "001191330106MA2CFLDG4R10001"
KINDS = ("PNG", "JPEG", "WEBP")


def scene(width=96, height=120):
    y, x = np.mgrid[0:height, 0:width]
    return np.dstack([x * 255 / width, y * 255 / height, (x + y) % 256]).astype(np.uint8)


def file_of(image, kind="PNG", **options):
    out = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(out, kind, **options)
    return out.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, colour, rows, *before):
    """A PNG of raw rows, without a filter, with chunks before its data."""
    raw = b"".join(b"\0" + row for row in rows)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = [chunk(b"IHDR", header), *before, chunk(b"IDAT", zlib.compress(raw)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def with_chunk(body, kind, data):
    """The PNG with one more chunk, right behind its header."""
    return body[:33] + chunk(kind, data) + body[33:]


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_decoded_to_rgb_whatever_it_is_called(kind):
    decoded = decode(file_of(scene(), kind, quality=95) if kind != "PNG" else file_of(scene()))
    assert decoded.shape == (120, 96, 3)
    assert np.abs(decoded.astype(int) - scene()).mean() < 6


def test_only_the_pixels_survive():
    text = PngImagePlugin.PngInfo()
    text.add_text("prompt", '{"1": {"inputs": {"text": "SECRET 张三"}}}')
    exif = Image.Exif()
    exif[0x010E] = "SECRET Zhongshan Road 1891"
    body = file_of(scene(), pnginfo=text, exif=exif, icc_profile=profiles.DISPLAY_P3)
    assert body.count(b"SECRET") == 2
    for variant in make_variants(decode(body), label_for(CODE, "id")):
        assert b"SECRET" not in variant.body
        with Image.open(io.BytesIO(variant.body)) as image:
            image.load()
            assert not {"exif", "icc_profile", "comment", "prompt"} & set(image.info)
            assert dict(image.getexif()) == {}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.7, 0.99])
def test_a_file_that_ends_early_is_refused(kind, share):
    body = file_of(scene(), kind)
    with pytest.raises(InvalidInput, match="^picture: "):
        decode(body[: int(len(body) * share)])


def archive():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("a.txt", "a")
    return out.getvalue()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "more", [archive(), b"<script>alert(1)</script>", b"\0", file_of(scene())], ids=["zip", "html", "nul", "picture"]
)
def test_a_file_that_is_something_else_besides_is_refused(kind, more):
    body = file_of(scene(), kind)
    with pytest.raises(InvalidInput, match=f"nothing behind the picture, got {len(more)} bytes more"):
        decode(body + more)
    with pytest.raises(InvalidInput, match="a PNG, JPEG, WebP or AVIF file"):
        decode(b"<html>" + body)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "ICO", "PPM", "AVIF"])
def test_other_formats_are_refused_by_their_bytes(kind):
    with pytest.raises(InvalidInput, match="^picture: (a PNG, JPEG|one of PNG, JPEG)"):
        decode(file_of(scene(), kind))


@pytest.mark.parametrize(
    "body", [b"", b"<svg/>", b"%PDF-1.7", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP"]
)
def test_what_is_no_picture_is_refused(body):
    with pytest.raises(InvalidInput, match="^picture: "):
        decode(body)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "AVIF"])
def test_an_animation_is_refused(kind):
    frames = [Image.fromarray(scene()), Image.fromarray(scene()[::-1].copy())]
    with pytest.raises(InvalidInput, match="one frame|one of PNG|a PNG"):
        decode(file_of(frames[0], kind, save_all=True, append_images=frames[1:]))


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded():
    rows = [bytes(2500)] * 20_000
    for body in (png(20_000, 20_000, 1, 0, rows), png(60_000, 60_000, 8, 2, [b"\0"])):
        with pytest.raises(InvalidInput, match="DecompressionBomb|at most 16777216 pixels"):
            decode(body)
    with pytest.raises(InvalidInput, match="at most 16777216 pixels, got 5000x5000"):
        decode(png(5000, 5000, 1, 0, [bytes(625)] * 5000))


def test_a_file_of_too_many_bytes_is_refused_unread():
    with pytest.raises(InvalidInput, match="at most 33554432 bytes"):
        decode(bytes(32 * 1024 * 1024 + 1))


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP"])
def test_metadata_that_unpacks_to_gigabytes_is_never_unpacked(kind):
    name = b"Comment\0\0" if kind == b"zTXt" else b"ICC\0\0"
    with pytest.raises(InvalidInput, match="^picture: "):
        decode(with_chunk(file_of(scene()), kind, name + zlib.compress(bytes(40_000_000), 9)))


def test_a_jpeg_of_a_thousand_scans_is_refused():
    body = file_of(scene(), "JPEG", progressive=True)
    last = body.rindex(b"\xff\xda")
    scan = body[last:-2]
    with pytest.raises(InvalidInput, match="at most 64 scans"):
        decode(body[:last] + scan * 1000 + body[-2:])


def test_files_with_random_damage_end_as_a_picture_or_as_one_clear_error():
    random.seed(7)
    bodies = [file_of(scene(24, 30), kind, icc_profile=profiles.DISPLAY_P3) for kind in KINDS]
    refused = 0
    for number in range(240):
        body = bytearray(bodies[number % len(bodies)])
        for _ in range(random.randint(1, 6)):
            body[random.randrange(len(body))] = random.randrange(256)
        try:
            assert decode(bytes(body)).shape[2] == 3
        except InvalidInput as error:
            refused += str(error).startswith("picture: ")
    assert refused > 40


def test_a_wide_gamut_is_converted_to_srgb():
    """Display P3 and Adobe RGB: the same numbers are other colours there."""
    pixels = np.full((8, 8, 3), (200, 120, 90), np.uint8)
    for profile, matrix in ((profiles.DISPLAY_P3, profiles.P3_TO_XYZ), (profiles.ADOBE_RGB, profiles.ADOBE_TO_XYZ)):
        expected = profiles.expected_srgb((200, 120, 90), matrix)
        for kind in KINDS:
            options = (
                {"lossless": True} if kind == "WEBP" else {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
            )
            decoded = decode(file_of(pixels, kind, icc_profile=profile, **options))[4, 4]
            assert np.abs(decoded - expected).max() <= 2.5, (kind, decoded, expected)
            assert np.abs(decoded - np.array((200, 120, 90.0))).max() > 6


def test_srgb_stays_as_it_is():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.abs(decode(file_of(scene(), icc_profile=profile)).astype(int) - scene()).max() <= 1


def test_cmyk_is_converted_by_its_profile_and_without_one_by_the_usual_formula():
    ink = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    plain = decode(file_of(ink, "JPEG", quality=100))[8, 8].astype(int)
    assert plain[0] < 40
    assert plain[2] > 200
    # A press whose every ink is grey.
    pressed = decode(file_of(ink, "JPEG", quality=100, icc_profile=profiles.GREY_PRESS))[8, 8].astype(int)
    assert np.ptp(pressed) <= 3
    assert 60 < pressed[0] < 220


def test_grey_is_converted_by_its_profile():
    grey = Image.new("L", (8, 8), 128)
    assert decode(file_of(grey))[0, 0].tolist() == [128, 128, 128]
    linear = decode(file_of(grey, icc_profile=profiles.LINEAR_GREY))[0, 0]
    assert np.abs(linear.astype(int) - 188).max() <= 2


@pytest.mark.parametrize(
    "profile", [b"nonsense" * 40, profiles.GREY_PRESS, bytes(5_000_000)], ids=["broken", "other", "long"]
)
def test_a_profile_that_cannot_be_used_is_refused(profile):
    with pytest.raises(InvalidInput, match="^picture: "):
        decode(file_of(scene(), "PNG", icc_profile=profile))


def test_a_gamma_without_a_profile_is_obeyed():
    plain = png(2, 2, 8, 2, [bytes([128] * 6)] * 2)
    assert decode(plain)[0, 0].tolist() == [128] * 3
    linear = with_chunk(plain, b"gAMA", struct.pack(">I", 100_000))
    assert decode(linear)[0, 0].tolist() == [188] * 3
    usual = with_chunk(plain, b"gAMA", struct.pack(">I", 45_455))
    assert decode(usual)[0, 0].tolist() == [128] * 3


def test_hdr_is_refused():
    plain = png(2, 2, 8, 2, [bytes([128] * 6)] * 2)
    assert decode(with_chunk(plain, b"cICP", bytes((1, 13, 0, 1))))[0, 0].tolist() == [128] * 3
    with pytest.raises(InvalidInput, match="cICP"):
        decode(with_chunk(plain, b"cICP", bytes((9, 16, 0, 1))))


@pytest.mark.parametrize("value", [0, 257, 32_896, 65_535])
def test_sixteen_bits_become_eight(value):
    pair = struct.pack(">H", value)
    for body in (png(2, 2, 16, 0, [pair * 2] * 2), png(2, 2, 16, 2, [pair * 6] * 2)):
        assert np.abs(decode(body).astype(int) - value / 257).max() <= 0.5


def test_palette_grey_and_black_and_white_become_colours():
    assert decode(file_of(Image.fromarray(scene()).quantize(16))).shape == (120, 96, 3)
    assert decode(file_of(Image.new("1", (4, 4), 1)))[0, 0].tolist() == [255] * 3
    assert decode(file_of(Image.new("L", (4, 4), 77), "JPEG"))[0, 0].tolist() == [77] * 3


def test_what_is_transparent_lies_on_white_and_hidden_colours_stay_hidden():
    for clear in (Image.new("RGBA", (4, 4), (255, 0, 0, 0)), Image.new("LA", (4, 4), (0, 0))):
        assert decode(file_of(clear))[0, 0].tolist() == [255] * 3
    assert decode(file_of(Image.new("RGBA", (4, 4), (255, 0, 0, 128))))[0, 0].tolist() == [255, 127, 127]
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 9, 9, 9])
    assert decode(file_of(palette, transparency=1))[0, 0].tolist() == [255] * 3


@pytest.mark.parametrize(("orientation", "corner"), [(1, (0, 0)), (3, (-1, -1)), (6, (0, -1)), (8, (-1, 0))])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_orientation_tag_is_obeyed(kind, orientation, corner):
    pixels = np.zeros((32, 64, 3), np.uint8)
    pixels[:16, :16] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode(file_of(pixels, kind, exif=exif))
    assert decoded.shape[:2] == ((64, 32) if orientation in (6, 8) else (32, 64))
    assert decoded[corner].min() > 240


def test_a_label_of_somebody_else_does_not_survive_either():
    [master, *_] = make_variants(scene(), label_for(CODE, "theirs"))
    assert read_label(file_of(decode(master.body))) is None
