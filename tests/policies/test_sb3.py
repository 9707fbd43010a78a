import json
import shutil
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.vec_env import DummyVecEnv

from envs.registration import make_env
from envs.wrappers import OneHand, OneHandWrapper
from policies.policy import EpisodeContext
from policies.registry import make_policy
from policies.sb3 import CONFIG_NAME, MODEL_NAME, Checkpoint, CheckpointError
from policies.training.sb3_trainer import network_of

TASK = "block_handover"
HAND = OneHand(repeat=2)


class Nothing(DummyVecEnv):
    """An environment that is there for its spaces."""

    def __init__(self):
        env = gymnasium.Env()
        env.observation_space = spaces.Box(-np.inf, np.inf, (HAND.inputs,), np.float32)
        env.action_space = spaces.Box(-1.0, 1.0, (4,), np.float32)
        super().__init__([lambda: env])


def small_model(name):
    algorithm, arguments = {
        "ppo": (PPO, {"n_steps": 8, "batch_size": 8}),
        "sac": (SAC, {"buffer_size": 10}),
    }[name]
    return algorithm(
        "MlpPolicy", Nothing(), seed=0, policy_kwargs={"net_arch": [16, 8]}, **arguments
    )


def saved(folder, name="sac", task=TASK):
    model = small_model(name)
    with torch.no_grad():  # so that actions are not all near zero, and some reach their bounds
        for parameter in model.policy.parameters():
            parameter += 0.3
    Checkpoint(name, task, HAND, network_of(model), {"steps": 5}).save(folder)
    return model


def begin(env, policy, task=TASK, seed=0):
    observation, info = env.reset(seed=seed)
    policy.reset(
        EpisodeContext(
            task=task,
            instruction=info["instruction"],
            seed=seed,
            action_space=env.action_space,
            control_hz=16.67,
        )
    )
    return observation


@pytest.mark.parametrize("name", ["ppo", "sac"])
def test_the_export_acts_as_the_model_does(name, tmp_path):
    model = saved(tmp_path, name)
    network = Checkpoint.load(tmp_path).network
    vectors = np.random.default_rng(0).normal(0, 2, (50, HAND.inputs)).astype(np.float32)
    expected, _ = model.predict(vectors, deterministic=True)
    found = np.array([network(vector) for vector in vectors])
    assert found == pytest.approx(expected, abs=1e-5)
    assert np.abs(expected).max() > 0.01


def test_a_policy_acts_in_the_plain_environment_as_its_network_does_in_the_wrapped_one(tmp_path):
    saved(tmp_path)
    network = Checkpoint.load(tmp_path).network
    wrapped, plain = OneHandWrapper(make_env(TASK), HAND), make_env(TASK)
    vector, _ = wrapped.reset(seed=3)
    policy = make_policy("sac", checkpoint=str(tmp_path))
    observation = begin(plain, policy, seed=3)
    for _ in range(4):
        vector, *_ = wrapped.step(network(vector))
        actions = policy.act(observation)
        assert actions.shape == (HAND.repeat, 14)
        for action in actions:
            observation, *_ = plain.step(action)
    assert plain.unwrapped.state_sha256() == wrapped.unwrapped.state_sha256()


def test_results_can_name_what_acted(tmp_path):
    saved(tmp_path)
    policy = make_policy("sac", checkpoint=str(tmp_path))
    assert json.loads(json.dumps(policy.config()))["hand"] == HAND.settings()
    assert policy.config()["training"] == {"steps": 5}
    assert len(policy.weights_sha256()) == 64


def test_another_task_is_refused(tmp_path):
    saved(tmp_path)
    policy = make_policy("sac", checkpoint=str(tmp_path))
    with pytest.raises(CheckpointError, match="trained for block_handover, not block_hammer"):
        begin(make_env("block_hammer_beat"), policy, task="block_hammer_beat")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: shutil.rmtree(folder), "is no checkpoint folder: it has no config.json"),
        (lambda folder: (folder / MODEL_NAME).unlink(), "it has no model.safetensors"),
        (lambda folder: (folder / MODEL_NAME).write_bytes(b"x"), "not the file that its config"),
        (lambda folder: (folder / CONFIG_NAME).write_text("{"), "cannot read"),
        (lambda folder: (folder / CONFIG_NAME).write_text("[]"), "has not the format"),
        (lambda folder: edit(folder, policy="ppo"), "checkpoint of policy=ppo, not sac"),
        (lambda folder: edit(folder, hand={"stp": 1}), "damaged: unknown setting 'stp'"),
        (lambda folder: edit(folder, hand={"things": 2}), r"layer 0 has shape \(16, 17\)"),
        (lambda folder: edit(folder, network={}), "damaged: 'activation'"),
    ],
)
def test_what_is_wrong_with_a_checkpoint_is_told_in_one_line(change, message, tmp_path):
    saved(tmp_path / "run")
    change(tmp_path / "run")
    with pytest.raises(CheckpointError, match=message) as caught:
        make_policy("sac", checkpoint=str(tmp_path / "run"))
    assert "\n" not in str(caught.value)


def edit(folder, **changes):
    config = json.loads((folder / CONFIG_NAME).read_text())
    (folder / CONFIG_NAME).write_text(json.dumps(config | changes))


def test_without_a_checkpoint_one_is_told_how_to_make_it():
    with pytest.raises(CheckpointError, match=r"emma_gym\.train policy=ppo"):
        make_policy("ppo")


SHIPPED = sorted(Path(__file__).parents[2].glob("results/rl/*/config.json"))


@pytest.mark.parametrize("config", SHIPPED, ids=lambda path: path.parent.name)
def test_shipped_policies_solve_their_tasks(config):
    found = json.loads(config.read_text())
    env = make_env(found["task"])
    policy = make_policy(found["policy"], checkpoint=str(config.parent))
    successes = 0
    for seed in range(3):
        observation, over = begin(env, policy, found["task"], seed), False
        while not over:
            for action in policy.act(observation):
                observation, _, terminated, truncated, info = env.step(action)
            over = terminated or truncated
        successes += info["success_once"]
    assert successes >= 2


def test_policies_are_shipped():
    assert SHIPPED
    assert all((path.parent / MODEL_NAME).stat().st_size < 1e6 for path in SHIPPED)
