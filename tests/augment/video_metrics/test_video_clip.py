import re

import numpy as np
import pytest

from augment.clip import Clip, ClipError
from envs.demonstrations.episode_file import DemonstrationError, Episode, write_episode

SHAPE = (2, 3, 4, 6)


def parts(**changed):
    made = {
        "rgb": np.zeros((*SHAPE, 3), np.uint8),
        "depth": np.ones(SHAPE, np.float32),
        "intrinsic_cv": np.tile(np.eye(3, dtype=np.float32), (2, 3, 1, 1)),
        "extrinsic_cv": np.tile(np.eye(4, dtype=np.float32), (2, 3, 1, 1)),
        "segmentation": np.zeros(SHAPE, np.int16),
    }
    return made | changed


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("rgb", np.zeros((2, 3, 4, 6), np.uint8), "rgb has shape (2, 3, 4, 6)"),
        ("rgb", np.zeros((0, 3, 4, 6, 3), np.uint8), "no frame"),
        ("rgb", np.zeros((*SHAPE, 3), np.float32), "rgb is float32"),
        ("depth", np.ones((2, 3, 6, 4), np.float32), "depth is float32 of shape (2, 3, 6, 4)"),
        ("depth", np.full(SHAPE, np.nan, np.float32), "depth has numbers that are not finite"),
        ("intrinsic_cv", np.ones((2, 3, 4, 4), np.float32), "intrinsic_cv"),
        ("extrinsic_cv", np.ones((2, 3, 4, 4)), "extrinsic_cv is float64"),
        ("segmentation", np.zeros(SHAPE, np.int64), "segmentation is int64"),
    ],
    ids=["axes", "empty", "type", "size", "nan", "matrix", "double", "ids"],
)
def test_what_does_not_fit_together_is_refused_in_one_line(name, value, message):
    with pytest.raises(ClipError, match=re.escape(message)) as caught:
        Clip(**parts(**{name: value}))
    assert "\n" not in str(caught.value)


def test_a_generated_clip_has_its_sources_geometry():
    source = Clip(**parts())
    rgb = np.full_like(source.rgb, 7)
    made = source.with_rgb(rgb)
    assert made.rgb is rgb
    assert made.depth is source.depth
    assert made.segmentation is source.segmentation
    with pytest.raises(ClipError, match="the clip's own"):
        source.with_rgb(rgb[:1])


def test_masks_are_of_things_by_id():
    segmentation = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(np.int16)
    assert Clip(**parts(segmentation=segmentation)).mask([3, 5]).sum() == 2
    with pytest.raises(ClipError, match="no segmentation"):
        Clip(**parts(segmentation=None)).mask([3])


@pytest.fixture
def episode(tmp_path):
    rng = np.random.default_rng(0)
    count, size = 7, (4, 6)

    def camera():
        return {
            "rgb": rng.integers(0, 256, (count, *size, 3), dtype=np.uint8),
            "depth": rng.uniform(1, 2, (count, *size)).astype(np.float32),
            "segmentation": rng.integers(0, 9, (count, *size)).astype(np.int16),
            "intrinsic_cv": rng.uniform(1, 2, (count, 3, 3)).astype(np.float32),
            "extrinsic_cv": rng.uniform(1, 2, (count, 4, 4)).astype(np.float32),
        }

    series = {
        "joint_position": np.zeros((count, 14), np.float32),
        "joint_target": np.zeros((count, 14), np.float32),
        "endpose": np.zeros((count, 2, 7), np.float32),
        "stage": np.zeros(count, np.int16),
        "progress": np.zeros(count, np.float32),
        "success": np.zeros(count, bool),
    }
    cameras = {"head_camera": camera(), "left_camera": camera()}
    action = np.zeros((count - 1, 14), np.float32)
    write_episode(tmp_path / "0.h5", {"instruction": ""}, action, series, cameras)
    return Episode(tmp_path / "0.h5"), cameras


def test_a_demonstration_becomes_a_clip(episode):
    episode, cameras = episode
    clip = Clip.from_episode(episode, ["left_camera", "head_camera"], 1, 3, 2)
    assert (clip.frames, clip.views) == (3, 2)
    for part in cameras["head_camera"]:
        for view, camera in enumerate(["left_camera", "head_camera"]):
            np.testing.assert_array_equal(getattr(clip, part)[:, view], cameras[camera][part][1::2])


def test_frames_that_an_episode_has_not_are_named(episode):
    episode, _ = episode
    with pytest.raises(ClipError, match=r"frames 0 \.\. 6, not 7"):
        Clip.from_episode(episode, ["head_camera"], 1, 3, 3)
    with pytest.raises(ClipError, match="stride 0"):
        Clip.from_episode(episode, ["head_camera"], 1, 3, 0)
    with pytest.raises(DemonstrationError, match="no camera front_camera"):
        Clip.from_episode(episode, ["front_camera"], 1, 3)
