import numpy as np
import pytest
import sapien
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from envs.cameras import CAMERA_MODELS, CAMERA_MOUNTS, cam2world_gl, extrinsic_cv, facing
from envs.dual_arm_env import DualArmEnv
from envs.point_cloud import unproject
from envs.scene_settings import TABLE_HEIGHT

coordinate = st.floats(-2, 2)


@given(st.tuples(coordinate, coordinate, coordinate), st.integers(0, 2**32 - 1))
def test_opencv_and_opengl_matrices_are_each_others_inverse_and_flip(position, seed):
    quaternion = Rotation.random(rng=np.random.default_rng(seed)).as_quat(scalar_first=True)
    pose = sapien.Pose(position, quaternion)
    flip = np.diag([1, -1, -1, 1])
    assert np.allclose(np.linalg.inv(extrinsic_cv(pose)), cam2world_gl(pose) @ flip, atol=1e-5)


def test_a_point_ahead_is_on_the_optical_axis():
    pose = facing((1.0, 2.0, 3.0), (0.0, 0.6, -0.8))
    ahead = np.array([1.0, 2.0, 3.0]) + 0.5 * np.array([0.0, 0.6, -0.8])
    assert np.allclose(extrinsic_cv(pose) @ [*ahead, 1], [0, 0, 0.5, 1], atol=1e-6)


def test_up_in_the_world_is_up_in_the_picture():
    camera = extrinsic_cv(facing((0, 0, 0), (1, 0, 0)))
    assert (camera @ [1, 0, 0.1, 1])[1] < 0, "OpenCV's y points down"
    assert (camera @ [1, -0.1, 0, 1])[0] > 0, "the world's -y is to the right of +x"


@pytest.mark.parametrize(
    ("name", "focal_length"), [("D435", 358.64), ("L515", 217.28), ("Large_D435", 717.28)]
)
def test_camera_models_have_robotwins_focal_lengths(name, focal_length):
    assert CAMERA_MODELS[name].fx == CAMERA_MODELS[name].fy == pytest.approx(focal_length, abs=0.01)


def test_resized_cameras_see_the_same():
    camera = CAMERA_MODELS["L515"]
    other = camera.resized(100, 300)
    assert (other.width, other.height) == (100, 300)
    corners = np.array([[0, 0, 1], [320, 180, 1]]).T
    corners_of_other = np.array([[0, 0, 1], [100, 300, 1]]).T
    rays = np.linalg.inv(camera.intrinsic_cv) @ corners
    assert np.allclose(rays, np.linalg.inv(other.intrinsic_cv) @ corners_of_other)
    assert other.fy / other.fx == pytest.approx((300 / 180) / (100 / 320))


def test_the_head_camera_looks_53_degrees_down():
    forward = CAMERA_MOUNTS["head_camera"].pose.to_transformation_matrix()[:3, 0]
    assert np.allclose(forward, [0, 0.6, -0.8], atol=1e-6)


@pytest.fixture(scope="module")
def pictures(renderer):
    env = DualArmEnv("block_hammer_beat", obs_mode="rgbd")
    env.reset(seed=0)
    yield env.simulation.take_pictures(env.cameras), env.simulation
    env.close()


def test_depth_puts_the_table_at_its_height(pictures):
    taken, _ = pictures
    points = unproject(taken["head_camera"])
    on_table = np.abs(points[..., 2] - TABLE_HEIGHT) < 0.003
    assert on_table.mean() > 0.5, "the head camera sees mostly table"


def test_a_known_point_is_where_the_matrices_say(pictures):
    """Projects the middle of the block's top into the picture: it is red, at that depth."""
    taken, simulation = pictures
    picture = taken["head_camera"]
    top = (simulation.pose("block") * sapien.Pose([0, 0, 0.025])).p
    x, y, z = (picture.extrinsic_cv @ [*top, 1])[:3]
    u, v, _ = picture.intrinsic_cv @ [x / z, y / z, 1]
    row, column = int(v), int(u)
    red, green, blue = picture.rgb[row, column].astype(int)
    assert red > 2 * green
    assert red > 2 * blue
    assert picture.depth[row, column] == pytest.approx(z, abs=0.004)


def test_wrist_cameras_ride_on_the_wrists(pictures):
    taken, simulation = pictures
    centre = np.linalg.inv(taken["left_camera"].extrinsic_cv)[:3, 3]
    assert np.allclose(centre, [-0.333, -0.2518, 0.999], atol=2e-3)
    link = simulation.robot.articulation.find_link_by_name("fl_link6").entity_pose
    assert np.allclose((link.inv() * sapien.Pose(centre)).p, [0.07, 0.032, 0.065], atol=1e-5)


def test_no_camera_sees_the_inside_of_its_mount(pictures):
    taken, _ = pictures
    for name, picture in taken.items():
        assert np.median(picture.depth) > 0.15, name
        assert picture.rgb.std() > 5, name
