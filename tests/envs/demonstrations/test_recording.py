import dataclasses

import numpy as np
import pytest
from demonstration_tasks import GRIP

from envs.demonstrations.episode_file import Episode, write_episode
from envs.demonstrations.recording import (
    NotSolvedError,
    RecordedEnv,
    ReplayError,
    plan,
    record,
    record_to_file,
)
from envs.dual_arm_env import DualArmEnv

TASK = "tool_adjust"
CAMERAS = ("head_camera", "left_camera")
ALL = ("rgb", "depth", "segmentation")
VARIATIONS = {"camera_azimuth": 3, "image_noise": 2, "light_flicker": 3, "clutter": 2}


def make_env(kind=RecordedEnv, task=TASK):
    return kind(task, obs_mode="rgbd", cameras=CAMERAS, resolution=(24, 16))


@pytest.fixture(scope="module")
def planned():
    """A short beginning of an expert's episode, with variations that pictures show."""
    whole = plan(DualArmEnv(TASK), TASK, 1, VARIATIONS)
    env = DualArmEnv(TASK)
    env.reset(seed=1, options={"variations": VARIATIONS})
    for action in whole.action[:6]:
        env.step(action)
    return dataclasses.replace(
        whole, action=whole.action[:6], stage=whole.stage[:7], state_sha256=env.state_sha256()
    )


@pytest.fixture(scope="module")
def recorded(planned, tmp_path_factory, renderer):
    path = tmp_path_factory.mktemp("recorded") / "episode.h5"
    record_to_file(make_env(), planned, ALL, path, {"number": 3})
    return Episode(path)


def test_a_stored_observation_is_what_a_fresh_env_observes_bit_for_bit(recorded):
    env = make_env(DualArmEnv)
    observation, info = env.reset(seed=recorded.info["seed"], options={"variations": VARIATIONS})
    assert recorded.info["variations"] == info["variations"]
    for frame in range(len(recorded)):
        stored = recorded.observation(frame)
        assert stored["instruction"] == observation["instruction"]
        assert_same(stored, observation)
        if frame < len(recorded.action):
            observation, *_ = env.step(recorded.action[frame])
    assert observation["cameras"]["left_camera"]["depth"].std() > 0, "there is something to see"


def assert_same(stored, live):
    assert stored.keys() == live.keys()
    for name, value in live.items():
        if isinstance(value, dict):
            assert_same(stored[name], value)
        elif not isinstance(value, str):
            assert stored[name].dtype == value.dtype
            assert stored[name].tobytes() == value.tobytes(), name


def test_the_next_observation_reports_the_action_as_its_target(recorded):
    assert np.allclose(recorded.series["joint_target"][1:], recorded.action, atol=1e-6)


def test_segmentation_tells_things_apart(recorded):
    picture = recorded.observation(0, ["head_camera"], ["segmentation"])["cameras"]["head_camera"]
    seen = set(np.unique(picture["segmentation"]).tolist()) - {0}
    ids = [set(thing["ids"]) for thing in recorded.info["things"].values()]
    assert {"table", "tool", "robot"} < set(recorded.info["things"])
    assert len(seen) > 2
    assert seen <= set.union(*ids)
    assert sum(map(len, ids)) == len(set.union(*ids))
    (tool,) = recorded.info["things"]["tool"]["ids"]
    assert tool in seen


def test_what_is_known_about_the_episode_is_kept(recorded, planned):
    info = recorded.info
    assert (info["task"], info["seed"], info["number"]) == (TASK, 1, 3)
    assert info["state_sha256"] == planned.state_sha256
    assert set(info["variations"]) == set(VARIATIONS)
    assert set(info["instances"]) == {"tool"}
    assert (len(info["physics_sha256"]), set(info["renderer"])) == (64, {"device", "shader"})


def test_a_recording_in_memory_is_the_same(recorded, planned, tmp_path):
    recording = record(make_env(), planned, ALL)
    path = tmp_path / "episode.h5"
    write_episode(
        path,
        {**recording.episode, "number": 3},
        recording.action,
        recording.series,
        recording.cameras,
    )
    assert path.read_bytes() == recorded.path.read_bytes()


def test_a_replay_that_ends_elsewhere_leaves_no_file(planned, tmp_path, renderer):
    for change in ({"state_sha256": "0" * 64}, {"seed": 2}):
        with pytest.raises(ReplayError, match="the replay ended elsewhere"):
            record_to_file(
                make_env(), dataclasses.replace(planned, **change), (), tmp_path / "e.h5", {}
            )
    assert not list(tmp_path.iterdir())


def test_a_plan_is_solved_and_counts_motions():
    env = DualArmEnv(TASK)
    planned = plan(env, TASK, 0, {})
    assert env.state_sha256() == planned.state_sha256
    assert 0 < planned.solved_at <= len(planned.action) <= env.task.step_limit
    assert (planned.stage[0], len(planned.stage)) == (0, len(planned.action) + 1)
    assert set(np.diff(planned.stage)) == {0, 1}
    assert planned.action.dtype == np.float32


def test_what_the_expert_does_not_solve_says_why():
    env = DualArmEnv(GRIP)
    seed = next(seed for seed in range(10) if _tool_on_the_left(env, seed))
    with pytest.raises(NotSolvedError, match="the tool is on the left"):
        plan(env, GRIP, seed, {})


def _tool_on_the_left(env, seed):
    env.reset(seed=seed)
    return env.start.position("tool")[0] < 0
