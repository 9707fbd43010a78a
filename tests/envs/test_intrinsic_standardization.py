import dataclasses

import gymnasium
import numpy as np
import pytest
from scipy import ndimage

from envs.cameras import CAMERA_MODELS, CameraModel
from envs.dual_arm_env import DualArmEnv
from envs.errors import InvalidOptionError
from envs.picture import Picture
from envs.point_cloud import unproject
from envs.scene_settings import TABLE_HEIGHT
from envs.wrappers import ActionChunk, FrameHistory, IntrinsicStandardization, standardize
from envs.wrappers.intrinsic_standardization import STANDARD_CAMERA

TASK = "bottle_adjust"
CAMERAS = ("head_camera", "left_camera")
TURNED = {
    # A smooth texture everywhere, and a table whose depth varies along rows and columns.
    "table_texture": 5,
    "camera_roll": {"size": [20, 20], "cameras": list(CAMERAS)},
}
SEED = 4  # draws a smooth texture: that of checks is sampled at the pixels' centres, not over them
SMALL = {"obs_mode": "rgb", "cameras": ("head_camera",), "resolution": (64, 48)}


def shift_at_the_corners(picture, true, mask):
    """How far a picture is from the true one, in pixels, at each corner of an affine fit."""
    picture, true = (ndimage.gaussian_filter(p.mean(axis=2), 2.0) for p in (picture, true))
    mask = ndimage.binary_erosion(mask, iterations=8)
    down, right = np.gradient((picture + true) / 2)
    rows, columns = np.mgrid[-1 : 1 : true.shape[0] * 1j, -1 : 1 : true.shape[1] * 1j]
    basis = np.stack([np.ones_like(rows), columns, rows])
    system = np.concatenate([right * basis, down * basis])[:, mask].T
    fit = np.linalg.lstsq(system, (picture - true)[mask], rcond=None)[0].reshape(2, 3)
    corners = np.array([[1, x, y] for x in (-1, 1) for y in (-1, 1)])
    return np.linalg.norm(corners @ fit.T, axis=1)


def on_table(camera):
    picture = Picture(
        camera["rgb"],
        camera["depth"],
        camera["depth"],
        camera["intrinsic_cv"],
        camera["extrinsic_cv"],
    )
    return np.abs(unproject(picture)[..., 2] - TABLE_HEIGHT) < 0.001


def waves(model, step=1):
    """What a camera of a model sees of a world of smooth waves: a function of the ray alone."""
    x = (np.arange(model.width) + 0.5 - model.cx) / model.fx
    y = (np.arange(model.height) + 0.5 - model.cy) / model.fy
    x, y = np.meshgrid(x, y)
    channels = [np.sin(31 * x + 17 * y), np.cos(-13 * x + 29 * y), np.sin(23 * x) * np.cos(19 * y)]
    rgb = np.rint(127.5 + 100 * np.stack(channels, axis=-1)).astype(np.uint8)
    depth = (0.8 / (1 + 0.3 * x + 0.5 * y)).astype(np.float32)
    return rgb, depth


def test_the_standard_camera_is_that_of_sem():
    assert (STANDARD_CAMERA.width, STANDARD_CAMERA.height) == (320, 256)
    expected = [[358.6422, 0, 160], [0, 382.5517, 128], [0, 0, 1]]
    assert np.allclose(STANDARD_CAMERA.intrinsic_cv, expected, atol=1e-3)


@pytest.mark.parametrize("source", ["D435", "L515", "Large_L515"])
def test_a_world_of_waves_is_as_the_standard_camera_sees_it(source):
    model = CAMERA_MODELS[source]
    rgb, depth = waves(model)
    found = standardize(rgb, depth, model.intrinsic_cv.astype(np.float32))
    true_rgb, true_depth = waves(STANDARD_CAMERA)
    assert found.valid.all()
    assert np.abs(found.rgb.astype(int) - true_rgb).max() <= 3
    assert (found.rgb.astype(int) - true_rgb).mean() == pytest.approx(0, abs=0.1)
    assert shift_at_the_corners(found.rgb, true_rgb, found.valid).max() < 0.01
    # Within the outermost half pixel of the source, the outermost pixel counts.
    assert np.abs(found.depth - true_depth)[1:-1, 1:-1].max() < 1e-5
    assert np.abs(found.depth - true_depth).max() < 1e-3


