import warnings

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from augment.clip import Clip
from augment.dream_transfer.observation_wrapper import DreamTransferObservation
from augment.dream_transfer.prompt_sampler import PromptSampler
from augment.dream_transfer.restyler import DreamTransferRestyler
from augment.dream_transfer.scene_words import scene_words
from augment.dream_transfer.text_encoder import CompactTextEncoder
from augment.restyling import RestylingError
from envs.demonstrations.recording import things_of
from envs.dual_arm_env import DualArmEnv
from envs.wrappers import ActionChunk

CAMERAS = ("head_camera", "left_camera")
OPTIONS = {"steps": 1, "guidance_scale": 1.0, "frames": 5, "resolution": (32, 16)}


def make_env(cameras=CAMERAS):
    return DualArmEnv("tool_adjust", obs_mode="rgbd", cameras=cameras, resolution=(40, 30))


@pytest.fixture
def env(renderer, pipeline):
    pipeline.register_to_config(cameras=["left_camera", "head_camera"])
    return DreamTransferObservation(make_env(), pipeline, "a red room", **OPTIONS)


def test_check_env_passes(env):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(symmetric|infinity|different from the).*")
        check_env(env, skip_render_check=True)


def test_every_moment_is_generated_from_the_depth_of_the_last_ones(env, pipeline):
    plain = make_env()
    assert env.observation_space == plain.observation_space
    seen = [env.reset(seed=1)]
    true = [plain.reset(seed=1)[0]]
    for _ in range(3):
        action = plain.hold_action()
        action[[0, 7]] += 0.05
        seen.append(env.step(action))
        true.append(plain.step(action)[0])
    assert seen[0][1]["prompt"] == "a red room"
    restyling = DreamTransferRestyler(pipeline, **OPTIONS).begin("a red room", 1, {})
    for (observation, *_), there in zip(seen, true, strict=True):
        views = [there["cameras"][name] for name in ("left_camera", "head_camera")]
        parts = {name: np.stack([view[name] for view in views])[None] for name in views[0]}
        left, head = restyling(Clip(**parts))[0]
        assert np.array_equal(observation["cameras"]["left_camera"]["rgb"], left)
        assert np.array_equal(observation["cameras"]["head_camera"]["rgb"], head)
        assert np.array_equal(observation["cameras"]["head_camera"]["depth"], views[1]["depth"])
        assert not np.array_equal(head, views[1]["rgb"])


def test_a_chunk_of_actions_pays_for_one_generation(env, pipeline, monkeypatch):
    calls = []
    decode = pipeline.vae.decode
    monkeypatch.setattr(
        pipeline.vae, "decode", lambda *args, **kwargs: calls.append(1) or decode(*args, **kwargs)
    )
    chunked = ActionChunk(env, length=6)
    chunked.reset(seed=0)
    chunked.step(np.tile(env.unwrapped.hold_action(), (6, 1)))
    assert len(calls) == 2
    assert chunked.get_wrapper_attr("restyling_s") > 0


def test_prompts_may_be_drawn(renderer, pipeline):
    env = DreamTransferObservation(
        make_env(), pipeline, lambda info, rng: str(rng.choice(["red", "blue", "oak"])), **OPTIONS
    )
    prompts = [env.reset(seed=seed)[1]["prompt"] for seed in range(8)]
    assert set(prompts) == {"red", "blue", "oak"}
    assert env.reset(seed=5)[1]["prompt"] == prompts[5]


def test_prompts_of_a_split_are_about_the_scene(renderer, pipeline):
    config = {**pipeline.text_encoder.config, "max_length": 64}
    pipeline.text_encoder = CompactTextEncoder.from_config(config).eval()
    sampler = PromptSampler("held_out")
    env = DreamTransferObservation(make_env(), pipeline, sampler, **OPTIONS)
    prompts = [env.reset(seed=seed)[1]["prompt"].lower() for seed in (1, 2, 1)]
    assert prompts[0] == prompts[2] != prompts[1]
    env.reset(seed=1)
    (thing,) = scene_words({"things": things_of(env.unwrapped), "variations": {}}).things
    assert thing.kind in prompts[0]


def test_views_that_the_pipeline_does_not_know_are_refused(pipeline):
    pipeline.register_to_config(cameras=list(CAMERAS))
    for cameras in (("head_camera",), (*CAMERAS, "front_camera"), ("front_camera", "left_camera")):
        with pytest.raises(RestylingError, match="views head_camera, left_camera together"):
            DreamTransferObservation(make_env(cameras), pipeline, "", **OPTIONS)
