import numpy as np
import pytest

from envs.dual_arm_env import DualArmEnv
from envs.errors import InvalidActionError
from envs.registration import make_env
from envs.wrappers import ActionChunk, FrameHistory

TASK = "blocks_stack_easy"
SMALL = {"obs_mode": "rgb", "cameras": ("head_camera", "left_camera"), "resolution": (48, 32)}


def wandering(env, count, seed=0):
    """Slow random joint targets."""
    rng = np.random.default_rng(seed)
    start = env.unwrapped.hold_action()
    path = start + np.cumsum(rng.normal(0, 0.03, (count, 14)), axis=0)
    return np.clip(path, env.unwrapped.action_space.low, env.unwrapped.action_space.high)


def count_pictures(env, monkeypatch):
    taken = []
    simulation = env.unwrapped.simulation
    take = simulation.take_pictures
    monkeypatch.setattr(simulation, "take_pictures", lambda *given: taken.append(1) or take(*given))
    return taken


def test_a_chunk_is_its_actions_one_by_one_with_one_look(renderer, monkeypatch):
    single, chunked = make_env(TASK, **SMALL), ActionChunk(make_env(TASK, **SMALL), 8)
    single.reset(seed=0)
    chunked.reset(seed=0)
    actions = wandering(single, 8)
    rewards = [single.step(action) for action in actions]
    taken = count_pictures(chunked, monkeypatch)
    observation, reward, *_, info = chunked.step(actions)
    assert len(taken) == 1
    assert info["executed"] == 8
    assert reward == pytest.approx(sum(result[1] for result in rewards))
    assert chunked.unwrapped.state_sha256() == single.unwrapped.state_sha256()
    for name, camera in rewards[-1][0]["cameras"].items():
        assert np.array_equal(camera["rgb"], observation["cameras"][name]["rgb"])


def test_history_inside_a_chunk_equals_history_step_by_step(renderer, monkeypatch):
    single = FrameHistory(make_env(TASK, **SMALL), frames=3, stride=2)
    chunked = ActionChunk(FrameHistory(make_env(TASK, **SMALL), frames=3, stride=2), 8)
    first, _ = single.reset(seed=1)
    chunked.reset(seed=1)
    assert single.observation_space.contains(first)
    assert first["cameras"]["head_camera"]["rgb"].shape == (3, 32, 48, 3)
    actions = wandering(single, 8)
    for action in actions:
        expected, *_ = single.step(action)
    taken = count_pictures(chunked, monkeypatch)
    observation, *_ = chunked.step(actions)
    assert len(taken) == 5
    assert not np.array_equal(expected["joint_position"][0], expected["joint_position"][2])
    assert np.array_equal(expected["joint_position"], observation["joint_position"])
    rgb = observation["cameras"]["head_camera"]["rgb"]
    assert np.array_equal(expected["cameras"]["head_camera"]["rgb"], rgb)
    assert isinstance(observation["instruction"], str)


def test_history_that_reaches_beyond_short_chunks_is_fresh(renderer):
    single = FrameHistory(make_env(TASK, **SMALL), frames=2, stride=3)
    chunked = ActionChunk(FrameHistory(make_env(TASK, **SMALL), frames=2, stride=3), 4)
    single.reset(seed=1)
    chunked.reset(seed=1)
    actions = wandering(single, 8)
    for first, last in ((0, 2), (2, 3), (3, 7), (7, 8)):
        for action in actions[first:last]:
            expected, *_ = single.step(action)
        observation, *_ = chunked.step(actions[first:last])
        rgb = observation["cameras"]["head_camera"]["rgb"]
        assert np.array_equal(expected["cameras"]["head_camera"]["rgb"], rgb)


def test_a_chunk_cut_short_shows_its_last_moment(renderer):
    env = ActionChunk(make_env(TASK, **SMALL, max_episode_steps=3), 8)
    env.reset(seed=0)
    observation, _, _, truncated, info = env.step(wandering(env, 8))
    assert truncated
    assert info["executed"] == 3
    single = DualArmEnv(TASK, **SMALL)
    single.reset(seed=0)
    for action in wandering(single, 8)[:3]:
        expected, *_ = single.step(action)
    rgb = observation["cameras"]["head_camera"]["rgb"]
    assert np.array_equal(expected["cameras"]["head_camera"]["rgb"], rgb)


@pytest.mark.parametrize("shape", [(14,), (0, 14), (9, 14), (2, 13)])
def test_wrong_chunks_are_refused(shape):
    env = ActionChunk(make_env(TASK), 8)
    env.reset(seed=0)
    with pytest.raises(InvalidActionError, match="chunk"):
        env.step(np.zeros(shape))
    assert env.unwrapped.render_next


def test_lengths_below_one_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        ActionChunk(make_env(TASK), 0)
    with pytest.raises(ValueError, match="at least 1"):
        FrameHistory(make_env(TASK), 0)