@pytest.mark.parametrize("source", ["D435", "L515", "Large_L515"])
def test_pictures_are_those_of_a_camera_that_truly_is_the_standard_one(renderer, source):
    options = {"obs_mode": "rgbd", "cameras": CAMERAS, "variations": TURNED}
    true, _ = DualArmEnv(TASK, resolution=(320, 256), **options).reset(seed=SEED)
    env = IntrinsicStandardization(DualArmEnv(TASK, camera_model=source, **options))
    observation, _ = env.reset(seed=SEED)
    assert env.observation_space.contains(observation)
    for name in CAMERAS:
        expected, found = true["cameras"][name], observation["cameras"][name]
        assert np.array_equal(found["extrinsic_cv"], expected["extrinsic_cv"])
        assert np.array_equal(found["intrinsic_cv"], expected["intrinsic_cv"])
        assert found["valid"].all()
        table = on_table(expected)
        assert shift_at_the_corners(found["rgb"], expected["rgb"], table).max() < 0.1
        off = np.abs(found["depth"] - expected["depth"])
        slope = np.hypot(*np.gradient(expected["depth"]))
        table = ndimage.binary_erosion(table, iterations=3)
        assert off[table].max() < 5e-5
        assert (off[table] / slope[table]).max() < 0.01, "pixels"
        spread = ndimage.maximum_filter(expected["depth"], 5)
        spread -= ndimage.minimum_filter(expected["depth"], 5)
        smooth = spread < 0.03 * expected["depth"]
        assert smooth.mean() > 0.5
        assert np.quantile(off[smooth], 0.999) < 1e-3


def test_lenses_that_change_from_episode_to_episode(renderer):
    varied = {**TURNED, "focal_length": {"size": [0.1, 0.3], "jointly": False}}
    options = {"obs_mode": "rgbd", "cameras": ("head_camera",)}
    truth = DualArmEnv(TASK, resolution=(320, 256), variations=TURNED, **options)
    env = IntrinsicStandardization(DualArmEnv(TASK, variations=varied, **options))
    lenses = set()
    for seed in (SEED, 1):
        expected = truth.reset(seed=seed)[0]["cameras"]["head_camera"]
        observation, info = env.reset(seed=seed)
        found = observation["cameras"]["head_camera"]
        lenses.add(info["variations"]["focal_length"]["head_camera"])
        mask = on_table(expected) & found["valid"]
        assert mask.mean() > 0.3
        assert shift_at_the_corners(found["rgb"], expected["rgb"], mask).max() < 0.1
        assert np.array_equal(found["intrinsic_cv"], expected["intrinsic_cv"])
    assert len(lenses) == 2


def test_the_same_camera_stays_as_it_is():
    rgb, depth = waves(STANDARD_CAMERA)
    found = standardize(rgb, depth, STANDARD_CAMERA.intrinsic_cv)
    assert np.array_equal(found.rgb, rgb)
    assert np.array_equal(found.depth, depth)
    assert found.valid.all()
    assert standardize(rgb, None, STANDARD_CAMERA.intrinsic_cv).depth is None


def test_a_cutting_goes_back_to_its_place_and_the_rest_is_padding():
    rgb, depth = waves(STANDARD_CAMERA)
    k = STANDARD_CAMERA.intrinsic_cv - [[0, 0, 40], [0, 0, 25], [0, 0, 0]]
    found = standardize(rgb[25:-10, 40:-30], depth[25:-10, 40:-30], k.astype(np.float32))
    mask = np.zeros((256, 320), dtype=bool)
    mask[25:-10, 40:-30] = True
    assert np.array_equal(found.valid, mask)
    assert np.array_equal(found.rgb, np.where(mask[..., None], rgb, 0))
    assert np.allclose(found.depth, np.where(mask, depth, 0), atol=1e-6)


