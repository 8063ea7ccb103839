"""The built-in runner's nodes that compose pictures; test_real.py holds the same nodes against a real server."""

from __future__ import annotations

import numpy as np
import pytest

from localcloud.comfyui.mask_nodes import ImageCompositeMasked, MaskComposite, PrimitiveInt, SolidMask

RNG = np.random.default_rng(5)
BELOW = RNG.random((1, 12, 16, 3), np.float32)
ABOVE = RNG.random((1, 5, 7, 3), np.float32)


def test_where_the_mask_is_one_stands_the_source_and_where_it_is_zero_the_destination() -> None:
    mask = np.zeros((1, 5, 7), np.float32)
    mask[:, :, 3:] = 1
    (result,) = ImageCompositeMasked().composite(BELOW, ABOVE, 2, 4, False, mask)
    np.testing.assert_array_equal(result[:, 4:9, 5:9], ABOVE[:, :, 3:])
    expected = BELOW.copy()
    expected[:, 4:9, 5:9] = ABOVE[:, :, 3:]
    np.testing.assert_array_equal(result, expected)


def test_half_a_mask_gives_the_mean_and_the_destination_itself_stays_as_it_was() -> None:
    before = BELOW.copy()
    (result,) = ImageCompositeMasked().composite(BELOW, ABOVE, 0, 0, False, np.full((1, 5, 7), 0.5, np.float32))
    np.testing.assert_allclose(result[:, :5, :7], (ABOVE + BELOW[:, :5, :7]) / 2, atol=1e-6)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(BELOW, before)


@pytest.mark.parametrize(("x", "y", "shown"), [(12, 9, (3, 4)), (16, 0, (5, 0)), (400, 400, (0, 0))])
def test_what_leaves_the_frame_is_cut_off(x: int, y: int, shown: tuple[int, int]) -> None:
    (result,) = ImageCompositeMasked().composite(BELOW, ABOVE, x, y, False)
    rows, columns = shown
    expected = BELOW.copy()
    expected[:, y : y + rows, x : x + columns] = ABOVE[:, :rows, :columns]
    np.testing.assert_array_equal(result, expected)


def test_a_resized_source_covers_the_destination_and_a_mask_of_another_size_is_scaled_to_it() -> None:
    mask = np.ones((1, 64, 64), np.float32)
    (result,) = ImageCompositeMasked().composite(BELOW, np.full((1, 2, 2, 3), 0.25, np.float32), 0, 0, True, mask)
    np.testing.assert_allclose(result, np.full_like(BELOW, 0.25), atol=1e-6)


def test_one_source_is_laid_over_every_picture_of_a_batch() -> None:
    batch = np.concatenate([BELOW, BELOW[:, ::-1]])
    (result,) = ImageCompositeMasked().composite(batch, ABOVE, 1, 1, False, np.ones((1, 5, 7), np.float32))
    for picture in result:
        np.testing.assert_array_equal(picture[1:6, 1:8], ABOVE[0])


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("multiply", 0.25 * 0.75),
        ("add", 1.0),
        ("subtract", 0.0),
        ("and", 0.0),
        ("or", 1.0),
        ("xor", 1.0),
    ],
)
def test_masks_are_combined_inside_the_frame_and_kept_within_zero_and_one(operation: str, expected: float) -> None:
    below, above = np.full((1, 4, 4), 0.25, np.float32), np.full((1, 4, 4), 0.75, np.float32)
    (result,) = MaskComposite().combine(below, above, 2, 1, operation)
    inside = result[:, 1:, 2:]
    np.testing.assert_array_equal(inside, np.full_like(inside, expected))
    assert (result[:, 0] == 0.25).all()
    assert (result[:, :, :2] == 0.25).all()
    assert (below == 0.25).all()


def test_a_solid_mask_and_a_shared_number_are_what_was_asked_for() -> None:
    (mask,) = SolidMask().solid(0.5, width=6, height=4)
    assert mask.shape == (1, 4, 6)
    assert (mask == np.float32(0.5)).all()
    assert PrimitiveInt().execute(768) == (768,)
