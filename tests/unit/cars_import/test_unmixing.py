"""A cut-out is freed of its studio: found out, measured against the truth, opaque pixels untouched."""

from __future__ import annotations

import numpy as np
import pytest

from cli.cars.spaces import ADOBE_RGB, DISPLAY_P3
from cli.cars.unmixing import unmixed
from shared.pictures.composition.light import to_linear
from tests.unit.cars_import.measuring import delta_e00_to_truth, outline_and_glass
from tests.unit.cars_import.studio import BACKDROPS, backdrop, clean, drawn_car, pasted, photographed


def _behind(car, kind):
    return backdrop(kind, *car.pixels.shape[:2])


def _with_known_studio(car, kind, where):
    """What noise and eight bits leave when the backdrop is known exactly."""
    codes = photographed(car.pixels, _behind(car, kind))
    alpha = codes[..., 3:] / np.float32(255)
    light = np.clip(to_linear(codes[..., :3]) - (1 - alpha) * _behind(car, kind), 0, alpha)
    return delta_e00_to_truth(np.concatenate([light, alpha], axis=-1), car.pixels, where).mean()


@pytest.mark.parametrize("kind", BACKDROPS)
def test_a_photographed_cut_out_comes_within_the_bars_of_the_truth(car, kind):
    found, findings = unmixed(photographed(car.pixels, _behind(car, kind)))
    ring, glass = outline_and_glass(car.pixels)
    edge = delta_e00_to_truth(found, car.pixels, ring)
    assert (findings.kind, findings.mixed_in) == ("contaminated", "linear")
    assert edge.mean() <= 0.35
    assert np.percentile(edge, 95) <= 1.2
    assert delta_e00_to_truth(found, car.pixels, glass).mean() <= _with_known_studio(car, kind, glass) + 0.25


def test_left_as_it_is_the_same_cut_out_shows_its_studio(car, photograph):
    codes = photograph / np.float32(255)
    plain = np.concatenate([to_linear(codes[..., :3]) * codes[..., 3:], codes[..., 3:]], axis=-1)
    ring, glass = outline_and_glass(car.pixels)
    assert delta_e00_to_truth(plain, car.pixels, ring).mean() > 1.5
    assert delta_e00_to_truth(plain, car.pixels, glass).mean() > 5


@pytest.mark.parametrize("hidden", ["kept", "black"])
def test_what_a_paint_program_mixed_is_taken_apart_in_codes(car, hidden):
    found, findings = unmixed(pasted(car.pixels, _behind(car, "green"), hidden=hidden))
    ring, glass = outline_and_glass(car.pixels)
    assert (findings.kind, findings.mixed_in) == ("contaminated", "codes")
    assert delta_e00_to_truth(found, car.pixels, ring).mean() <= 0.25
    assert delta_e00_to_truth(found, car.pixels, glass).mean() <= 0.5


@pytest.mark.parametrize("paint", ["red", "white"])
def test_a_clean_cut_out_is_left_alone(paint):
    car = drawn_car(paint, width_px=480)
    rgba = clean(car.pixels, bits=16)
    found, findings = unmixed(rgba)
    assert findings.kind == "clean"
    alpha = rgba[..., 3:] / np.float32(65535)
    assert np.allclose(found[..., :3], to_linear(rgba[..., :3] / np.float32(65535)) * alpha, atol=1e-6)


def test_opaque_pixels_keep_their_colour_exactly(car, photograph):
    found, _ = unmixed(photograph)
    opaque = photograph[..., 3] == 255
    assert np.array_equal(found[..., :3][opaque], to_linear(photograph[..., :3])[opaque])


def test_sixteen_bits_stay_sixteen(car):
    found, _ = unmixed(photographed(car.pixels, _behind(car, "grey"), bits=16, noise=0))
    opaque = car.pixels[..., 3] == 1
    assert np.abs(found - car.pixels)[opaque].max() < 3e-5
    # Eight bits can't do that: half a code of a dark colour is more.
    coarse, _ = unmixed(photographed(car.pixels, _behind(car, "grey"), bits=8, noise=0))
    assert np.abs(coarse - car.pixels)[opaque].max() > 3e-4


def test_a_premultiplied_cut_out_is_recognised_and_can_be_ordered(car):
    straight = clean(car.pixels, bits=16)
    alpha = straight[..., 3:] / 65535
    rgba = np.concatenate([np.rint(straight[..., :3] * alpha).astype(np.uint16), straight[..., 3:]], axis=-1)
    ring, glass = outline_and_glass(car.pixels)
    for found, findings in (unmixed(rgba), unmixed(rgba, premultiplied=True)):
        assert findings.kind == "premultiplied"
        assert delta_e00_to_truth(found, car.pixels, ring).mean() <= 0.1
        assert delta_e00_to_truth(found, car.pixels, glass).mean() <= 0.2


@pytest.mark.parametrize("space", [DISPLAY_P3, ADOBE_RGB], ids=lambda space: space.name)
def test_wider_spaces_come_out_as_the_same_light(car, space):
    mixed = car.pixels[..., :3] + (1 - car.pixels[..., 3:]) * _behind(car, "gradient")
    own = np.clip(mixed @ np.linalg.inv(space.to_rec709).T, 0, 1)
    curve = np.linspace(0, 1, 65536, dtype=np.float32)
    codes = np.searchsorted(space.decoded(curve), own).astype(np.uint16)
    alpha = np.rint(car.pixels[..., 3:] * 65535).astype(np.uint16)
    found, _ = unmixed(np.concatenate([codes, alpha], axis=-1), space=space)
    opaque = car.pixels[..., 3] == 1
    assert np.abs(found[..., :3] - car.pixels[..., :3])[opaque].max() < 1e-3
    ring, _ = outline_and_glass(car.pixels)
    assert delta_e00_to_truth(found, car.pixels, ring).mean() <= 0.3


def test_the_light_of_a_pixel_never_exceeds_its_alpha(car, photograph):
    found, _ = unmixed(photograph)
    assert (found[..., :3] <= found[..., 3:] + 1e-6).all()
    assert (found >= 0).all()


def test_a_picture_without_soft_pixels_is_read_as_clean():
    rgba = np.zeros((40, 60, 4), np.uint8)
    rgba[10:30, 10:50] = 255
    found, findings = unmixed(rgba)
    assert findings.kind == "clean"
    assert found[20, 20].tolist() == [1, 1, 1, 1]