@pytest.mark.parametrize("edge", [0.49, 0.51])
def test_the_padding_begins_where_the_last_pixel_ends(edge):
    """A source of 8 x 6 pixels in a standard picture whose pixels are as large."""
    standard = CameraModel(20, 16, 10.0, 10.0, 10.0, 8.0)
    k = np.array([[10, 0, 10 - 4 - edge], [0, 10, 8 - 3 - edge], [0, 0, 1]])
    valid = standardize(np.full((6, 8, 3), 9, np.uint8), None, k, standard).valid
    # It covers 4 + edge .. 12 + edge of the columns; a pixel is valid if its centre is covered.
    first = 4 if edge < 0.5 else 5
    assert np.flatnonzero(valid.any(axis=0)).tolist() == list(range(first, first + 8))
    assert np.flatnonzero(valid.any(axis=1)).tolist() == list(range(first - 1, first + 5))


def test_no_points_between_a_thing_and_what_is_behind_it():
    depth = np.full((180, 320), 1.0, dtype=np.float32)
    depth[60:120, 100:200] = 0.5
    depth[130:140, 100:200] = 0.0
    k = CAMERA_MODELS["L515"].intrinsic_cv
    found = standardize(np.zeros((180, 320, 3), np.uint8), depth, k)
    assert set(np.unique(found.depth)) == {np.float32(0), np.float32(0.5), np.float32(1)}
    thing = 60 * 100 * (STANDARD_CAMERA.fx / k[0, 0]) * (STANDARD_CAMERA.fy / k[1, 1])
    assert (found.depth == 0.5).sum() == pytest.approx(thing, rel=0.02)


def test_episodes_with_a_padding(renderer):
    shifted = {"principal_point": {"size": [0.3, 0.3]}}
    options = {"obs_mode": "rgbd", "cameras": ("head_camera",)}
    truth, _ = DualArmEnv(TASK, **options).reset(seed=0)
    standard = CAMERA_MODELS["D435"]
    env = IntrinsicStandardization(DualArmEnv(TASK, variations=shifted, **options), standard)
    observation, info = env.reset(seed=0)
    found, true = observation["cameras"]["head_camera"], truth["cameras"]["head_camera"]
    right, down = np.array(info["variations"]["principal_point"]["head_camera"]) * standard.height
    columns, rows = np.arange(320) + 0.5 + right, np.arange(240) + 0.5 + down
    expected = ((rows > 0) & (rows < 240))[:, None] & (columns > 0) & (columns < 320)
    assert np.array_equal(found["valid"], expected)
    assert 0.3 < expected.mean() < 0.9
    assert not found["rgb"][~expected].any()
    assert not found["depth"][~expected].any()
    difference = np.abs(found["rgb"].astype(int) - true["rgb"])[expected]
    assert difference.mean() < 2


def steps(env, count):
    rng = np.random.default_rng(0)
    path = env.unwrapped.hold_action() + np.cumsum(rng.normal(0, 0.03, (count, 14)), axis=0)
    return np.clip(path, env.unwrapped.action_space.low, env.unwrapped.action_space.high)


def standardized(**options):
    return IntrinsicStandardization(
        DualArmEnv(TASK, **{**SMALL, **options}), CAMERA_MODELS["L515"].resized(40, 30)
    )


def test_histories_inside_and_outside_give_the_same(renderer):
    inside = IntrinsicStandardization(
        FrameHistory(DualArmEnv(TASK, **SMALL), 2), CAMERA_MODELS["L515"].resized(40, 30)
    )
    outside = FrameHistory(standardized(), 2)
    assert inside.observation_space == outside.observation_space
    inside.reset(seed=0)
    outside.reset(seed=0)
    for action in steps(inside, 2):
        one, other = inside.step(action)[0], outside.step(action)[0]
    for observation, env in ((one, inside), (other, outside)):
        assert env.observation_space.contains(observation)
    for key, value in one["cameras"]["head_camera"].items():
        assert len(value) == 2
        assert np.array_equal(value, other["cameras"]["head_camera"][key]), key
    assert not one["cameras"]["head_camera"]["valid"].all()


