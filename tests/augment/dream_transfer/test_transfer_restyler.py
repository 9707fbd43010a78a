import re

import numpy as np
import pytest

from augment.clip import Clip
from augment.dream_transfer.restyler import DreamTransferRestyler, filled, resized, sampled
from augment.restyling import RestylingError

PROMPT = "a red cup"
HEIGHT, WIDTH = 16, 32


def clip_of(depth):
    """A black clip with this depth (F, V, H, W)."""
    shape = depth.shape
    return Clip(
        np.zeros((*shape, 3), np.uint8),
        depth,
        np.tile(np.eye(3, dtype=np.float32), (*shape[:2], 1, 1)),
        np.tile(np.eye(4, dtype=np.float32), (*shape[:2], 1, 1)),
    )


@pytest.fixture
def depths():
    """Depth (8, 2, 16, 32) of something that comes closer."""
    rng = np.random.default_rng(0)
    steps = np.linspace(0.9, 0.4, 8)[:, None, None, None]
    return (steps + rng.uniform(0, 0.1, (1, 2, HEIGHT, WIDTH))).astype(np.float32)


@pytest.fixture
def restyler(pipeline):
    return DreamTransferRestyler(pipeline, 2, frames=5)


def generated(restyler, depths, seed=0, prompt=PROMPT):
    """What the pipeline itself makes of one window."""
    made = restyler.pipeline(
        prompt,
        depth=depths[None],
        latents=restyler.noise(seed, *depths.shape[1:]),
        num_inference_steps=2,
        output_type="views",
    )
    return made.frames[0]


def test_a_window_is_generated_as_a_whole(restyler, depths):
    made = restyler.begin(PROMPT, 0, {})(clip_of(depths[:5]))
    assert made.dtype == np.uint8
    assert np.array_equal(made, generated(restyler, depths[:5]))


def test_a_long_block_is_cut_into_windows_and_the_last_one_reaches_back(restyler, depths):
    made = restyler.begin(PROMPT, 0, {})(clip_of(depths))
    assert np.array_equal(made[:5], generated(restyler, depths[:5]))
    assert np.array_equal(made[5:], generated(restyler, depths[3:])[2:])


def test_frame_by_frame_the_newest_is_the_windows_last(restyler, depths):
    restyling = restyler.begin(PROMPT, 0, {})
    made = np.concatenate([restyling(clip_of(depths[i : i + 1])) for i in range(8)])
    for newest in (0, 2, 4, 7):
        window = depths[np.maximum(np.arange(newest - 4, newest + 1), 0)]
        assert np.array_equal(made[newest], generated(restyler, window)[-1])


def test_a_window_of_one_frame_remembers_nothing(pipeline, depths):
    restyling = DreamTransferRestyler(pipeline, 2, frames=1).begin(PROMPT, 0, {})
    one, again = (restyling(clip_of(depths[:1])) for _ in range(2))
    assert np.array_equal(one, again)
    assert one.shape == (1, 2, HEIGHT, WIDTH, 3)


def test_an_episode_is_a_function_of_its_prompt_and_seed(restyler, depths):
    def begin(prompt, seed):
        return restyler.begin(prompt, seed, {})(clip_of(depths[:5]))

    first = begin(PROMPT, 0)
    assert np.array_equal(first, begin(PROMPT, 0))
    assert not np.array_equal(first, begin(PROMPT, 1))
    assert not np.array_equal(first, begin("blue", 0))


def test_views_apart_are_generated_alone(pipeline, restyler, depths):
    pipeline.register_to_config(views_apart=True)
    made = restyler.begin(PROMPT, 0, {})(clip_of(depths[:5]))
    noise = restyler.noise(0, 2, HEIGHT, WIDTH)
    for view, part in enumerate(noise.chunk(2, dim=-1)):
        alone = pipeline(
            PROMPT,
            depth=depths[None, :5, view : view + 1],
            latents=part,
            num_inference_steps=2,
            output_type="views",
        )
        # Batches may round differently.
        assert np.abs(made[:, view].astype(int) - alone.frames[0, :, 0]).max() <= 1


def test_prompts_are_encoded_once_an_episode(restyler, depths, monkeypatch):
    encoded = []
    encode = restyler.pipeline.encode_prompt
    monkeypatch.setattr(
        restyler.pipeline, "encode_prompt", lambda prompt: encoded.append(prompt) or encode(prompt)
    )
    restyling = restyler.begin(PROMPT, 0, {})
    for _ in range(2):
        restyling(clip_of(depths[:1]))
    assert encoded == [PROMPT, ""]


def test_options_reach_the_pipeline(pipeline, depths):
    restyler = DreamTransferRestyler(pipeline, 1, 1.0, 0.5, 5, negative_prompt="dark")
    made = restyler.begin(PROMPT, 0, {})(clip_of(depths[:5]))
    assert pipeline.num_timesteps == 1
    assert not pipeline.do_classifier_free_guidance
    expected = pipeline(
        PROMPT,
        depth=depths[None, :5],
        latents=restyler.noise(0, 2, HEIGHT, WIDTH),
        num_inference_steps=1,
        guidance_scale=1.0,
        conditioning_scale=0.5,
        output_type="views",
    ).frames[0]
    assert np.array_equal(made, expected)
    guided = DreamTransferRestyler(pipeline, 1, 2.0, frames=5, negative_prompt="dark")
    assert not np.array_equal(
        guided.begin(PROMPT, 0, {})(clip_of(depths[:5])),
        DreamTransferRestyler(pipeline, 1, 2.0, frames=5).begin(PROMPT, 0, {})(clip_of(depths[:5])),
    )


