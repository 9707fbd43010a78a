import numpy as np
import pytest
from scipy import ndimage

from envs.dual_arm_env import DualArmEnv
from envs.image_effects import Blur, DepthNoise, Jpeg, LowResolution, PixelNoise
from envs.picture import Picture


def picture(rgb=None, depth=None, size=(240, 320)):
    rng = np.random.default_rng(0)
    if rgb is None:
        rough = ndimage.gaussian_filter(rng.uniform(0, 255, (*size, 3)), (2, 2, 0))
        rgb = np.clip((rough - 127) * 6 + 127, 0, 255).astype(np.uint8)
    if depth is None:
        depth = np.linspace(0.5, 2.0, size[1], dtype=np.float32) * np.ones((size[0], 1), np.float32)
    labels = (np.arange(depth.size).reshape(depth.shape) % 7).astype(np.int16)
    return Picture(rgb, depth, labels, np.eye(3, dtype=np.float32), np.eye(4, dtype=np.float32))


def apply(effect, given, seed=0):
    return effect.apply(given, np.random.default_rng(seed))


def grey(value, size=(240, 320)):
    return np.full((*size, 3), value, np.uint8)


ALL = [Blur(2.0), PixelNoise(10.0), Jpeg(20), DepthNoise(0.01), LowResolution(3.0)]


@pytest.mark.parametrize("effect", ALL, ids=lambda effect: type(effect).__name__)
def test_an_effect_changes_neither_sizes_nor_what_came_in(effect):
    given = picture(depth=np.zeros((240, 320), np.float32))
    copies = given.rgb.copy(), given.depth.copy()
    after = apply(effect, given)
    assert np.array_equal(given.rgb, copies[0])
    assert (after.rgb.shape, after.rgb.dtype) == (given.rgb.shape, np.uint8)
    assert (after.depth.shape, after.depth.dtype) == (given.depth.shape, np.float32)
    assert (after.segmentation.shape, after.segmentation.dtype) == (given.depth.shape, np.int16)
    assert not after.depth.any(), "unknown depth stays unknown"
    assert np.array_equal(after.rgb, apply(effect, given).rgb)


def test_blur_takes_away_edges_and_keeps_the_brightness():
    given = picture()
    blurred = [apply(Blur(sigma), given).rgb.astype(float) for sigma in (0.5, 1.0, 2.0, 5.0)]
    edges = [np.abs(np.diff(rgb, axis=1)).mean() for rgb in (given.rgb.astype(float), *blurred)]
    assert edges == sorted(edges, reverse=True)
    assert edges[-1] < 0.4 * edges[0]
    assert blurred[2].mean() == pytest.approx(given.rgb.mean(), abs=0.2)
    assert np.array_equal(apply(Blur(3.0), picture(grey(77))).rgb, grey(77))


@pytest.mark.parametrize("height", [120, 240, 480])
def test_blur_is_as_wide_as_it_says_at_any_resolution(height):
    width = 320 * height // 240
    step = np.zeros((height, width, 3), np.uint8)
    step[:, width // 2 :] = 200
    line = apply(Blur(3.0), picture(step, np.ones((height, width), np.float32))).rgb[5, :, 0] / 200
    # The derivative of a blurred step is the blur's own shape.
    shape, place = np.diff(line), np.arange(width - 1)
    mean = (shape * place).sum()
    sigma = np.sqrt((shape * (place - mean) ** 2).sum())
    assert sigma == pytest.approx(3.0 * height / 240, rel=0.05)


@pytest.mark.parametrize("sigma", [5.0, 20.0])
def test_pixel_noise_has_the_deviation_that_it_says(sigma):
    given = picture(grey(128))
    noise = apply(PixelNoise(sigma), given).rgb.astype(float) - 128
    assert noise.std() == pytest.approx(sigma, rel=0.02)
    assert noise.mean() == pytest.approx(0, abs=0.2)
    assert abs(np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]) < 0.02
    assert np.array_equal(apply(PixelNoise(sigma), given).depth, given.depth)
    other = apply(PixelNoise(sigma), given, seed=1).rgb
    assert not np.array_equal(other, noise + 128)


def test_pixel_noise_does_not_wrap_around():
    assert apply(PixelNoise(20.0), picture(grey(0))).rgb.max() < 128
    assert apply(PixelNoise(20.0), picture(grey(255))).rgb.min() > 128


def test_jpeg_loses_more_the_lower_its_quality():
    given = picture(np.repeat(picture().rgb[..., :1], 3, axis=2))  # JPEG halves resolution of hues
    found = [apply(Jpeg(quality), given).rgb for quality in (95, 50, 15, 3)]
    errors = [np.abs(rgb.astype(int) - given.rgb).mean() for rgb in found]
    assert errors == sorted(errors)
    assert errors[0] < 3
    assert errors[-1] > 10


