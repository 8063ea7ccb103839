"""The files of a picture: sizes, colours of the badge, sameness of a repetition, and the share card."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from shared.pictures import share_card
from shared.pictures.composition.composite import compose
from shared.pictures.composition.order import SceneOrder
from shared.pictures.decode import decode
from shared.pictures.encode import encode_jpeg, jpeg_rounded
from shared.pictures.inspection.files import deliverable, inspect_files
from shared.pictures.label import label_for
from shared.pictures.mark import Subject, find_mark
from shared.pictures.share_card import CardText, draw_card, drawable
from shared.pictures.variants import make_variants, most_bytes
from tests.unit.composition.conftest import draw
from tests.unit.composition.test_place import landscape

LABEL = label_for("001191330106MA2CFLDG4R10001", "id")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A landscape with a car, the car, and the files of the picture."""
    plate = cv2.GaussianBlur(landscape(0.5), (0, 0), 2) + np.random.default_rng(5).normal(0, 3, (960, 768, 1))
    car = draw(tmp_path_factory.mktemp("cars") / "drawn")
    whole = compose(plate.clip(0, 255).astype(np.uint8), car, "red", SceneOrder(light="noon"))
    subject = Subject(whole.car_mask, whole.badge_mask)
    return whole.picture, subject, make_variants(whole.picture, LABEL, subject)


def test_the_master_is_lossless_but_for_the_mark(made):
    pixels, _, (master, *_) = made
    back = decode(master.body)
    assert (back[:800] == pixels[:800]).all()
    assert find_mark(back) == "bottom right"


def test_every_feed_file_is_small_and_keeps_the_badge(made):
    pixels, subject, files = made
    metrics = {metric.name: metric for metric in inspect_files(files, pixels, subject.badge)}
    assert all(metric.passed for metric in metrics.values())
    assert {"feed_bytes", "feed_badge_mean", "feed_badge_p95", "feed_avif_bytes", "feed_avif_badge_p95"} <= set(metrics)
    assert metrics["feed_bytes"].at_most == most_bytes(768, 960)
    assert most_bytes(768, 960) == 180 * 1024


def test_without_sparing_it_the_badge_would_lose_more(made):
    pixels, subject, _ = made
    spared = {m.name: m.value for m in inspect_files(made[2], pixels, subject.badge)}
    plain = {m.name: m.value for m in inspect_files(make_variants(pixels, LABEL), pixels, subject.badge)}
    assert plain["feed_badge_mean"] > 1.3 * spared["feed_badge_mean"]
    assert plain["feed_avif_badge_mean"] > 1.3 * spared["feed_avif_badge_mean"]


def test_the_avif_is_the_smaller_file(made):
    by_name = {file.name: file for file in made[2]}
    assert len(by_name["feed_avif"].body) < len(by_name["feed"].body)
    assert len(by_name["thumbnail_avif"].body) < len(by_name["thumbnail"].body)


def test_a_picture_made_again_is_the_same_to_the_byte(made):
    pixels, subject, files = made
    assert [file.sha256 for file in make_variants(pixels, LABEL, subject)] == [file.sha256 for file in files]


def test_a_picture_of_thick_strokes_is_rounded_until_it_fits(made):
    pixels, subject, _ = made
    strokes = np.random.default_rng(4).normal(0, 18, (240, 192, 3)).repeat(4, 0).repeat(4, 1)
    rough = np.where(subject.car[..., None], pixels, np.clip(pixels + strokes, 0, 255)).astype(np.uint8)
    # Even the eighth quality would be too large a file.
    assert len(encode_jpeg(jpeg_rounded(rough, 30), LABEL, 98)) > most_bytes(768, 960)
    _, metrics = deliverable(make_variants(rough, LABEL, subject), rough, subject.badge)
    assert [metric for metric in metrics if not metric.passed] == []


def test_a_picture_that_cannot_be_made_small_is_not_passed_as_one():
    noise = np.random.default_rng(2).integers(0, 256, (480, 384, 3), dtype=np.uint8)
    badge = np.zeros((480, 384), bool)
    badge[100:400, 50:300] = True
    _, metrics = deliverable(make_variants(noise, LABEL, Subject(badge, badge)), noise, badge)
    assert "feed_bytes" in {metric.name for metric in metrics if not metric.passed}


def test_an_avif_that_loses_too_much_is_left_out_and_the_jpeg_stays(made):
    pixels, subject, files = made
    other = pixels.copy()
    worse = [file for file in make_variants(other[::-1].copy(), LABEL) if file.name == "feed_avif"]
    mixed = [worse[0] if file.name == "feed_avif" else file for file in files]
    kept, metrics = deliverable(mixed, pixels, subject.badge)
    assert [file.name for file in kept] == ["master", "feed", "thumbnail"]
    assert all(metric.passed for metric in metrics)


