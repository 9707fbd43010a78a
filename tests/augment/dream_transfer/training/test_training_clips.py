import numpy as np
import pytest
from appearance_episodes import CAMERAS, THINGS, write_dataset

from augment.clip import Clip
from augment.dream_transfer.held_out import is_held_out
from augment.dream_transfer.training.clips import ClipChoice, TrainingClips, resized
from augment.video_metrics.color_names import TYPICAL
from envs.demonstrations.dataset import Dataset
from envs.demonstrations.episode_file import DemonstrationError

CHOICE = ClipChoice(cameras=CAMERAS, frames=5, strides=(1, 2), clips=3, wordings=4)


def clips_of(folder, choice=CHOICE, seed=0):
    return TrainingClips(Dataset(folder).episodes("container_place"), choice, seed)


def test_clips_are_what_the_episodes_show(tmp_path):
    folder = write_dataset(tmp_path / "data", 2)
    clips = clips_of(folder)
    assert len(clips) == len(clips.prompts) == 6
    assert clips.left_out == 0
    episode = Dataset(folder).episodes("container_place")[0]
    shown = {
        Clip.from_episode(episode, CAMERAS, first, 5, stride).rgb.tobytes()
        for stride in CHOICE.strides
        for first in range(len(episode) - 4 * stride)
    }
    assert all(clips[index].rgb.tobytes() in shown for index in range(3))


def test_prompts_say_what_is_known_in_several_wordings(tmp_path):
    clips = clips_of(write_dataset(tmp_path / "data", 1))
    assert {len(wordings) for wordings in clips.prompts} == {4}
    assert all("bowl" in text for wordings in clips.prompts for text in wordings)
    assert len({text for wordings in clips.prompts for text in wordings}) > 6


def test_the_seed_decides_places_and_words(tmp_path):
    folder = write_dataset(tmp_path / "data", 2)
    same, again, other = (clips_of(folder, seed=seed) for seed in (1, 1, 2))
    assert same.prompts == again.prompts != other.prompts
    assert np.array_equal(same[4].rgb, again[4].rgb)


def test_episodes_with_what_is_held_out_are_left_out(tmp_path):
    color = next(name for name in TYPICAL if is_held_out("bowl", name))
    things = {**THINGS, "bowl": {"ids": [7], "description": f"glazed {color} bowl"}}
    with pytest.raises(DemonstrationError, match="1 episodes, of which 1 show what is held out"):
        clips_of(write_dataset(tmp_path / "data", 1, things=things))


def test_clips_longer_than_the_episodes(tmp_path):
    folder = write_dataset(tmp_path / "data", 1)
    with pytest.raises(DemonstrationError, match="no clip of 13 frames"):
        clips_of(folder, ClipChoice(cameras=CAMERAS, frames=13))


def test_resized_pictures_are_means_and_depth_is_not(tmp_path):
    clip = clips_of(write_dataset(tmp_path / "data", 1))[0]
    rgb, depth = resized(clip, 48, 64)
    assert (rgb.shape, depth.shape) == ((5, 3, 48, 64, 3), (5, 3, 48, 64))
    block = clip.rgb[2, 1, 10:12, 20:22].astype(float).mean(axis=(0, 1))
    assert np.abs(rgb[2, 1, 5, 10] - block).max() <= 0.5
    assert set(np.unique(depth)) <= set(np.unique(clip.depth))
    with pytest.raises(ValueError, match="128 x 96 do not divide into 60 x 48"):
        resized(clip, 48, 60)
