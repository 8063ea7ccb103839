"""The label in the bytes: in every format, in every variant, read by other code than wrote it; and its integrity."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import zlib
from dataclasses import asdict, replace

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from shared.errors import InvalidInput, Misconfigured
from shared.pictures.encode import encode_avif, encode_jpeg, encode_png, encode_webp
from shared.pictures.label import carries, label_for, read_file, read_label, sealed, xmp_packet
from shared.pictures.producer_code import check_character, check_producer_code, is_for_demonstration
from shared.pictures.share_card import CardText
from shared.pictures.variants import LabelMissing, make_variants
from tests.unit.pictures.byte_reader import labels, png_chunks

CODE = "001191330106MA2CFLDG4R10001"
ID = "3d67a0b4-e8ab-5de6-b5f9-077a023859ae"
KEYS = ["Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2"]
WRITERS = {
    "PNG": encode_png,
    "JPEG": lambda pixels, label: encode_jpeg(pixels, label, 90),
    "WEBP": lambda pixels, label: encode_webp(pixels, label, 90),
    "AVIF": lambda pixels, label: encode_avif(pixels, label, 80),
}


def scene(width=160, height=200):
    y, x = np.mgrid[0:height, 0:width]
    return np.dstack([x * 255 / width, y * 255 / height, (x * y) % 256]).astype(np.uint8)


@pytest.fixture(scope="module")
def files():
    return {kind: write(scene(), label_for(CODE, ID)) for kind, write in WRITERS.items()}


@pytest.mark.parametrize("kind", WRITERS)
def test_the_seven_keys_stand_in_the_bytes_of_every_format_once(files, kind):
    [found] = labels(files[kind])
    assert list(found) == KEYS
    assert found["Label"] == "1"
    assert found["ContentProducer"] == found["ContentPropagator"] == CODE
    assert found["ProduceID"] == found["PropagateID"] == ID
    assert re.fullmatch("sha256:[0-9a-f]{64}", found["ReservedCode1"])
    assert found["ReservedCode2"] == ""
    assert all(re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e]*", value) for value in found.values())
    assert asdict(read_label(files[kind])) == found


def test_every_variant_of_a_picture_is_labelled_by_itself():
    card = CardText("我的五一公路", ("上海", "杭州"), "2024-05-05", 650, "zh")
    variants = make_variants(scene(), label_for(CODE, ID), None, card)
    assert [each.name for each in variants] == ["master", "feed", "feed_avif", "thumbnail", "thumbnail_avif", "card"]
    seals = [found["ReservedCode1"] for each in variants for found in labels(each.body)]
    assert len(seals) == len(variants)
    assert len(set(seals)) >= 4


@pytest.mark.skipif(
    shutil.which("exiftool") is None and not os.environ.get("CI"), reason="exiftool is not installed; in CI it must be"
)
@pytest.mark.parametrize("kind", WRITERS)
def test_exiftool_finds_it_too(files, kind, tmp_path):
    file = tmp_path / "picture"
    file.write_bytes(files[kind])
    asked = ["exiftool", "-s", "-G1", "-XMP:all", "-validate", "-warning", file]
    told = subprocess.run(asked, capture_output=True, text=True).stdout
    assert f'[XMP-TC260]     Aigc                            : {{"Label":"1","ContentProducer":"{CODE}"' in told
    assert "Validate                        : OK" in told


def test_the_png_is_one_that_every_program_reads(files):
    body = files["PNG"]
    assert [kind for kind, _ in png_chunks(body)] == [b"IHDR", b"sRGB", b"iTXt", b"IDAT", b"IEND"]
    at = 8
    for kind, data in png_chunks(body):
        checksum = body[at + 8 + len(data) : at + 12 + len(data)]
        assert int.from_bytes(checksum, "big") == zlib.crc32(kind + data)
        at += 12 + len(data)
    with Image.open(io.BytesIO(body)) as image:
        assert (np.asarray(image) == scene()).all()


def test_the_jpeg_is_progressive_and_keeps_all_its_colours(files):
    with Image.open(io.BytesIO(files["JPEG"])) as image:
        assert image.info["progressive"] == 1
        assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3
    # av1C, third byte: not monochrome, neither horizontally nor vertically subsampled.
    assert files["AVIF"][files["AVIF"].index(b"av1C") + 6] & 0b00011100 == 0


@pytest.mark.parametrize("kind", WRITERS)
def test_a_file_is_intact_until_its_picture_or_its_producer_is_changed(files, kind):
    body = files[kind]
    assert read_file(body).intact is True
    start, end = read_file(body).container.picture[-1 if kind in ("AVIF", "WEBP") else -2]
    damaged = bytearray(body)
    damaged[(start + end) // 2] ^= 4
    assert read_file(bytes(damaged)).intact is False
    other = body.replace(ID.encode(), ID[::-1].encode(), 1)
    assert read_file(other).intact is False
    assert read_file(body.replace(b'"Label":"1"', b'"Label":"3"')).intact is False


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF", "PNG"])
def test_a_platform_may_add_its_own_code_without_breaking_it(files, kind):
    """Measures, Art. 6: platforms write name and content number into the metadata."""
    body = files[kind]
    first = body.index(CODE.encode())
    at = body.index(CODE.encode(), first + 1)
    added = body[:at] + CODE.encode()[:-5] + b"20007" + body[at + len(CODE) :]
    assert read_label(added).ContentPropagator.endswith("20007")
    assert read_file(added).intact is True


def test_a_label_without_a_value_of_this_product_is_read_but_not_judged(files):
    foreign = files["JPEG"].replace(b"sha256:", b"sm3---:")
    assert read_label(foreign).ProduceID == ID
    assert read_file(foreign).intact is None


def test_a_re_saved_file_has_lost_its_label(files):
    for kind, body in files.items():
        with Image.open(io.BytesIO(body)) as image:
            again = io.BytesIO()
            Image.fromarray(np.array(image)).save(again, kind)
        assert read_label(again.getvalue()) is None
        assert labels(again.getvalue()) == []


def test_two_labels_in_one_file_are_refused(files):
    packet = b"XML:com.adobe.xmp" + bytes(5) + xmp_packet(label_for(CODE, "other"))
    chunk = len(packet).to_bytes(4, "big") + b"iTXt" + packet + zlib.crc32(b"iTXt" + packet).to_bytes(4, "big")
    body = files["PNG"]
    with pytest.raises(InvalidInput, match="one label"):
        read_file(body[:33] + chunk + body[33:])


@pytest.mark.parametrize(
    "value",
    [
        "", "[]", "{}", "{" * 5000, '{"Label":"1"}', '{"Label":1,"ContentProducer":"","ProduceID":"","ReservedCode1":"",'
        '"ContentPropagator":"","PropagateID":"","ReservedCode2":""}',
    ],
)  # fmt: skip
def test_what_is_no_label_is_not_read_as_one(value):
    text = PngImagePlugin.PngInfo()
    packet = xmp_packet(label_for(CODE, ID)).decode()
    text.add_itxt("XML:com.adobe.xmp", re.sub(r"(?<=<TC260:AIGC>).*(?=</TC260)", lambda _: value, packet))
    out = io.BytesIO()
    Image.fromarray(scene()).save(out, "PNG", pnginfo=text)
    assert read_label(out.getvalue()) is None


def test_entities_are_never_expanded(files):
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)
    )
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", (bomb + b"]><x>&j;</x>").decode())
    out = io.BytesIO()
    Image.fromarray(scene()).save(out, "PNG", pnginfo=text)
    assert read_label(out.getvalue()) is None


def test_a_picture_whose_label_cannot_be_read_back_is_not_made():
    odd = replace(label_for(CODE, ID), ProduceID=("id",))
    with pytest.raises(LabelMissing, match="master"):
        make_variants(scene(), odd)
    with pytest.raises(InvalidInput, match="with the label in it"):
        sealed(encode_jpeg(scene(), label_for(CODE, ID), 80), label_for(CODE, ID))
    assert not carries(encode_jpeg(scene(), label_for(CODE, "other"), 80), label_for(CODE, ID))


def test_real_and_made_up_credit_codes_are_told_apart():
    check_producer_code(CODE)
    # The example of GB 32100-2015 is checked by the same table.
    assert check_character("91350100M000100Y4") == "3"
    check_producer_code("001191000000DEM0DEM05N1DEM0")
    assert is_for_demonstration("001191000000DEM0DEM05N1DEM0")
    assert not is_for_demonstration(CODE)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("", "27-character"),
        ("001191", "27-character"),
        (CODE.lower(), "27-character"),
        (CODE + "0", "27-character"),
        ("9" * 27, "27-character"),
        (CODE[:22] + "3" + CODE[23:], "27-character"),
        ("0011" + "91330106MA2CFLDG4T" + "10001", "check character is wrong"),
        ("0011" + "91330106MA2CFLGD4R" + "10001", "check character is wrong"),
        ("001191DEMO00DEMO00DEMO10000", "with O in it"),
        ("００１１91330106MA2CFLDG4R10001", "27-character"),
    ],
)
def test_without_a_producer_code_that_can_be_right_nothing_is_labelled(code, said):
    with pytest.raises(Misconfigured, match=f"^TRIPCANVAS_PRODUCER_CODE .*{said}"):
        label_for(code, "id")


@pytest.mark.parametrize("content_id", ["", "a b", 'a"b', "a\\b", "张三", "a\n"])
def test_a_content_number_is_plain(content_id):
    with pytest.raises(InvalidInput, match="content_id"):
        label_for(CODE, content_id)
