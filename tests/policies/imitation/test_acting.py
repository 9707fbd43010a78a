import json
import shutil

import numpy as np
import pytest
import torch
from tiny_method.method import Tiny, TinyConfig

from envs.cameras import CAMERA_MODELS
from envs.registration import make_env
from envs.wrappers import FrameHistory
from learning.batch import collate
from learning.configuration import as_mapping
from policies.imitation.acting import LearnedPolicy
from policies.imitation.batch import observation_item, unstacked
from policies.imitation.checkpoint import Checkpoint, CheckpointError
from policies.imitation.methods import METHODS
from policies.policy import EpisodeContext
from policies.registry import load_policy_class, make_policy

TASK = "tool_adjust"


@pytest.fixture
def checkpoint(tmp_path):
    """A folder with a tiny method's random weights, its configuration, and the method."""

    def make(name="tiny_method.method:Tiny", task=TASK, seed=3, weights=0, **config):
        torch.manual_seed(weights)
        method = Tiny(TinyConfig(**config)).eval()
        Checkpoint(
            name,
            as_mapping(method.config),
            task,
            {"parts": [{"episodes": 100, "variations": {"clutter": 2}}]},
            {"seed": seed, "step": 5},
            method.state_dict(),
        ).save(tmp_path / task / "last")
        return str(tmp_path / task / "last"), method

    return make


def context(seed=0, task=TASK):
    env = make_env(TASK)
    return EpisodeContext(task, "do it", seed, env.action_space, 16.67)


def observation(rng, history=2):
    camera = {
        "rgb": rng.integers(0, 256, (history, 24, 32, 3)).astype(np.uint8),
        "intrinsic_cv": np.tile(np.eye(3, dtype=np.float32), (history, 1, 1)),
        "extrinsic_cv": np.tile(np.eye(4, dtype=np.float32), (history, 1, 1)),
    }
    joints = rng.normal(size=(2, history, 14)).astype(np.float32)
    return {
        "joint_position": joints[0],
        "joint_target": joints[1],
        "instruction": "do it",
        "cameras": {"head_camera": camera},
    }


def test_it_returns_the_first_actions_that_its_method_predicts(checkpoint):
    folder, method = checkpoint()
    policy = LearnedPolicy(folder)
    policy.reset(context(seed=7))
    seen = observation(np.random.default_rng(0))
    item = observation_item(unstacked(seen, 2), method.observes)
    with torch.inference_mode():
        expected = method.predict(collate([item]), torch.Generator().manual_seed(7))[0]
    actions = policy.act(seen)
    assert actions.shape == (3, 14)
    assert actions.dtype == np.float32
    assert np.array_equal(actions, expected[:3].numpy())
    everything = LearnedPolicy(folder, executed=5)
    everything.reset(context(seed=7))
    assert np.array_equal(everything.act(seen), expected.numpy())


def test_an_episode_depends_on_its_seed_and_on_nothing_before(checkpoint):
    policy = LearnedPolicy(checkpoint()[0])
    seen = observation(np.random.default_rng(0))

    def episode(seed):
        policy.reset(context(seed))
        return [policy.act(seen) for _ in range(2)]

    first = episode(1)
    other = episode(2)
    assert np.array_equal(episode(1), first)
    assert not np.array_equal(other, first)
    assert not np.array_equal(first[0], first[1]), "noise goes on within an episode"


def test_a_batch_acts_as_one_by_one(checkpoint):
    policy = LearnedPolicy(checkpoint()[0])
    policy.reset(context())
    rng = np.random.default_rng(0)
    seen = [observation(rng) for _ in range(3)]
    together = policy.act_batch(seen)
    assert len(together) == 3
    for one, each in zip(seen, together, strict=True):
        assert policy.act(one) == pytest.approx(each, abs=0.02)  # other noise


def test_threads_are_as_before(checkpoint):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    policy = LearnedPolicy(checkpoint()[0])
    policy.reset(context())
    policy.act(observation(np.random.default_rng(0)))
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


def test_bf16_acts_nearly_the_same(checkpoint):
    folder, _ = checkpoint()
    seen = observation(np.random.default_rng(0))
    actions = []
    for precision in ("fp32", "bf16"):
        policy = LearnedPolicy(folder, precision=precision)
        policy.reset(context())
        actions.append(policy.act(seen))
    assert actions[1] == pytest.approx(actions[0], abs=0.1)
    assert not np.array_equal(*actions)


@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")
def test_compiled_it_acts_the_same(checkpoint, monkeypatch):
    monkeypatch.setattr(Tiny, "repeated_parts", (torch.nn.Linear,))
    folder, _ = checkpoint()
    seen = observation(np.random.default_rng(0))
    actions = []
    for compiled in (False, True):
        policy = LearnedPolicy(folder, compile=compiled)
        policy.reset(context())
        actions.append(policy.act(seen))
        assert policy.config()["compiled"] == compiled
    assert actions[1] == pytest.approx(actions[0], abs=1e-5)


