"""Pixels as light: what goes in as eight bits comes out as the same eight bits, and scaling invents no colour."""

import numpy as np
import pytest

from shared.pictures.composition.delta_e import ciede2000, delta_e00
from shared.pictures.composition.light import quantised, scaled, to_linear, to_srgb


def test_every_code_survives_the_way_to_light_and_back() -> None:
    codes = np.arange(256, dtype=np.uint8)
    picture = np.broadcast_to(codes[:, None, None], (256, 16, 3))
    assert np.array_equal(quantised(to_linear(picture)), picture)


def test_the_table_agrees_with_the_formula_of_the_standard() -> None:
    linear = np.linspace(0, 1, 100_001)
    formula = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert np.abs(to_srgb(linear.astype(np.float32)) - formula).max() * 255 < 0.005


def test_floats_and_codes_are_the_same_light() -> None:
    codes = np.arange(256, dtype=np.uint8)
    assert np.allclose(to_linear(codes), to_linear((codes / 255).astype(np.float32)), atol=1e-6)


def test_dither_keeps_the_mean_of_a_light_between_two_codes() -> None:
    between = to_linear(np.full((64, 64, 3), 100.3 / 255, np.float32))
    assert quantised(between).mean() == pytest.approx(100.3, abs=0.05)


def test_scaling_down_keeps_the_light_and_lets_no_hidden_colour_in() -> None:
    planes = np.zeros((90, 120, 4), np.float32)
    planes[:, :60] = (0.5, 0.25, 0.125, 1.0)
    for width, height in ((40, 30), (77, 51)):
        small = scaled(planes, width, height)
        assert small.shape == (height, width, 4)
        assert np.allclose(small.mean(axis=(0, 1)), planes.mean(axis=(0, 1)), atol=1e-4)
        assert np.allclose(small[..., 0], 0.5 * small[..., 3], atol=1e-5)


def test_scaling_up_does_not_ring() -> None:
    planes = np.zeros((20, 20, 4), np.float32)
    planes[5:15, 5:15] = 1.0
    large = scaled(planes, 55, 55)
    assert large.min() >= 0.0
    assert large.max() <= 1.0


def test_a_size_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="size_px"):
        scaled(np.zeros((4, 4, 4), np.float32), 0, 3)


#: Sharma, Wu and Dalal (2005), table 1: L*, a*, b* of both colours, and the difference.
SHARMA = """
50 2.6772 -79.7751 50 0 -82.7485 2.0425
50 3.1571 -77.2803 50 0 -82.7485 2.8615
50 2.8361 -74.0200 50 0 -82.7485 3.4412
50 -1.3802 -84.2814 50 0 -82.7485 1.0000
50 -1.1848 -84.8006 50 0 -82.7485 1.0000
50 -0.9009 -85.5211 50 0 -82.7485 1.0000
50 0 0 50 -1 2 2.3669
50 -1 2 50 0 0 2.3669
50 2.4900 -0.0010 50 -2.4900 0.0009 7.1792
50 2.4900 -0.0010 50 -2.4900 0.0010 7.1792
50 2.4900 -0.0010 50 -2.4900 0.0011 7.2195
50 2.4900 -0.0010 50 -2.4900 0.0012 7.2195
50 -0.0010 2.4900 50 0.0009 -2.4900 4.8045
50 -0.0010 2.4900 50 0.0010 -2.4900 4.8045
50 -0.0010 2.4900 50 0.0011 -2.4900 4.7461
50 2.5 0 50 0 -2.5 4.3065
50 2.5 0 73 25 -18 27.1492
50 2.5 0 61 -5 29 22.8977
50 2.5 0 56 -27 -3 31.9030
50 2.5 0 58 24 15 19.4535
50 2.5 0 50 3.1736 0.5854 1.0000
50 2.5 0 50 3.2972 0 1.0000
50 2.5 0 50 1.8634 0.5757 1.0000
50 2.5 0 50 3.2592 0.3350 1.0000
60.2574 -34.0099 36.2677 60.4626 -34.1751 39.4387 1.2644
63.0109 -31.0961 -5.8663 62.8187 -29.7946 -4.0864 1.2630
61.2901 3.7196 -5.3901 61.4292 2.2480 -4.9620 1.8731
35.0831 -44.1164 3.7933 35.0232 -40.0716 1.5901 1.8645
22.7233 20.0904 -46.6940 23.0331 14.9730 -42.5619 2.0373
36.4612 47.8580 18.3852 36.2715 50.5065 21.2231 1.4146
90.8027 -2.0831 1.4410 91.1528 -1.6435 0.0447 1.4441
90.9257 -0.5406 -0.9208 88.6381 -0.8985 -0.7239 1.5381
6.7747 -0.2908 -2.4247 5.8714 -0.0985 -2.2286 0.6377
2.0776 0.0795 -1.1350 0.9033 -0.0636 -0.5514 0.9082
"""


def test_ciede2000_gives_the_published_differences() -> None:
    rows = np.array([[float(word) for word in line.split()] for line in SHARMA.strip().splitlines()])
    assert len(rows) == 34
    assert np.allclose(ciede2000(rows[:, :3], rows[:, 3:6]), rows[:, 6], atol=1e-4)


def test_white_and_black_are_a_hundred_apart_and_equal_pictures_not_at_all() -> None:
    white, black = np.full((2, 2, 3), 255, np.uint8), np.zeros((2, 2, 3), np.uint8)
    assert delta_e00(white, black) == pytest.approx(100, abs=0.01)
    assert delta_e00(white, white).max() == 0.0
