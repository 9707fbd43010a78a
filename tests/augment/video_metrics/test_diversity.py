import numpy as np
import pytest
from rendered_clips import part

from augment.clip import Clip, ClipError
from augment.video_metrics.diversity import diversity


def test_the_same_picture_is_not_diverse(true_clip, things):
    noise = np.random.default_rng(0).integers(-3, 4, true_clip.rgb.shape)
    noisy = true_clip.with_rgb(np.clip(true_clip.rgb + noise, 0, 255).astype(np.uint8))
    regions = [[things["left_bottle"]]]
    assert diversity([true_clip, true_clip], regions) == (0, 0)
    alike = diversity([true_clip, noisy], regions)
    assert alike.pictures < 1
    assert alike.regions < 1


def test_another_appearance_is(true_clip, other_clip, things):
    regions = [[things["left_bottle"]], [things["right_bottle"]]]
    two = diversity([true_clip, other_clip], regions)
    assert two.pictures > 10
    assert two.regions > 30
    # With a repetition, one of three pairs is no different.
    three = diversity([true_clip, other_clip, other_clip], regions)
    assert three.pictures == pytest.approx(two.pictures * 2 / 3)
    assert three.regions == pytest.approx(two.regions * 2 / 3)


def test_regions_that_nobody_sees_are_not_compared(true_clip, other_clip):
    assert diversity([true_clip, other_clip]).regions is None
    assert diversity([true_clip, other_clip], [[999]]).regions is None


def test_details_do_not_count():
    checks = (np.indices((48, 64)).sum(axis=0) % 2).astype(np.uint8)
    eyes = [np.eye(size, dtype=np.float32)[None, None] for size in (3, 4)]
    depth = np.ones((1, 1, 48, 64), np.float32)
    clips = [
        Clip((60 + 100 * each)[None, None, ..., None].repeat(3, -1), depth, *eyes)
        for each in (checks, 1 - checks)
    ]
    assert diversity(clips).pictures < 1e-3


def test_what_cannot_be_compared_is_refused(true_clip):
    with pytest.raises(ClipError, match="not 1"):
        diversity([true_clip])
    with pytest.raises(ClipError, match="one shape"):
        diversity([true_clip, part(true_clip, slice(0, 2))])
