import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.dual_arm_env import DualArmEnv
from envs.point_cloud import CROP_LOWER, CROP_UPPER, farthest_points


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 30))
def test_farthest_points_are_greedily_farthest(seed, count):
    points = np.random.default_rng(seed).normal(size=(60, 3)).astype(np.float32)
    chosen = farthest_points(points, count)
    assert len(set(chosen.tolist())) == count
    for i in range(1, count):
        gaps = np.linalg.norm(points[:, None] - points[chosen[:i]], axis=-1).min(axis=1)
        assert gaps[chosen[i]] >= gaps.max() - 1e-5


def test_the_cloud_is_the_things_above_the_table(renderer):
    env = DualArmEnv(
        "block_handover", obs_mode="pointcloud", cameras=("head_camera", "front_camera")
    )
    observation, _ = env.reset(seed=0)
    cloud = observation["pointcloud"]
    assert cloud.shape == (1024, 6)
    points = cloud[np.any(cloud != 0, axis=1)]
    assert len(points) > 300
    assert (points[:, :3] > CROP_LOWER).all()
    assert (points[:, :3] < CROP_UPPER).all()
    assert ((points[:, 3:] >= 0) & (points[:, 3:] <= 1)).all()
    red = points[(points[:, 3] > 0.4) & (points[:, 4] < 0.3)]
    bar = env.simulation.pose("bar").p
    assert len(red) > 50, "the red bar is in it"
    assert np.linalg.norm(red[:, :3] - bar, axis=1).max() < 0.15