def test_a_picture_smaller_than_a_thumbnail_is_not_enlarged():
    pixels = np.full((360, 200, 3), 90, np.uint8)
    assert {(file.width, file.height) for file in make_variants(pixels, LABEL)} == {(200, 360)}


# The share card.

TRIP = CardText("我的五一公路", ("上海", "湖州", "无锡", "上海"), "2024-05-05", 650, "zh")


def drawn(monkeypatch, text):
    """What is written on a card, line by line."""
    lines = []
    original = share_card.ImageDraw.ImageDraw.text
    monkeypatch.setattr(
        share_card.ImageDraw.ImageDraw, "text", lambda self, at, line, *a, **k: (lines.append(line), original(self, at, line, *a, **k))[1]
    )  # fmt: skip
    card = draw_card(np.full((960, 768, 3), 90, np.uint8), text)
    return [line for line in lines if line != "AI生成"], card


def test_the_card_says_title_route_date_and_distance(monkeypatch):
    lines, card = drawn(monkeypatch, TRIP)
    assert lines == ["我的五一公路", "2024年5月5日 · 650 公里", "上海 → 湖州 → 无锡 → 上海"]
    assert card.shape == (960 + 265, 768, 3)
    assert (card[:960] == 90).all()
    assert find_mark(card) == "bottom right"


def test_the_card_of_an_english_trip_is_english(monkeypatch):
    text = CardText("A slow road to the Great Wall", ("Beijing", "Datong"), "2024-10-03", 1240, "en")
    lines, _ = drawn(monkeypatch, text)
    assert lines == ["A slow road to the Great Wall", "3 Oct 2024 · 1,240 km", "Beijing → Datong"]


def test_what_is_not_known_or_not_allowed_is_left_out(monkeypatch):
    lines, _ = drawn(monkeypatch, CardText("山间小路", (), "2024-05-05", 0, "zh"))
    assert lines == ["山间小路", "2024年5月5日"]
    assert drawn(monkeypatch, CardText("山间小路", (), "", 0, "zh"))[0] == ["山间小路"]


@pytest.mark.parametrize(
    "title",
    [
        "从成都平原一路向西翻过折多山，追着云海与晚霞，去看贡嘎雪山下那一片还没有被人写进诗里的草原和星空",
        "A very long English title about a very long road that goes on and on through every province of the country",
        "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2,
        "“" * 60,
    ],
)
def test_a_long_title_ends_inside_its_two_lines(monkeypatch, title):
    lines, card = drawn(monkeypatch, CardText(title, ("上海",) * 40, "2024-05-05", 650, "zh"))
    title_lines = lines[:-2]
    assert len(title_lines) == 2
    assert title_lines[-1].endswith("…")
    font = share_card._font(round(768 * 0.054))
    assert all(font.getlength(line) <= 768 - 2 * 40 for line in title_lines)
    assert not title_lines[1].startswith(tuple("，。！？、"))
    # Nothing is written outside the margins, and nothing where the label stands.
    panel = card[965:].astype(int)
    assert (panel[:, 735:].min(axis=2) > 240)[:120].all()
    assert "…" in lines[-1]


def test_no_box_is_ever_drawn_in_place_of_a_glyph(monkeypatch):
    assert drawable("自驾🚗在路上✨ 第1天") == "自驾在路上 第1天"
    assert drawable("𠮷野家的旅途") == ""
    assert drawn(monkeypatch, CardText("𠮷野家的旅途", ("上海", "𠮷县"), "", 0, "zh"))[0] == ["我的旅途", "上海"]
    assert drawn(monkeypatch, CardText("Поездка", (), "", 0, "en"))[0] == ["My journey"]
    assert drawn(monkeypatch, CardText("🚗🚗", (), "", 0, "zh"))[0] == ["我的旅途"]


def test_the_card_can_write_every_place_and_every_phrase_of_the_product():
    from pathlib import Path

    root = Path(share_card.__file__).parents[2]
    for file in (root / "shared/data/cities.tsv", root / "shared/phrases.py", root / "shared/vocabulary.py"):
        written = {each for each in file.read_text("utf-8") if each.isprintable() and not share_card._is_emoji(each)}
        missing = {each for each in written if not share_card._has(each)}
        assert missing == set(), file.name
    level_one = [bytes([row, cell]).decode("gb2312") for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFA)][:3755]
    assert all(map(share_card._has, level_one))


def test_the_card_as_a_file_is_labelled_and_keeps_the_badge(made):
    pixels, subject, _ = made
    [card] = [file for file in make_variants(pixels, LABEL, subject, TRIP) if file.name == "card"]
    with Image.open(io.BytesIO(card.body)) as image:
        shown = np.asarray(image.convert("RGB"))
    assert shown.shape[:2] == (card.height, card.width)
    assert np.abs(shown[:960][subject.badge].astype(int) - pixels[subject.badge]).mean() < 4
