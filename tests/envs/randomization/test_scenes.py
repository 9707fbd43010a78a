"""Variations leave the task as it is: its physics, or at least its layout."""

import gymnasium
import numpy as np
import pytest

import envs
from envs.dual_arm_env import DualArmEnv
from envs.errors import InvalidOptionError
from envs.randomization import VARIATIONS
from envs.robots.dual_arm import ACTION_LOWER, ACTION_UPPER

PHYSICAL = ("object_shape", "clutter", "table_height", "robot_init")
MODEL = {"camera_model": {"model": "L515"}}
SEEN_ONLY = {**{name: 5 for name in VARIATIONS if name not in (*PHYSICAL, *MODEL)}, **MODEL}
"""Everything that a camera may notice and physics may not."""
TASK = "block_hammer_beat"


@pytest.fixture(scope="module", params=envs.task_names())
def env(request):
    return DualArmEnv(request.param)


def reset(env, variations, seed=3):
    return env.reset(seed=seed, options={"variations": variations})


def test_what_is_only_seen_or_said_leaves_physics_bit_identical(env):
    observation, info = reset(env, {})
    before = [env.state_sha256(), *(env.step(env.hold_action()) and [env.state_sha256()])]
    other, other_info = reset(env, SEEN_ONLY)
    after = [env.state_sha256(), *(env.step(env.hold_action()) and [env.state_sha256()])]
    assert before == after
    assert np.array_equal(observation["object_pose"], other["object_pose"])
    shapes = [[n.split("-")[:2] for n in i["instances"].values()] for i in (info, other_info)]
    assert shapes[0] == shapes[1]
    looks = [[n.split("-")[2] for n in i["instances"].values()] for i in (info, other_info)]
    assert all(int(new) >= 10 for new in looks[1])
    assert other_info["instruction"] not in env.task.instructions


@pytest.mark.parametrize("name", PHYSICAL)
def test_the_layout_stays(env, name):
    """The task's things are where they are in the twin, to the millimetre."""
    twin, _ = reset(env, {})
    observation, info = reset(env, {name: 5})
    moved = observation["object_pose"][:, :3] - twin["object_pose"][:, :3]
    assert np.abs(moved[:, :2]).max() < 1e-3
    if name == "table_height":
        # What stands on the floor (the bin of throw_bottle) stays there.
        risen = np.abs(moved[:, 2] - info["variations"][name]) < 1e-3
        assert risen.any()
        assert np.abs(moved[~risen, 2]).max(initial=0.0) < 1e-3
        assert env.simulation.table_height == pytest.approx(0.74 + info["variations"][name])
    if name == "object_shape":
        assert all(int(n.split("-")[1]) >= 10 for n in info["instances"].values())
    if name == "robot_init":
        assert np.array_equal(observation["object_pose"], twin["object_pose"])


def test_everything_at_once(env):
    everything = {**SEEN_ONLY, **dict.fromkeys(PHYSICAL, 5)}
    observation, info = reset(env, everything)
    assert env.observation_space.contains(observation)
    assert set(info["variations"]) == set(VARIATIONS)
    assert not info["success"]
    needed, clutter = (
        {name.split("-")[0] for name in names}
        for names in (info["instances"].values(), info["clutter"])
    )
    assert not needed & clutter, "nothing looks like what the task is about"
    again, same = reset(env, everything)
    assert all(np.array_equal(observation[key], again[key]) for key in observation)
    assert same == info
    env.step(env.hold_action())


def test_the_robot_starts_elsewhere_within_its_limits():
    env = DualArmEnv(TASK)
    home = reset(env, {})[0]["joint_position"]
    for seed in range(8):
        observation, info = reset(env, {"robot_init": 5}, seed)
        start = observation["joint_position"]
        asked = np.clip(home + info["variations"]["robot_init"], ACTION_LOWER, ACTION_UPPER)
        assert np.allclose(start, asked, atol=0.02)
        assert np.allclose(observation["joint_target"], asked, atol=1e-3)
        assert (start[[6, 13]] > 0.95).all(), "grippers are open"
        for arm in (slice(0, 6), slice(7, 13)):
            step = info["variations"]["robot_init"][arm]
            assert np.linalg.norm(step) == pytest.approx(0.4, abs=1e-5)
            assert 0.1 < np.linalg.norm(start[arm] - home[arm]) <= 0.42


@pytest.mark.parametrize("level", [1, 3])
def test_unseen_instances_come_in_as_the_level_says(level):
    env = DualArmEnv("diverse_bottles_pick")
    shapes, same = [], 0
    for seed in range(25):
        twin = reset(env, {}, seed)[1]["instances"]
        for name, instance in reset(env, {"object_shape": level}, seed)[1]["instances"].items():
            shapes.append(int(instance.split("-")[1]) >= 10)
            same += instance == twin[name]
    assert np.mean(shapes) == pytest.approx(0.2 * level, abs=0.2)
    assert same == shapes.count(False), "what is not unseen is as in the twin"


def test_registered_environments_take_variations():
    env = gymnasium.make("emma_gym/BlockHandover-v0", variations={"table_height": 3})
    _, info = env.reset(seed=0)
    assert abs(info["variations"]["table_height"]) == VARIATIONS["table_height"].LEVELS[3]
    _, info = env.reset(seed=0, options={"variations": {"robot_init": 1}})
    assert set(info["variations"]) == {"robot_init"}
    _, info = env.reset(seed=0, options={"variations": {}})
    assert info["variations"] == {}
    _, info = env.reset(seed=0)
    assert set(info["variations"]) == {"table_height"}
    with pytest.raises(InvalidOptionError, match="did you mean table_height"):
        gymnasium.make("emma_gym/BlockHandover-v0", variations={"table_hight": 3})
    with pytest.raises(InvalidOptionError, match="valid: variations"):
        env.reset(options={"variation": {}})
    with pytest.raises(InvalidOptionError, match="did you mean table_height"):
        env.reset(options={"variations": {"table_hight": 3}})


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_vector_environments(mode):
    vector = gymnasium.make_vec(
        "emma_gym/BlockHandover-v0",
        num_envs=2,
        vectorization_mode=mode,
        vector_kwargs={"context": "spawn"} if mode == "async" else {},
        variations={"table_height": {"size": [0.01, 0.05]}, "robot_init": 2, "language": 5},
    )
    observation, info = vector.reset(seed=[0, 1])
    single = DualArmEnv(
        "block_handover",
        variations={"table_height": {"size": [0.01, 0.05]}, "robot_init": 2, "language": 5},
    )
    for index in range(2):
        expected, expected_info = single.reset(seed=index)
        for key in ("joint_position", "object_pose"):
            assert np.array_equal(observation[key][index], expected[key])
        assert observation["instruction"][index] == expected["instruction"]
        height = info["variations"]["table_height"][index]
        assert height == expected_info["variations"]["table_height"]
    vector.step(observation["joint_target"])
    vector.close()
