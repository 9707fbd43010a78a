import numpy as np
import pytest
import sapien
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.robots import aloha_agilex as robot
from envs.robots.kinematics import arm_kinematics
from envs.robots.torch_kinematics import link_poses
from envs.simulation import Simulation


def joints(fraction):
    return robot.ARM_LOWER + np.asarray(fraction) * (robot.ARM_UPPER - robot.ARM_LOWER)


fractions = st.lists(st.floats(0.02, 0.98), min_size=6, max_size=6)


@pytest.fixture(scope="module")
def simulation():
    return Simulation(visuals=False)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_torch_fk_equals_the_simulators_link_poses(simulation, dtype):
    rng = np.random.default_rng(0)
    dual_arm = simulation.robot
    root = dual_arm.articulation.root_pose.to_transformation_matrix()
    for _ in range(50):
        action = np.concatenate([[*joints(rng.random(6)), rng.uniform(0.2, 1)] for _ in range(2)])
        dual_arm.set_joint_position(action)
        arms = action.reshape(2, 7)
        travel = robot.FINGER_CLOSED + arms[:, 6:] * (robot.FINGER_OPEN - robot.FINGER_CLOSED)
        poses = link_poses(torch.tensor(np.hstack([arms[:, :6], travel, travel]), dtype=dtype))
        for arm, side in enumerate(robot.ARM_SIDES):
            for index in range(1, 9):
                link = dual_arm.articulation.find_link_by_name(robot.link_name(side, index))
                expected = link.entity_pose.to_transformation_matrix()
                assert np.abs(root @ poses[arm, index - 1].numpy() - expected).max() < 1e-5


def test_torch_fk_is_batched_and_differentiable():
    values = torch.zeros(3, 5, 2, 8, dtype=torch.float64, requires_grad=True)
    poses = link_poses(values)
    assert poses.shape == (3, 5, 2, 8, 4, 4)
    poses[..., :3, 3].sum().backward()
    assert values.grad.abs().sum() > 0


def test_home_is_where_robotwin_says(simulation):
    simulation.robot.set_joint_position(np.zeros(14))
    left, right = simulation.robot.endpose
    assert np.allclose(left[:3], [-0.301, -0.322, 0.934], atol=1e-3)
    assert np.allclose(right[:3], [0.306, -0.322, 0.934], atol=1e-3)
    forward = sapien.Pose(q=left[3:]).to_transformation_matrix()[:3, 0]
    assert np.allclose(forward, [0, 1, 0], atol=1e-5), "at home the tools point away from the robot"


@settings(max_examples=40, deadline=None)
@given(fractions, st.sampled_from(robot.ARM_SIDES))
def test_inverse_undoes_forward(fraction, side):
    kinematics = arm_kinematics(side)
    start = joints(fraction)
    pose = kinematics.forward(start)
    found = kinematics.inverse(pose, start + 0.05, restarts=False)
    if found is None:  # the nudged start may lead out of the limits
        found = kinematics.inverse(pose, start)
    assert found is not None
    back = kinematics.forward(found)
    assert np.allclose(back.p, pose.p, atol=1e-3)
    assert abs(np.dot(back.q, pose.q)) > 1 - 1e-5
    assert (found >= robot.ARM_LOWER).all()
    assert (found <= robot.ARM_UPPER).all()


def test_forward_agrees_with_the_simulator(simulation):
    values = joints([0.4, 0.3, 0.4, 0.6, 0.5, 0.3])
    action = np.concatenate([values, [1.0], np.zeros(7)])
    simulation.robot.set_joint_position(action)
    assert np.allclose(
        arm_kinematics("left").forward(values).p, simulation.robot.endpose[0, :3], atol=1e-5
    )


@pytest.mark.parametrize("place", [[0.0, 2.0, 1.0], [-0.3, -0.4, 5.0]])
def test_what_is_out_of_reach_is_not_found(place):
    assert arm_kinematics("left").inverse(sapien.Pose(place), np.zeros(6)) is None
