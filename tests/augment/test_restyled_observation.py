import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from augment.baselines.color_jitter import ColorJitter
from augment.baselines.random_background import RandomBackground
from augment.clip import Clip
from augment.restyled_observation import RestyledObservation
from augment.restyling import RestylingError
from envs.demonstrations.recording import RecordedEnv
from envs.dual_arm_env import DualArmEnv
from envs.wrappers import ActionChunk, FrameHistory, IntrinsicStandardization

TASK = "tool_adjust"
CAMERAS = ("head_camera", "left_camera")
SMALL = {"obs_mode": "rgbd", "cameras": CAMERAS, "resolution": (32, 24)}


class Counting:
    """Paints frames in their number, and remembers how it was asked."""

    name = "counting"
    needs_segmentation = False

    def __init__(self, cameras=None):
        self.cameras = cameras
        self.begun, self.clips = [], []

    def begin(self, prompt, seed, things):
        self.begun.append((prompt, seed, things))
        self.clips.clear()

        def restyling(clip):
            self.clips.append(clip)
            return np.full_like(clip.rgb, len(self.clips))

        return restyling


def numbers(observation):
    return [int(np.unique(camera["rgb"]).item()) for camera in observation["cameras"].values()]


@pytest.fixture
def counting():
    return Counting()


@pytest.fixture
def env(renderer, counting):
    return RestyledObservation(DualArmEnv(TASK, **SMALL), counting, "a red room")


@pytest.mark.parametrize("kind", [ColorJitter, RandomBackground])
def test_check_env_passes(kind, renderer):
    env = RestyledObservation(RecordedEnv(TASK, **SMALL), kind(), "")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(symmetric|infinity|different from the).*")
        check_env(env, skip_render_check=True)


def test_colors_change_and_nothing_else(env, counting):
    plain = DualArmEnv(TASK, **SMALL)
    assert env.observation_space == plain.observation_space
    observation, info = env.reset(seed=3)
    expected, plain_info = plain.reset(seed=3)
    assert info == {**plain_info, "prompt": "a red room"}
    assert env.observation_space.contains(observation)
    assert numbers(observation) == [1, 1]
    assert env.restyling_s > 0
    for name in CAMERAS:
        seen, there = observation["cameras"][name], expected["cameras"][name]
        for part in ("depth", "intrinsic_cv", "extrinsic_cv"):
            assert np.array_equal(seen[part], there[part])
            assert np.array_equal(
                getattr(counting.clips[0], part)[0, CAMERAS.index(name)], there[part]
            )
        assert np.array_equal(counting.clips[0].rgb[0, CAMERAS.index(name)], there["rgb"])
    assert numbers(env.step(env.unwrapped.hold_action())[0]) == [2, 2]


def test_prompt_and_look_follow_from_the_episodes_seed(renderer, counting):
    env = RestyledObservation(
        DualArmEnv(TASK, **SMALL), counting, lambda info, rng: f"room {rng.integers(10**6)}"
    )
    infos = [env.reset(seed=seed)[1] for seed in (5, 6, 5)]
    infos += [env.reset()[1] for _ in range(2)]
    prompts = [info["prompt"] for info in infos]
    assert prompts[0] == prompts[2]
    assert len(set(prompts)) == 4
    assert [(prompt, seed) for prompt, seed, _ in counting.begun] == [
        (info["prompt"], info["seed"]) for info in infos
    ]
    assert {"floor", "table", "tool", "robot"} < set(counting.begun[0][2])


def test_nothing_is_generated_where_no_picture_was_taken(env, counting):
    first, _ = env.reset(seed=0)
    env.unwrapped.render_next = False
    for _ in range(3):
        observation = env.step(env.unwrapped.hold_action())[0]
        assert env.restyling_s == 0
        for name in CAMERAS:
            assert observation["cameras"][name]["rgb"] is first["cameras"][name]["rgb"]
    assert len(counting.clips) == 1
    assert numbers(env.observe()) == [2, 2]
    assert env.restyling_s > 0
    env.unwrapped.render_next = True
    assert numbers(env.step(env.unwrapped.hold_action())[0]) == [3, 3]


def test_other_wrappers_go_around_it(env, counting):
    standard = IntrinsicStandardization(env)
    chunked = ActionChunk(FrameHistory(standard, frames=2), length=4)
    chunked.reset(seed=0)
    chunk = np.tile(env.unwrapped.hold_action(), (4, 1))
    observation = chunked.step(chunk)[0]
    assert len(counting.clips) == 3
    shown = observation["cameras"]["head_camera"]
    assert [int(rgb.max()) for rgb in shown["rgb"]] == [2, 3]


def test_views_come_in_the_restylers_order(renderer):
    counting = Counting(("left_camera", "head_camera"))
    env = RestyledObservation(DualArmEnv(TASK, **SMALL), counting)
    observation, info = env.reset(seed=0)
    assert info["prompt"] == ""
    assert list(observation["cameras"]) == list(CAMERAS)
    left = observation["cameras"]["left_camera"]["depth"]
    assert np.array_equal(counting.clips[0].depth[0, 0], left)


def test_segmentation_comes_from_an_environment_that_shows_it(renderer):
    base = RecordedEnv(TASK, **SMALL)
    env = RestyledObservation(base, RandomBackground())
    observation, info = env.reset(seed=2)
    pictures = [base.pictures[name] for name in CAMERAS]
    clip = Clip(
        **{
            part: np.stack([getattr(picture, part) for picture in pictures])[None]
            for part in ("rgb", "depth", "segmentation", "intrinsic_cv", "extrinsic_cv")
        }
    )
    things = {
        name: {"ids": [entity.per_scene_id]} for name, entity in base.simulation.things.items()
    }
    expected = RandomBackground().begin("", info["seed"], things)(clip)[0]
    assert np.array_equal(
        np.stack([observation["cameras"][name]["rgb"] for name in CAMERAS]), expected
    )
    assert not np.array_equal(expected, clip.rgb[0])


def test_environments_that_do_not_fit_are_refused():
    def wrap(restyler=None, env=None, **options):
        env = env or DualArmEnv(TASK, **{**SMALL, **options})
        return RestyledObservation(env, restyler or ColorJitter())

    for mode in ("state", "rgb", "pointcloud"):
        with pytest.raises(RestylingError, match="obs_mode 'rgbd'"):
            wrap(obs_mode=mode)
    with pytest.raises(RestylingError, match="FrameHistory goes outside"):
        wrap(env=FrameHistory(DualArmEnv(TASK, **SMALL), 2))
    with pytest.raises(RestylingError, match="needs segmentation, which only RecordedEnv"):
        wrap(RandomBackground())
    with pytest.raises(RestylingError, match="counting restyles the views head_camera together"):
        wrap(Counting(("head_camera",)))
    with pytest.raises(RestylingError, match="needs a DualArmEnv, not CartPoleEnv"):
        wrap(env=gymnasium.make("CartPole-v1"))
