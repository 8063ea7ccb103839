"""`tripcanvas verify`: what it says of a file, and with which status it ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from cli.main import app
from shared.pictures.encode import encode_avif, encode_jpeg, encode_png, encode_webp
from shared.pictures.label import label_for
from shared.pictures.mark import draw_mark

CODE = "001191330106MA2CFLDG4R10001"
PIXELS = draw_mark(np.dstack([np.indices((240, 200)).sum(axis=0) % 256] * 3).astype(np.uint8))
FILES = {
    "PNG": encode_png(PIXELS, label_for(CODE, "n-1")),
    "JPEG": encode_jpeg(PIXELS, label_for(CODE, "n-1"), 90),
    "WEBP": encode_webp(PIXELS, label_for(CODE, "n-1"), 90),
    "AVIF": encode_avif(PIXELS, label_for(CODE, "n-1"), 80),
}


def verify(tmp_path, body):
    file = tmp_path / "picture"
    file.write_bytes(body)
    return CliRunner().invoke(app, ["verify", str(file)], env={"COLUMNS": "200"})


@pytest.mark.parametrize("kind", FILES)
def test_a_labelled_file_is_shown_key_by_key(tmp_path, kind):
    shown = verify(tmp_path, FILES[kind])
    assert shown.exit_code == 0, shown.output
    assert f"{kind}, 200×240" in shown.output
    assert "AI生成 at the bottom right" in shown.output
    assert "Label             1   is generated" in shown.output
    assert f"ContentProducer   {CODE}   well-formed" in shown.output
    assert f"ContentPropagator {CODE}   the producer" in shown.output
    assert "intact: " in shown.output


def test_a_changed_picture_is_told_and_ends_with_status_3(tmp_path):
    body = bytearray(FILES["PNG"])
    at = body.index(b"IDAT") + 40
    body[at] ^= 1
    shown = verify(tmp_path, bytes(body))
    assert shown.exit_code == 3
    assert "CHANGED" in shown.output
    assert verify(tmp_path, FILES["JPEG"] + b"PK").exit_code == 3
    foreign = verify(tmp_path, FILES["JPEG"].replace(b"sha256:", b"sm3---:"))
    assert foreign.exit_code == 3
    assert "not checked" in foreign.output


def test_a_file_without_a_label_ends_with_status_1(tmp_path):
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(PIXELS).save(out, "PNG")
    shown = verify(tmp_path, out.getvalue())
    assert shown.exit_code == 1
    assert "none: no XMP property TC260:AIGC" in shown.output


@pytest.mark.parametrize("body", [b"", b"# README", FILES["AVIF"][:200]])
def test_what_is_no_picture_is_refused_in_one_sentence(tmp_path, body):
    shown = verify(tmp_path, body)
    assert shown.exit_code == 1
    assert shown.stderr.startswith("picture: ")
    assert shown.stderr.count("\n") == 1


def test_the_demonstrations_code_is_called_nobodys(tmp_path):
    shown = verify(tmp_path, encode_png(PIXELS, label_for("001191000000DEM0DEM05N1DEM0", "n-1")))
    assert "a code for demonstrations, nobody's" in shown.output


def test_a_made_up_code_is_seen_through(tmp_path):
    shown = verify(tmp_path, FILES["PNG"].replace(CODE.encode(), CODE[:-9].encode() + b"T10001XXX"))
    assert "must be the 27-character producer code" in shown.output


@pytest.mark.parametrize("name", ["published.jpg", "published-card.jpg"])
def test_the_pictures_in_the_documents_are_files_as_they_were_published(name):
    file = Path(__file__).parents[3] / "docs" / "pictures" / name
    shown = CliRunner().invoke(app, ["verify", str(file)], env={"COLUMNS": "200"})
    assert shown.exit_code == 0, shown.output
    assert "AI生成 at the bottom right" in shown.output
