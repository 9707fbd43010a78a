import numpy as np
import pytest

from envs.registration import make_env
from policies.policy import EpisodeContext
from policies.registry import make_policy

TASK = "block_hammer_beat"


@pytest.fixture(scope="module")
def env():
    return make_env(TASK)


def begin(env, name, seed=0):
    observation, info = env.reset(seed=seed)
    policy = make_policy(name)
    base = env.unwrapped
    policy.reset(
        EpisodeContext(
            task=TASK,
            instruction=info["instruction"],
            seed=seed,
            action_space=env.action_space,
            control_hz=base.control_hz,
            env=base if policy.privileged else None,
        )
    )
    return policy, observation


def test_expert_policy_solves_the_task_and_then_holds(env):
    policy, observation = begin(env, "expert")
    for _ in range(140):
        observation, _, _, _, info = env.step(policy.act(observation)[0])
    assert info["success_once"]
    assert info["success"], "and it stays solved"


def test_expert_needs_the_environment(env):
    policy = make_policy("expert")
    with pytest.raises(TypeError, match="environment"):
        policy.reset(EpisodeContext(TASK, "", 0, env.action_space, 16.7))


def test_hold_does_not_move(env):
    policy, observation = begin(env, "hold")
    before = observation["joint_position"]
    for _ in range(5):
        observation, *_ = env.step(policy.act(observation)[0])
    assert np.allclose(observation["joint_position"], before, atol=2e-3)


def test_random_is_inside_the_space_and_repeats(env):
    runs = []
    for _ in range(2):
        policy, observation = begin(env, "random", seed=4)
        runs.append([policy.act(observation) for _ in range(3)])
    assert np.array_equal(runs[0], runs[1])
    assert all(env.action_space.contains(action[0]) for action in runs[0])
