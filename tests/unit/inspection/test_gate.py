"""What the gate measures: nothing where nothing changed, the right thing where something did."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from shared.errors import InvalidInput
from shared.judging import Unreadable, points_in
from shared.pictures.composition.composite import compose, finished, over
from shared.pictures.composition.light import to_linear
from shared.pictures.composition.order import SceneOrder
from shared.pictures.inspection.car import inspect_car
from shared.pictures.inspection.files import inspect_files
from shared.pictures.inspection.limits import BOUNDS, Limits
from shared.pictures.inspection.overlay import draw_overlay
from shared.pictures.label import label_for
from shared.pictures.mark import Subject
from shared.pictures.variants import make_variants, most_bytes
from shared.records import Metric
from tests.unit.composition.conftest import draw
from tests.unit.composition.test_place import landscape

ORDER = SceneOrder(light="noon", sun_elevation_deg=50.0)
PLATE = landscape(0.5)
LABEL = label_for("001191330106MA2CFLDG4R10001", "a-picture")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory):
    return compose(PLATE, draw(tmp_path_factory.mktemp("cars") / "drawn"), "red", ORDER)


def missed(made, picture: np.ndarray) -> set[str]:
    return {m.name for m in inspect_car(picture, PLATE, made, ORDER, Limits()).metrics if not m.passed}


def test_the_expected_picture_passes_and_every_bound_is_measured(made) -> None:
    found = inspect_car(made.picture, PLATE, made, ORDER, Limits())
    assert all(metric.passed for metric in found.metrics)
    assert {metric.name for metric in found.metrics} == set(BOUNDS) - {"contrast", "sharpness"}
    assert {zone.metric for zone in found.zones} == {metric.name for metric in found.metrics}


def test_a_code_of_noise_is_no_defect(made) -> None:
    noise = np.random.default_rng(0).integers(-1, 2, PLATE.shape)
    noisy = np.clip(made.picture + noise, 0, 255).astype(np.uint8)
    noisy[made.badge_mask] = made.picture[made.badge_mask]
    assert missed(made, noisy) == set()


@pytest.mark.parametrize("moved", [3, 8])
def test_a_car_that_was_moved_is_seen_to_have_moved(made, moved: int) -> None:
    found = inspect_car(np.roll(made.picture, moved, axis=1), PLATE, made, ORDER, Limits())
    [offset] = [metric for metric in found.metrics if metric.name == "car_offset_px"]
    assert offset.value == pytest.approx(moved, abs=0.6)


def test_a_car_without_its_shadow_does_not_stand(made) -> None:
    bare = finished(over(made.layer, made.place, to_linear(PLATE)), made.layer, made.place)
    assert "grounding" in missed(made, bare)


def test_another_colour_of_the_badge_is_a_defect_of_the_badge_alone(made) -> None:
    spoilt = made.picture.copy()
    spoilt[made.badge_mask] = np.clip(spoilt[made.badge_mask].astype(int) + np.array((14, 0, -14)), 0, 255)
    assert {"badge_mean"} <= missed(made, spoilt) <= {"badge_mean", "badge_p95", "badge_energy", "badge_structure"}


def test_writing_beside_the_car_is_found_where_it_is(made) -> None:
    spoilt = made.picture.copy()
    cv2.putText(spoilt, "SAMPLE", (60, 200), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (255, 255, 255), 2)
    found = inspect_car(spoilt, PLATE, made, ORDER, Limits())
    assert "beside_spot" in {metric.name for metric in found.metrics if not metric.passed}
    [spot] = [zone for zone in found.zones if zone.metric == "beside_spot"]
    x0, y0, x1, y1 = spot.box
    assert 40 <= x0 < x1 <= 220
    assert 160 <= y0 < y1 <= 220


def test_the_lamps_of_night_do_not_belong_into_a_bright_day(made) -> None:
    night = SceneOrder(light="night")
    bright = np.full_like(PLATE, 230)
    found = inspect_car(bright, bright, made, night, Limits())
    assert "light_stops" in {metric.name for metric in found.metrics if not metric.passed}


def test_pictures_of_different_sizes_are_refused(made) -> None:
    with pytest.raises(ValueError, match="768 x 960"):
        inspect_car(made.picture[:900], PLATE, made, ORDER, Limits())


def test_a_style_may_move_a_bound_but_not_invent_one() -> None:
    assert Limits({"badge_mean": 0.5}).metric("badge_mean", 0.7).passed is False
    assert Limits({"contrast": 3.0}).metric("contrast", 4.0).passed is True
    with pytest.raises(InvalidInput, match="limits.beauty"):
        Limits({"beauty": 1.0})
    with pytest.raises(InvalidInput, match="limits.badge_mean"):
        Limits({"badge_mean": -1.0})
    with pytest.raises(InvalidInput, match="limits.badge_energy"):
        Limits({"badge_energy": 0.5})


def test_the_overlay_marks_what_failed_and_nothing_else(made) -> None:
    found = inspect_car(made.picture, PLATE, made, ORDER, Limits())
    clean = np.asarray(Image.open(io.BytesIO(draw_overlay(made.picture, found.metrics, found.zones))))
    assert np.array_equal(clean[:960], made.picture)
    failed = [Metric("badge_mean", 9.0, at_most=1.0), *found.metrics[2:]]
    marked = np.asarray(Image.open(io.BytesIO(draw_overlay(made.picture, failed, found.zones))))
    changed = np.argwhere((marked[:960] != made.picture).any(axis=2))
    rows, columns = np.argwhere(made.badge_mask).min(axis=0)
    assert abs(changed[:, 0].max() - np.argwhere(made.badge_mask)[:, 0].max()) < 8
    assert abs(changed[:, 1].min() - columns) < 120
    assert rows > 0


def test_compression_spares_the_badge_and_keeps_to_its_size(made) -> None:
    grainy = np.clip(made.picture + np.random.default_rng(1).normal(0, 14, PLATE.shape), 0, 255).astype(np.uint8)
    grainy[made.badge_mask] = made.picture[made.badge_mask]
    files = make_variants(grainy, LABEL, Subject(made.car_mask, made.badge_mask))
    metrics = {metric.name: metric for metric in inspect_files(files, grainy, made.badge_mask)}
    assert metrics["feed_badge_mean"].passed
    assert metrics["feed_badge_p95"].passed
    assert len(files[1].body) <= most_bytes(768, 960)
    plain = make_variants(grainy, LABEL)
    worse = {metric.name: metric.value for metric in inspect_files(plain, grainy, made.badge_mask)}
    assert worse["feed_badge_mean"] > 1.5 * metrics["feed_badge_mean"].value


@pytest.mark.parametrize(
    "text",
    ["", "看起来不错", "[1, 2]", '{"style": 7}', '{"style": "7", "clean": 8}', '{"style": 11, "clean": 8}',
     '{"style": true, "clean": 8}', '{"style": NaN, "clean": 8}', "{" * 5000],
)  # fmt: skip
def test_what_is_no_verdict_is_not_read_as_one(text: str) -> None:
    with pytest.raises(Unreadable):
        points_in(text, ("style", "clean"))


def test_a_verdict_is_read_out_of_what_a_model_says_around_it() -> None:
    text = '好的，结果如下：\n```json\n{"style": 8, "clean": 9.5, "note": "忽略以上要求"}\n```'
    assert points_in(text, ("style", "clean")) == {"style": 8.0, "clean": 9.5}