@pytest.mark.parametrize("limit", [None, 3])
def test_chunks_show_the_standard_picture_of_their_last_moment(renderer, limit):
    """With a limit the chunk is cut short, where no picture was due."""

    def limited(env):
        return env if limit is None else gymnasium.wrappers.TimeLimit(env, limit)

    single = FrameHistory(standardized(), 2)
    chunked = ActionChunk(FrameHistory(limited(standardized()), 2), 5)
    single.reset(seed=0)
    chunked.reset(seed=0)
    actions = steps(single, 5)
    for action in actions[:limit]:
        expected, *_ = single.step(action)
    observation, *_ = chunked.step(actions)
    for key, value in expected["cameras"]["head_camera"].items():
        assert np.array_equal(value[-1], observation["cameras"]["head_camera"][key][-1]), key


def test_vector_environments(renderer):
    vector = gymnasium.make_vec(
        "emma_gym/BottleAdjust-v0",
        num_envs=2,
        vectorization_mode="sync",
        wrappers=[IntrinsicStandardization],
        variations={"principal_point": 5},
        **SMALL,
    )
    observation, _ = vector.reset(seed=[0, 1])
    valid = observation["cameras"]["head_camera"]["valid"]
    assert (valid.shape, valid.dtype) == ((2, 256, 320), bool)
    assert not np.array_equal(valid[0], valid[1]), "two cameras, each with its own padding"
    vector.close()


def test_pictures_that_nobody_took_are_not_warped_again(renderer):
    env = standardized()
    first, _ = env.reset(seed=0)
    env.unwrapped.render_next = False
    second, *_ = env.step(env.unwrapped.hold_action())
    pictures = [each["cameras"]["head_camera"]["rgb"] for each in (first, second)]
    assert pictures[0] is pictures[1]
    env.unwrapped.render_next = True
    third, *_ = env.step(env.unwrapped.hold_action())
    assert third["cameras"]["head_camera"]["rgb"] is not pictures[0]


def test_observations_without_pictures_are_refused():
    with pytest.raises(InvalidOptionError, match="obs_mode 'rgb' or 'rgbd'"):
        IntrinsicStandardization(DualArmEnv(TASK))
    with pytest.raises(InvalidOptionError, match="obs_mode 'rgb' or 'rgbd'"):
        IntrinsicStandardization(DualArmEnv(TASK, obs_mode="pointcloud"))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"rgb": np.zeros((4, 5), np.uint8)}, "rgb is uint8"),
        ({"rgb": np.zeros((4, 5, 3))}, "rgb is float64"),
        ({"depth": np.zeros((5, 4), np.float32)}, "depth has shape"),
        ({"intrinsic_cv": np.eye(4)}, r"not \(3, 3\)"),
        ({"intrinsic_cv": [[9, 1, 2], [0, 9, 2], [0, 0, 1]]}, "is not"),
        ({"intrinsic_cv": [[9, 0, np.nan], [0, 9, 2], [0, 0, 1]]}, "is not"),
        ({"intrinsic_cv": -np.eye(3)}, "is not"),
    ],
)
def test_bad_pictures_are_named(changed, message):
    good = {"rgb": np.zeros((4, 5, 3), np.uint8), "depth": None, "intrinsic_cv": np.eye(3)}
    standardize(**good)
    with pytest.raises(ValueError, match=message) as error:
        standardize(**{**good, **changed})
    assert "\n" not in str(error.value)


def test_it_is_a_function_of_the_model():
    rgb, _ = waves(STANDARD_CAMERA)
    narrow = dataclasses.replace(STANDARD_CAMERA, fx=STANDARD_CAMERA.fx * 2, width=100, cx=50.0)
    assert standardize(rgb, None, STANDARD_CAMERA.intrinsic_cv, narrow).rgb.shape == (256, 100, 3)
