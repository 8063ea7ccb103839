"""What can be said of a picture without knowing what it should show."""

from __future__ import annotations

import numpy as np

from shared.pictures.inspection.limits import Limits
from shared.pictures.inspection.whole import inspect_whole


def failed(metrics):
    return {metric.name for metric in metrics if not metric.passed}


def test_a_good_picture_passes_inspection():
    gradient = np.linspace(30, 220, 960)[:, None, None] * np.ones((1, 768, 3))
    grainy = gradient + np.random.default_rng(7).normal(0, 8, (960, 768, 3))
    assert failed(inspect_whole(grainy.clip(0, 255).astype(np.uint8), 768, 960, Limits())) == set()


def test_a_blank_picture_and_a_wrong_size_fail_it():
    blank = np.full((100, 100, 3), 128, np.uint8)
    assert failed(inspect_whole(blank, 768, 960, Limits())) == {"width", "height", "contrast", "sharpness"}
