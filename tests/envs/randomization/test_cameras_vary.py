"""Cameras that move and change: what observations say, and whether pictures obey."""

import dataclasses

import numpy as np
import pytest
import sapien

from envs.cameras import CAMERA_MODELS, CAMERA_MOUNTS, extrinsic_cv
from envs.dual_arm_env import DualArmEnv
from envs.picture import Picture
from envs.point_cloud import unproject
from envs.randomization import VARIATIONS, draw, parse
from envs.randomization.camera_extrinsics import FIXED_CAMERAS, WRIST_CAMERAS, look_at
from envs.scene_settings import TABLE_HEIGHT, SceneSettings

TASK = "block_hammer_beat"
MIDDLE = [160.0, 120.0]
AROUND = ("camera_azimuth", "camera_elevation", "camera_roll", "camera_distance")


def varied(specification, seed=0):
    settings, log = draw(parse(specification), seed, SceneSettings())
    return settings.cameras, log


def pixel(camera, mount_pose, point):
    x, y, z = (extrinsic_cv(mount_pose) @ [*point, 1.0])[:3]
    assert z > 0
    return (camera.model.intrinsic_cv @ [x / z, y / z, 1.0])[:2]


@pytest.mark.parametrize("name", AROUND)
@pytest.mark.parametrize("sign", ["+", "-"])
@pytest.mark.parametrize("camera", CAMERA_MOUNTS)
def test_what_a_camera_looks_at_stays_in_the_middle(name, sign, camera):
    target = look_at(CAMERA_MOUNTS[camera])
    for level in range(6):
        options = {"level": level, "sign": sign, "cameras": [camera]}
        cameras, _ = varied({name: options})
        assert np.allclose(
            pixel(cameras[camera], cameras[camera].mount.pose, target), MIDDLE, atol=0.05
        )


def test_what_fixed_cameras_look_at_is_the_workspace():
    assert np.allclose(look_at(CAMERA_MOUNTS["head_camera"])[:2], [-0.032, 0], atol=0.06)
    for camera in FIXED_CAMERAS:
        point = look_at(CAMERA_MOUNTS[camera])
        assert np.linalg.norm(point - [0, 0, TABLE_HEIGHT]) < 0.1
    for camera in WRIST_CAMERAS:
        assert np.linalg.norm(look_at(CAMERA_MOUNTS[camera]) - [0.19, 0, 0]) < 0.1


def spherical(mount):
    """Azimuth and elevation in degrees, and distance, of a camera from what it looks at."""
    x, y, z = mount.pose.p - look_at(mount)
    return np.array(
        [
            np.rad2deg(np.arctan2(y, x)),
            np.rad2deg(np.arctan2(z, np.hypot(x, y))),
            np.linalg.norm([x, y, z]),
        ]
    )


@pytest.mark.parametrize("camera", FIXED_CAMERAS)
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("camera_azimuth", lambda place, value: place + [value, 0, 0]),
        ("camera_elevation", lambda place, value: place + [0, value, 0]),
        ("camera_distance", lambda place, value: place * [1, 1, 1 + value]),
    ],
)
def test_sizes_are_what_they_say(camera, name, change):
    for sign in "+-":
        for level in range(6):
            cameras, log = varied({name: {"level": level, "sign": sign}})
            expected = change(spherical(CAMERA_MOUNTS[camera]), log[name][camera])
            assert np.allclose(spherical(cameras[camera].mount), expected, atol=0.02)


@pytest.mark.parametrize("name", ["camera_roll", "camera_rotation", "camera_position"])
@pytest.mark.parametrize("camera", CAMERA_MOUNTS)
def test_turns_and_shifts_are_of_their_size(name, camera):
    before = CAMERA_MOUNTS[camera]
    for level in range(6):
        cameras, log = varied({name: {"level": level, "cameras": [camera]}}, seed=level)
        after = cameras[camera].mount
        turn = (before.pose.inv() * after.pose).q
        angle = np.rad2deg(2 * np.arccos(np.clip(abs(float(turn[0])), 0, 1)))
        shift = np.linalg.norm(after.pose.p - before.pose.p)
        size = np.linalg.norm(log[name][camera])
        assert size == pytest.approx(VARIATIONS[name].LEVELS[level], abs=1e-5)
        expected = (0.0, size) if name == "camera_position" else (size, 0.0)
        assert (angle, shift) == pytest.approx(expected, abs=0.05 if level == 0 else 0.01)


