import numpy as np
import pytest

from envs.registration import make_env
from envs.tasks import STEP_LIMITS
from policies.imitation.checkpoint import CheckpointError
from policies.policy import EpisodeContext
from policies.pretrained.policy import FOLDER, PretrainedPolicy


@pytest.fixture(scope="module")
def policy():
    return PretrainedPolicy()


def environment(task, policy):
    observes = policy.observes
    assert observes.history == 1
    return make_env(
        task,
        obs_mode=observes.obs_mode,
        cameras=observes.cameras,
        resolution=observes.resolution,
    )


@pytest.mark.parametrize("task", PretrainedPolicy.tasks)
def test_it_acts_on_what_it_was_trained_for(task, policy, renderer):
    env = environment(task, policy)
    observation, _ = env.reset(seed=0)
    policy.reset(EpisodeContext(task, "do it", 0, env.action_space, 16.67))
    actions = policy.act(observation)
    assert actions.shape[1:] == (14,)
    assert all(env.action_space.contains(action) for action in actions)
    moved = np.abs(actions - observation["joint_target"]).max(axis=0)
    assert moved.max() > 0.1  # it does not hold still
    assert policy.config()[task]["task"] == task
    env.close()


def test_what_is_shipped_is_small_and_known():
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 15e6
    assert {path.suffix for path in files} == {".json", ".safetensors"}
    assert set(PretrainedPolicy.tasks) <= set(STEP_LIMITS)


def test_it_says_what_it_learned_from(policy):
    assert policy.training_data.demonstrations == ((100, {}),)
    assert len(policy.weights_sha256()) == 64


def test_another_task_is_refused_by_name(policy):
    with pytest.raises(CheckpointError, match=PretrainedPolicy.tasks[0]):
        policy.reset(EpisodeContext("tool_adjust", "lift it", 0, policy, 16.67))
