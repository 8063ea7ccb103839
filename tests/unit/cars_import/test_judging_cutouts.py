"""Alphas that no later step can mend, and cameras that contradict the wheels, are named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from cli.cars.geometry import check_camera, seen_contacts, seen_wheelbase_m
from cli.cars.matte import check_edge, measured
from cli.cars.outline import dust, tight
from shared.errors import InvalidInput
from shared.pictures.composition.light import to_linear
from shared.pictures.composition.manifest import read_manifest
from tests.unit.cars_import.conftest import manifest_text
from tests.unit.cars_import.studio import clean


def _edge(rgba):
    codes = rgba / np.float32(255)
    return measured(codes[..., :3], to_linear(rgba[..., :3]), codes[..., 3])


def _with_alpha(rgba, change):
    out = rgba.copy()
    out[..., 3] = np.rint(np.clip(change(rgba[..., 3] / np.float32(255)), 0, 1) * 255)
    return out


def _disc(size):
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))


def test_a_good_cut_out_passes(car, photograph):
    edge = _edge(photograph)
    check_edge(edge, 1.0)
    assert 0.8 < edge.soft_px < 1.8
    assert edge.halo_px == pytest.approx(0, abs=0.3)


def test_a_clean_cut_out_passes(car):
    check_edge(_edge(clean(car.pixels)), 1.0)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda alpha: (alpha > 0.5).astype(np.float32), "hard mask"),
        (lambda alpha: cv2.GaussianBlur(alpha, (0, 0), 1.2), "blurred"),
        (lambda alpha: cv2.dilate(alpha, _disc(3)), "takes the backdrop along"),
        (lambda alpha: cv2.dilate(alpha, _disc(5)), "takes the backdrop along"),
    ],
    ids=["hard", "blurred", "one pixel too wide", "two pixels too wide"],
)
def test_a_bad_alpha_needs_a_person(photograph, spoil, reason):
    with pytest.raises(InvalidInput, match=reason):
        check_edge(_edge(_with_alpha(photograph, spoil)), 1.0)


def test_a_soft_shadow_left_in_the_alpha_is_named(car, photograph):
    height, width = photograph.shape[:2]
    shadow = np.zeros((height, width), np.float32)
    cv2.ellipse(shadow, (width // 2, int(car.wheel_contacts[0][1])), (width // 3, 10), 0, 0, 360, 0.6, -1)
    shadow = cv2.GaussianBlur(shadow, (0, 0), 4)
    with pytest.raises(InvalidInput, match="soft shadow"):
        check_edge(_edge(_with_alpha(photograph, lambda alpha: np.maximum(alpha, shadow))), 1.0)


def test_a_large_master_may_be_softer_for_it_is_made_smaller(photograph):
    soft = _edge(_with_alpha(photograph, lambda alpha: cv2.GaussianBlur(alpha, (0, 0), 1.2)))
    with pytest.raises(InvalidInput):
        check_edge(soft, 1.0)
    check_edge(soft, 0.4)


def test_specks_are_told_from_a_second_thing(car):
    alpha = car.pixels[..., 3].copy()
    alpha[3:5, 3:5] = 1
    specks = dust(alpha)
    assert specks.sum() == 4
    assert specks[3, 3]
    alpha[2:22, 2:22] = 1
    with pytest.raises(InvalidInput, match="something else at 2, 2"):
        dust(alpha)


def test_the_aerial_belongs_to_the_car(car):
    box = tight(car.pixels[..., 3], 0)
    assert not dust(car.pixels[..., 3]).any()
    assert box.top <= round(car.wheel_contacts[0][1] - 0.295 * 480)


@pytest.fixture
def known(car, tmp_path):
    pack = tmp_path / "test1"
    pack.mkdir()
    height, width = car.pixels.shape[:2]
    text = manifest_text(car).replace(
        "[views.side]",
        f'[lights.studio]\nname_zh = "影棚"\nname_en = "Studio"\n[views.side]\nname_zh = "正侧"\nname_en = "Side"\nsize_px = [{width}, {height}]',
    )
    (pack / "car.toml").write_text('model = "test1"\n' + text, encoding="utf-8")
    return read_manifest(pack)


def test_a_camera_that_fits_is_accepted(known):
    view = known.views["side"]
    assert seen_wheelbase_m(view) == pytest.approx(2.9, rel=0.001)
    check_camera(view, known)


def test_the_shipped_cars_fit_their_cameras():
    manifest = read_manifest(Path("workflows/cars/gen1"))
    for view in manifest.views.values():
        assert seen_wheelbase_m(view) == pytest.approx(manifest.wheelbase_m, rel=0.005)
        assert np.allclose(seen_contacts(view, manifest), view.wheel_contacts, atol=0.5)


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("camera_height_m", 0.8),
        ("camera_distance_m", 17.0),
        ("camera_azimuth_deg", 60.0),
        ("horizon_y", -40.0),
        ("axis_x", 20.0),
    ],
)
def test_the_key_that_is_off_is_named_with_a_value_that_fits(known, key, wrong):
    view = known.views["side"]
    right = getattr(view, key)
    with pytest.raises(InvalidInput) as raised:
        check_camera(replace(view, **{key: wrong}), known)
    told = {
        name: float(value)
        for name, value in (each.split(" about ") for each in raised.value.expected.split(", to fit")[0].split(" or "))
    }
    assert told[key] == pytest.approx(right, rel=0.05, abs=4)


def test_contacts_that_fit_no_camera_are_named_themselves(known):
    view = replace(known.views["side"], wheel_contacts=((20.0, 150.0), (300.0, 90.0)))
    with pytest.raises(InvalidInput, match="wheel_contacts: points that fit the camera"):
        check_camera(view, known)


def test_a_horizon_below_the_wheels_is_named(known):
    with pytest.raises(InvalidInput, match="horizon_y: above the wheel contacts"):
        check_camera(replace(known.views["side"], horizon_y=190.0), known)