def test_height_is_ext1_of_sem():
    cameras, log = varied({"camera_height": {"size": [0.1, 0.1]}})
    assert log == {"camera_height": {"head_camera": 0.1, "front_camera": 0.1}}
    for name, mount in CAMERA_MOUNTS.items():
        after = cameras[name].mount.pose
        rise = 0.1 if name in FIXED_CAMERAS else 0.0
        assert np.allclose(after.p - mount.pose.p, [0, 0, rise], atol=1e-6)
        assert np.array_equal(after.q, mount.pose.q)


@pytest.mark.parametrize("name", [n for n in VARIATIONS if n.startswith("camera_")][1:])
def test_jointly_or_each_by_itself(name):
    options = {"size": [0.01, 0.9]}
    joint, _ = varied({name: options})
    _, log = varied({name: options})
    assert log[name]["head_camera"] == log[name]["front_camera"]
    _, log = varied({name: {**options, "jointly": False}})
    assert log[name]["head_camera"] != log[name]["front_camera"]
    for camera in WRIST_CAMERAS:
        assert joint[camera].mount is CAMERA_MOUNTS[camera], "not asked for"


@pytest.mark.parametrize("camera", WRIST_CAMERAS)
def test_wrist_cameras_move_in_the_frame_of_their_link(camera):
    cameras, log = varied({"camera_position": {"level": 5, "cameras": [camera]}})
    mount = cameras[camera].mount
    assert mount.link == CAMERA_MOUNTS[camera].link
    shift = log["camera_position"][camera]
    assert np.allclose(mount.pose.p, CAMERA_MOUNTS[camera].pose.p + np.array(shift), atol=1e-6)


@pytest.fixture(scope="module")
def env(renderer):
    env = DualArmEnv(TASK, obs_mode="rgbd")
    yield env
    env.close()


def episode(env, variations, seed=0):
    return env.reset(seed=seed, options={"variations": variations})


def centre(camera):
    return np.linalg.inv(camera["extrinsic_cv"].astype(float))[:3, 3]


def test_observations_say_how_cameras_moved(env):
    before = env.reset(seed=0)[0]["cameras"]
    asked = {"camera_height": 3, "camera_position": {"level": 5, "cameras": ["left_camera"]}}
    observation, info = episode(env, asked)
    after = observation["cameras"]
    for name in FIXED_CAMERAS:
        assert np.allclose(centre(after[name]) - centre(before[name]), [0, 0, 0.1], atol=1e-5)
        assert np.allclose(
            after[name]["extrinsic_cv"][:3, :3], before[name]["extrinsic_cv"][:3, :3]
        )
    link = env.simulation.robot.articulation.find_link_by_name("fl_link6").entity_pose
    place = (link.inv() * sapien.Pose(centre(after["left_camera"]))).p
    shift = info["variations"]["camera_position"]["left_camera"]
    assert np.allclose(place, CAMERA_MOUNTS["left_camera"].pose.p + np.array(shift), atol=1e-5)
    assert np.array_equal(
        after["right_camera"]["extrinsic_cv"], before["right_camera"]["extrinsic_cv"]
    )
    assert np.array_equal(after["right_camera"]["rgb"], before["right_camera"]["rgb"])


def factor(value):
    return 1 + value if value >= 0 else 1 / (1 - value)


def expected_model(name, value):
    """What a value makes of the D435."""
    d435 = CAMERA_MODELS["D435"]
    if name == "focal_length":
        return dataclasses.replace(d435, fx=d435.fx * factor(value), fy=d435.fy * factor(value))
    if name == "principal_point":
        right, down = np.array(value) * 240
        return dataclasses.replace(d435, cx=160 + right, cy=120 + down)
    if name == "pixel_aspect":
        half = np.sqrt(factor(value))
        return dataclasses.replace(d435, fx=d435.fx / half, fy=d435.fy * half)
    l515 = CAMERA_MODELS["L515"]
    return dataclasses.replace(l515, height=240, fy=l515.fy * 240 / 180, cy=120.0)