def test_the_noise_is_the_same_on_every_machine(restyler):
    noise = restyler.noise(7, 2, HEIGHT, WIDTH)
    assert noise.shape == (1, 16, 2, 2, 8)
    assert noise.flatten()[:3].tolist() == pytest.approx([0.322636, -0.025071, 0.088745], abs=1e-6)
    assert abs(noise.mean()) < 0.1
    assert abs(noise.std() - 1) < 0.1


def test_clips_of_another_size_are_generated_at_the_trained_one(pipeline, depths):
    large = np.kron(depths[:5], np.ones((1, 1, 2, 2), np.float32)).astype(np.float32)
    restyler = DreamTransferRestyler(pipeline, 2, frames=5, resolution=(WIDTH, HEIGHT))
    made = restyler.begin(PROMPT, 0, {})(clip_of(large))
    assert made.shape == (5, 2, 2 * HEIGHT, 2 * WIDTH, 3)
    small = generated(restyler, depths[:5])
    assert np.abs(resized(made, (HEIGHT, WIDTH)).astype(int) - small).mean() < 6


def test_a_pipeline_knows_the_size_of_its_training(pipeline):
    assert DreamTransferRestyler(pipeline, frames=5).resolution is None
    with pytest.raises(RestylingError, match="does not say how many frames"):
        DreamTransferRestyler(pipeline)
    pipeline.register_to_config(resolution=[32, 16], frames=13)
    known = DreamTransferRestyler(pipeline)
    assert (known.resolution, known.frames) == ((32, 16), 13)
    other = DreamTransferRestyler(pipeline, frames=5, resolution=(64, 32))
    assert (other.resolution, other.frames) == ((64, 32), 5)


def test_depth_is_taken_from_pixels_and_never_mixed():
    depth = np.arange(2 * 3 * 6 * 9, dtype=np.float32).reshape(2, 3, 6, 9)
    assert sampled(depth, None) is depth
    assert np.array_equal(sampled(depth, (9, 6)), depth)
    assert np.array_equal(sampled(depth, (3, 2)), depth[:, :, 1::3, 1::3])
    assert np.array_equal(sampled(depth, (18, 12)), depth.repeat(2, axis=2).repeat(2, axis=3))


def test_holes_are_as_far_as_what_is_nearest(restyler, depths):
    assert filled(depths) is depths
    holed = depths.copy()
    holed[1, 0, 4:6, 10:12] = 0
    holed[2, 1] = 0
    whole = filled(holed)
    assert whole[1, 0, 4, 10] in (depths[1, 0, 3, 10], depths[1, 0, 4, 9])
    assert (whole[1, 0] > 0).all()
    assert (whole[2, 1] == 0).all()
    known = holed > 0
    assert np.array_equal(whole[known], holed[known])
    made = restyler.begin(PROMPT, 0, {})(clip_of(holed[:5]))
    assert np.array_equal(made, generated(restyler, whole[:5]))


def test_pictures_are_resized_about_their_middle():
    rgb = np.zeros((1, 2, 4, 4, 3), np.uint8)
    rgb[:, 1] = (10, 200, 30)
    rgb[:, 0, :, 2:] = 100
    large = resized(rgb, (8, 12))
    assert (large[0, 1] == (10, 200, 30)).all()
    assert np.array_equal(large[0, 0], np.repeat(large[:1, 0, 0], 8, axis=0))
    row = large[0, 0, 0, :, 0].astype(int)
    assert (np.diff(row) >= 0).all()
    assert np.array_equal(row + row[::-1], np.full(12, 100))
    assert np.array_equal(resized(large, (4, 4))[0, 1], rgb[0, 1])
    assert resized(rgb, (4, 4)) is rgb


def test_the_pipelines_cameras_are_the_restylers(pipeline, restyler):
    assert restyler.cameras is None
    pipeline.register_to_config(cameras=["left", "right"])
    assert restyler.cameras == ("left", "right")


def test_what_does_not_fit_is_refused(pipeline, restyler, depths):
    with pytest.raises(RestylingError, match=re.escape("frames=6 is not 4 * k + 1")):
        DreamTransferRestyler(pipeline, frames=6)
    for resolution in ((24, 16), (32, 0)):
        with pytest.raises(RestylingError, match="is not of multiples of 16 pixels"):
            DreamTransferRestyler(pipeline, frames=5, resolution=resolution)
    with pytest.raises(ValueError, match="the limit is 12"):
        restyler.begin("word " * 20, 0, {})
    with pytest.raises(ValueError, match="height 8 must be a multiple of 16"):
        restyler.begin(PROMPT, 0, {})(clip_of(depths[:, :, :8]))
    restyling = restyler.begin(PROMPT, 0, {})
    restyling(clip_of(depths[:1]))
    with pytest.raises(RestylingError, match=r"\(1, 16, 32\), those before were \(2, 16, 32\)"):
        restyling(clip_of(depths[:1, :1]))
    pipeline.register_to_config(cameras=["a", "b", "c"])
    with pytest.raises(ValueError, match="2 views; needed are those of a, b, c"):
        restyler.begin(PROMPT, 0, {})(clip_of(depths))