def test_jpeg_at_its_lowest_leaves_flat_blocks_of_8_pixels():
    grainy = apply(PixelNoise(4.0), picture(grey(120)))
    fine, coarse = (
        apply(Jpeg(quality), grainy).rgb[..., 1].reshape(30, 8, 40, 8).std(axis=(1, 3))
        for quality in (95, 3)
    )
    assert fine.mean() > 2
    assert coarse.mean() < 0.1


def test_depth_noise_grows_with_the_square_of_the_distance():
    for distance in (0.5, 1.0, 2.0):
        given = picture(depth=np.full((240, 320), distance, np.float32))
        after = apply(DepthNoise(0.01), given)
        noise = after.depth - distance
        assert noise.std() == pytest.approx(0.01 * distance**2, rel=0.02)
        assert noise.mean() == pytest.approx(0, abs=0.01 * distance**2 * 0.02)
        assert np.array_equal(after.rgb, given.rgb)


def test_depth_noise_leaves_holes_and_gives_no_negative_depth():
    depth = np.full((240, 320), 1.0, np.float32)
    depth[:50] = 0.0
    after = apply(DepthNoise(1.0), picture(depth=depth)).depth
    assert not after[:50].any()
    assert after.min() == 0.0


@pytest.mark.parametrize("factor", [2.0, 3.0, 8.0])
def test_low_resolution_has_blocks_of_equal_depth_and_no_new_depths(factor):
    given = picture()
    after = apply(LowResolution(factor), given)
    assert np.isin(after.depth, given.depth).all()
    assert np.isin(after.segmentation, given.segmentation).all()
    columns = len(np.unique(after.depth[0]))
    assert columns == pytest.approx(320 / factor, abs=1)
    assert np.abs(after.depth - given.depth).max() < 1.5 / 320 * factor, "not shifted"
    assert after.rgb.mean() == pytest.approx(given.rgb.mean(), abs=1.0)


def test_low_resolution_does_not_shift_the_colors():
    ramp = np.linspace(20, 220, 320)[:, None].astype(np.uint8)
    given = picture(np.broadcast_to(ramp, (240, 320, 3)).copy())
    after = apply(LowResolution(4.0), given)
    difference = after.rgb[:, 8:-8].astype(float) - given.rgb[:, 8:-8]
    assert abs(difference.mean()) < 0.6, "a pixel makes 0.6 grey levels"


def test_resolution_of_the_sensor_itself_changes_nothing():
    given = picture()
    after = apply(LowResolution(1.0), given)
    assert np.array_equal(after.rgb, given.rgb)
    assert np.array_equal(after.depth, given.depth)


@pytest.fixture(scope="module")
def env(renderer):
    env = DualArmEnv(
        "block_hammer_beat",
        obs_mode="rgbd",
        cameras=("head_camera", "front_camera"),
        resolution=(64, 48),
    )
    yield env
    env.close()


def seen(observation):
    return np.stack([camera["rgb"] for camera in observation["cameras"].values()]).astype(int)


@pytest.mark.parametrize("name", ["image_noise", "light_flicker", "depth_noise"])
def test_what_is_random_depends_on_the_moment_and_not_on_earlier_looks(env, name):
    def episode(looks):
        observation, _ = env.reset(seed=1, options={"variations": {name: 3}})
        shown = [observation]
        for _ in range(2):
            for _ in range(looks):
                env.observe()
            shown.append(env.step(env.hold_action())[0])
        return [(seen(o), o["cameras"]["head_camera"]["depth"]) for o in shown]

    once, often = episode(0), episode(3)
    for one, other in zip(once, often, strict=True):
        assert all(np.array_equal(*pair) for pair in zip(one, other, strict=True))
    kind = 1 if name == "depth_noise" else 0
    still, _ = env.reset(seed=1)
    moved = seen(env.step(env.hold_action())[0]) - seen(still)
    assert np.abs(once[1][kind] - once[0][kind]).mean() > 0
    if kind == 0:
        assert np.abs(once[1][0] - once[0][0]).mean() > 5 * np.abs(moved).mean() + 1


def test_cameras_have_noise_of_their_own(env):
    clean, _ = env.reset(seed=1)
    noisy, _ = env.reset(seed=1, options={"variations": {"image_noise": 2}})
    head, front = (seen(noisy) - seen(clean)).reshape(2, -1)
    assert abs(np.corrcoef(head, front)[0, 1]) < 0.05


def test_flicker_changes_the_light_of_a_whole_picture_within_its_size(env):
    env.reset(seed=1, options={"variations": {"light_flicker": {"size": [0.1, 0.1]}}})
    means = np.array([seen(env.step(env.hold_action())[0]).mean() for _ in range(8)])
    assert means.std() > 0.3
    assert np.abs(means / means.mean() - 1).max() < 0.12