@pytest.mark.parametrize(
    "specification",
    [
        {"focal_length": {"level": 5, "sign": "+"}},
        {"focal_length": {"level": 5, "sign": "-"}},
        {"principal_point": 5},
        {"pixel_aspect": {"level": 4, "sign": "+"}},
        {"pixel_aspect": {"level": 4, "sign": "-"}},
        {"camera_model": {"model": "L515"}},
    ],
    ids=str,
)
def test_pictures_obey_the_matrix_that_observations_have(env, specification):
    """The outline of the block is where its vertices are projected to, and the table is level."""
    (name,) = specification
    for seed in (0, 1):
        # Rolled, so that an error in any of the four numbers tilts or shifts the table.
        observation, info = episode(env, {**specification, "camera_roll": 3}, seed)
        value = info["variations"][name]
        value = value if isinstance(value, str) else value["head_camera"]
        camera = observation["cameras"]["head_camera"]
        assert camera["rgb"].shape == (240, 320, 3)
        assert camera["depth"].shape == (240, 320)
        expected = expected_model(name, value).intrinsic_cv
        assert np.allclose(camera["intrinsic_cv"], expected, rtol=1e-5)
        (picture,) = env.simulation.take_pictures(["head_camera"]).values()
        assert isinstance(picture, Picture)
        heights = unproject(picture)[..., 2]
        table = env.simulation.things["table"].per_scene_id
        on_table = picture.segmentation == table
        assert on_table.sum() > 10000
        level = np.abs(heights[on_table] - TABLE_HEIGHT) < 0.001
        assert level.mean() > 0.98, "but for the table's edge"
        model = env.simulation.models["block"]
        points = np.concatenate([part.mesh.vertices for part in model.visuals])
        matrix = env.simulation.pose("block").to_transformation_matrix()
        world = np.c_[points @ matrix[:3, :3].T + matrix[:3, 3], np.ones(len(points))]
        seen = world @ camera["extrinsic_cv"].T.astype(float)
        places = (seen[:, :3] / seen[:, 2:3] @ camera["intrinsic_cv"].T.astype(float))[:, :2]
        rows, columns = np.nonzero(
            picture.segmentation == env.simulation.things["block"].per_scene_id
        )
        assert len(rows) > 100
        # A pixel is the block's if its centre is: outlines end up to half a pixel further in.
        outline = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        within = np.clip([*places.min(axis=0), *places.max(axis=0)], 0, [320, 240, 320, 240])
        assert np.abs(outline - within).max() < 1.0


def test_the_l515_sees_more_in_a_picture_of_the_same_size(env):
    d435 = env.reset(seed=0)[0]["cameras"]["head_camera"]
    l515 = episode(env, {"camera_model": {"model": "L515"}})[0]["cameras"]["head_camera"]
    native = DualArmEnv(TASK, obs_mode="rgbd", camera_model="L515", cameras=("head_camera",))
    native = native.reset(seed=0)[0]["cameras"]["head_camera"]
    assert l515["rgb"].shape == d435["rgb"].shape
    fovx, fovy = (
        np.rad2deg(2 * np.arctan(l515["intrinsic_cv"][i, 2] / l515["intrinsic_cv"][i, i]))
        for i in (0, 1)
    )
    assert fovy == pytest.approx(45, abs=0.01)
    assert fovx == pytest.approx(72.75, abs=0.05)
    # The rows of the native picture's centres are those of every fourth row and a half here.
    assert l515["depth"].mean() == pytest.approx(native["depth"].mean(), rel=0.005)
    assert np.abs(l515["rgb"].mean((0, 1)) - native["rgb"].mean((0, 1))).max() < 2
    assert (l515["depth"] > 1.3).mean() > 3 * (d435["depth"] > 1.3).mean()


@pytest.mark.parametrize("level", [1, 3, 5])
def test_coarse_sensors_have_pictures_of_the_same_size(env, level):
    clean = env.reset(seed=0)[0]["cameras"]["head_camera"]
    camera = episode(env, {"sensor_resolution": level})[0]["cameras"]["head_camera"]
    assert camera["rgb"].shape == clean["rgb"].shape
    assert np.array_equal(camera["intrinsic_cv"], clean["intrinsic_cv"])
    pixels = 1 + VARIATIONS["sensor_resolution"].LEVELS[level]
    changes = (np.diff(camera["depth"][100]) != 0).mean()
    assert changes < 1.3 / pixels


def test_cameras_move_one_after_another_in_a_fixed_order():
    both = {
        "camera_azimuth": {"level": 4, "sign": "+"},
        "camera_distance": {"level": 4, "sign": "+"},
    }
    one, _ = varied(both)
    other, _ = varied(dict(reversed(both.items())))
    for camera in FIXED_CAMERAS:
        poses = one[camera].mount.pose, other[camera].mount.pose
        assert np.array_equal(poses[0].p, poses[1].p)
        azimuth, elevation, distance = spherical(one[camera].mount)
        start = spherical(CAMERA_MOUNTS[camera])
        expected = start + [30, 0, 0.2 * start[2]]
        assert np.allclose([azimuth, elevation, distance], expected, atol=0.05)