def test_results_can_name_what_acted(checkpoint):
    policy = LearnedPolicy(checkpoint()[0])
    config = json.loads(json.dumps(policy.config()))
    assert config["config"]["cameras"] == ["head_camera"]
    assert (config["task"], config["executed"], config["precision"]) == (TASK, 3, "fp32")
    assert len(policy.weights_sha256()) == 64
    assert policy.tasks == (TASK,)
    assert policy.training_data.demonstrations == ((100, {"clutter": 2}),)
    assert policy.training_data.seed == 3
    assert policy.observes.resolution == (32, 24)


def test_pictures_of_another_camera_may_be_only_resized(checkpoint, monkeypatch):
    standard = CAMERA_MODELS["D435"].resized(16, 12)
    monkeypatch.setattr(Tiny, "standard_camera", standard)
    folder, method = checkpoint()
    for model in ("D435", "L515"):
        own, items = CAMERA_MODELS[model].resized(32, 24), []
        seen = observation(np.random.default_rng(0))
        seen["cameras"]["head_camera"]["intrinsic_cv"][:] = own.intrinsic_cv
        for standardized in (True, False):
            policy = LearnedPolicy(folder, standardized=standardized)
            policy.reset(context(seed=7))
            frames = unstacked(seen, 2)
            item = observation_item(frames, method.observes, standard, warped=standardized)
            with torch.inference_mode():
                expected = method.predict(collate([item]), torch.Generator().manual_seed(7))[0]
            assert np.array_equal(policy.act(seen), expected[:3].numpy())
            assert policy.config()["standardized"] == standardized
            items.append(item)
        warped, resized = items
        assert warped["rgb"].shape == resized["rgb"].shape
        wanted = torch.from_numpy(own.resized(16, 12).intrinsic_cv).float()
        assert torch.allclose(resized["intrinsic_cv"][0, 0], wanted, rtol=1e-6)
        # To the standard camera's own model, warping is nothing else, up to rounding.
        difference = (warped["rgb"].int() - resized["rgb"].int()).abs().max()
        assert (difference <= 1) == (model == "D435")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"executed": 6}, "executed=6: .* predicts 5 actions, so it is within 1 .. 5"),
        ({"executed": 0}, "executed=0"),
        ({"threads": 0}, "threads=0: expected"),
        ({"device": "tpu"}, "device=tpu; "),
        ({"precision": "fp8"}, "precision=fp8; "),
        ({"standardized": False}, "standardized=false: .* does not standardize"),
        ({"compile": True}, "compile=true: Tiny names no parts to compile"),
    ],
)
def test_wrong_arguments_are_refused_in_one_line(arguments, message, checkpoint):
    with pytest.raises(CheckpointError, match=message) as caught:
        LearnedPolicy(checkpoint()[0], **arguments)
    assert "\n" not in str(caught.value)


def test_another_methods_checkpoint_is_refused(checkpoint):
    with pytest.raises(CheckpointError, match=r"checkpoint of policy=tiny.*, not dp"):
        make_policy("dp", checkpoint=checkpoint()[0])
    with pytest.raises(CheckpointError, match=r"emma_gym\.train policy=sem"):
        make_policy("sem")


def test_another_task_is_refused(checkpoint):
    policy = LearnedPolicy(checkpoint()[0])
    with pytest.raises(CheckpointError, match="trained for tool_adjust, not block_handover"):
        policy.reset(context(task="block_handover"))


def test_of_several_checkpoints_each_acts_in_its_task(checkpoint):
    folders = [checkpoint()[0], checkpoint(task="block_handover", weights=1)[0]]
    policy = LearnedPolicy(folders)
    assert policy.tasks == (TASK, "block_handover")
    alone = [LearnedPolicy(folder) for folder in folders]
    seen = observation(np.random.default_rng(0))
    for task, single in [*zip(policy.tasks, alone, strict=True), (TASK, alone[0])]:
        for each in (policy, single):
            each.reset(context(seed=7, task=task))
        assert np.array_equal(policy.act(seen), single.act(seen))
        assert policy.config()[task] == single.config()
    assert len({each.weights_sha256() for each in (policy, *alone)}) == 3
    assert policy.training_data == alone[0].training_data
    with pytest.raises(CheckpointError, match="for tool_adjust, block_handover, not shoe_place"):
        policy.reset(context(task="shoe_place"))


def test_checkpoints_that_differ_in_more_than_the_task_are_refused(checkpoint):
    first, other = checkpoint()[0], checkpoint(task="block_handover", seed=4)[0]
    with pytest.raises(CheckpointError, match=r"more than the task: training data is .*seed=3"):
        LearnedPolicy([first, other])
    with pytest.raises(CheckpointError, match="are both of tool_adjust"):
        LearnedPolicy([first, first])


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_registered_under_its_name(name):
    assert load_policy_class(name).method_name == name


def test_it_acts_in_the_environment(checkpoint, renderer):
    policy = LearnedPolicy(checkpoint()[0])
    observes = policy.observes
    env = make_env(TASK, obs_mode="rgb", cameras=observes.cameras, resolution=observes.resolution)
    env = FrameHistory(env, observes.history, observes.history_stride)
    seen, _ = env.reset(seed=0)
    policy.reset(context())
    for action in policy.act(seen):
        env.step(action)
