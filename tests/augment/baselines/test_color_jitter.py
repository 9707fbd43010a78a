import colorsys

import numpy as np
import pytest
from made_clips import clip_of, in_blocks
from PIL import Image, ImageEnhance

from augment.baselines.color_jitter import ColorJitter, Jitter, turned_hue
from augment.restyling import RestylingError

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (4, 2, 6, 8, 3), dtype=np.uint8)
RGB[:, 0] //= 2
RGB[1] //= 3


def alone(operation, amount, picture):
    """What one operation makes of one picture."""
    return Jitter({operation: amount})(clip_of(picture[None, None]))[0, 0]


@pytest.mark.parametrize("factor", [0.0, 0.6, 1.0, 1.7])
@pytest.mark.parametrize(
    ("operation", "enhance"),
    [
        ("brightness", ImageEnhance.Brightness),
        ("contrast", ImageEnhance.Contrast),
        ("saturation", ImageEnhance.Color),
    ],
    ids=str,
)
def test_factors_are_those_of_pillow_which_torchvision_uses(operation, enhance, factor):
    picture = RGB[0, 1]
    expected = np.asarray(enhance(Image.fromarray(picture)).enhance(factor))
    made = alone(operation, factor, picture)
    assert np.abs(made.astype(int) - expected).max() <= 2


@pytest.mark.parametrize("turn", [-0.5, -0.21, 0.0, 0.1, 0.4])
def test_hue_turns_around_the_circle(turn):
    colors = np.concatenate([RGB[0, 1].reshape(-1, 3) / 255, np.eye(3), [[0, 0, 0], [1, 1, 1]]])
    expected = []
    for color in colors:
        hue, saturation, value = colorsys.rgb_to_hsv(*color)
        expected.append(colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value))
    assert np.allclose(turned_hue(colors.astype(np.float32), turn), expected, atol=1e-5)


def test_an_episode_has_one_jitter_whatever_the_blocks():
    clip = clip_of(RGB)
    whole = ColorJitter().begin("", 3, {})(clip)
    assert whole.dtype == np.uint8
    assert np.array_equal(whole, in_blocks(ColorJitter().begin("red", 3, {}), clip, 1, 2, 1))
    assert not np.array_equal(whole, ColorJitter().begin("", 4, {})(clip))
    assert np.array_equal(clip.rgb, RGB)


@pytest.mark.parametrize("seed", range(5))
def test_a_color_becomes_the_same_in_every_view_and_frame(seed):
    """Also where pictures differ in brightness, which contrast depends on."""
    rgb = RGB.copy()
    rgb[:, :, 2:4, 2:4] = (90, 160, 40)
    made = ColorJitter().begin("", seed, {})(clip_of(rgb))
    patches = made[:, :, 2:4, 2:4].reshape(-1, 3)
    assert (patches == patches[0]).all()
    assert (patches[0] != (90, 160, 40)).any()


def test_ranges_are_kept_and_used():
    grey = np.full((1, 1, 4, 4, 3), 100, np.uint8)
    levels = [
        ColorJitter(0.2, 0, 0, 0).begin("", seed, {})(clip_of(grey))[0, 0, 0, 0, 0]
        for seed in range(40)
    ]
    assert 80 <= min(levels) < 85
    assert 115 < max(levels) <= 120
    nothing = ColorJitter(0, 0, 0, 0).begin("", 0, {})
    assert np.array_equal(nothing(clip_of(RGB)), RGB)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"brightness": -0.1}, "brightness=-0.1 is not 0 or more"),
        ({"contrast": float("nan")}, "contrast=nan"),
        ({"hue": 0.6}, "hue=0.6 is not in 0 .. 0.5"),
    ],
    ids=str,
)
def test_wrong_ranges_are_refused(options, message):
    with pytest.raises(RestylingError, match=message):
        ColorJitter(**options)
