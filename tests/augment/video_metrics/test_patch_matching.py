import numpy as np
import pytest

from augment.video_metrics.patch_matching import matched

SHAPE = (2, 20, 24)


@pytest.fixture
def textured():
    rng = np.random.default_rng(0)
    return (rng.normal(0, 10, (*SHAPE, 3)) + [60, 0, 0]).astype(np.float32)


EVERYWHERE = np.ones(SHAPE, bool)


def test_equal_textured_patches_match(textured):
    found = matched(EVERYWHERE, textured, textured.copy())
    # In the corners less than half of a patch lies in the picture.
    assert found[:, 1:-1, 1:-1].all()


def test_plain_patches_do_not_match(textured):
    plain = np.full_like(textured, 60)
    assert not matched(EVERYWHERE, plain, plain).any()
    assert not matched(EVERYWHERE, textured, plain).any()


def test_another_pattern_or_another_mean_color_does_not_match(textured):
    other = textured[:, ::-1, ::-1]
    assert matched(EVERYWHERE, textured, other).mean() < 0.02
    assert matched(EVERYWHERE, textured, textured + np.float32([0, 30, 0])).mean() < 0.02
    assert matched(EVERYWHERE, textured, textured + np.float32([0, 3, 0])).mean() > 0.9


def test_what_one_does_not_see_does_not_count(textured):
    seen = EVERYWHERE.copy()
    seen[:, :, 12:] = False
    second = np.where(seen[..., None], textured, 1e3).astype(np.float32)
    found = matched(seen, textured, second)
    assert not found[~seen].any()
    assert found[:, 2:-2, 2:12].all(), "patches at the edge of what is seen have enough pixels"


def test_pictures_do_not_mix(textured):
    second = textured.copy()
    second[1] = 60
    found = matched(EVERYWHERE, textured, second)
    assert found[0, 1:-1, 1:-1].all()
    assert not found[1].any()
