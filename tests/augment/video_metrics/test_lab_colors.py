import numpy as np
import pytest

from augment.video_metrics.lab import difference, lab, linear


@pytest.mark.parametrize(
    ("rgb", "expected"),
    [
        ((255, 255, 255), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((119, 119, 119), (50.03, 0, 0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
        ((2, 2, 2), (0.55, 0, 0)),
    ],
    ids=["white", "black", "grey", "red", "blue", "nearly_black"],
)
def test_lab_has_published_values(rgb, expected):
    np.testing.assert_allclose(lab(np.array(rgb, np.uint8)), expected, atol=0.02)


def test_greys_have_no_color_and_grow_lighter():
    greys = lab(np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1))
    assert np.abs(greys[:, 1:]).max() < 0.02
    assert (np.diff(greys[:, 0]) > 0).all()
    assert linear(np.uint8([0, 255])).tolist() == [0, 1]


def test_differences_are_distances():
    assert difference(np.array([[50.0, 3, 4]]), np.array([50.0, 0, 0])).tolist() == [5]
