import numpy as np
import pytest
import sapien
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from envs.dual_arm_env import DualArmEnv
from envs.experts.motion import (
    JOINT_SPEED,
    Arm,
    ExpertError,
    Motion,
    facing_along,
    facing_down,
    gripper_pose,
    minimum_jerk,
)
from envs.robots.kinematics import arm_kinematics

DT = 0.06


@given(st.integers(2, 400))
def test_minimum_jerk_starts_and_ends_at_rest(steps):
    path = np.concatenate([[0.0], minimum_jerk(steps)])
    assert path[-1] == pytest.approx(1)
    assert (np.diff(path) > 0).all()
    assert np.allclose(path + path[::-1], 1), "symmetric"


def test_grippers_face_where_they_say():
    down = Rotation.from_quat(facing_down(0.3), scalar_first=True).as_matrix()
    assert np.allclose(down[:, 0], [0, 0, -1], atol=1e-6)
    upright = Rotation.from_quat(facing_down(), scalar_first=True).as_matrix()
    assert np.allclose(np.abs(upright[:, 1]), [1, 0, 0], atol=1e-6)
    tilted = Rotation.from_quat(facing_down(pitch=0.5), scalar_first=True).as_matrix()
    assert tilted[1, 0] > 0.4, "tilted towards +y"
    level = Rotation.from_quat(facing_along(np.pi / 2), scalar_first=True).as_matrix()
    assert np.allclose(level[:, 0], [0, 1, 0], atol=1e-6)
    pose = gripper_pose([0.1, 0.2, 0.8], facing_down())
    assert np.allclose(pose.p, [0.1, 0.2, 0.92], atol=1e-6)


@pytest.fixture
def arm():
    arm = Arm("left", np.array([0, 0, 0, 0, 0, 0, 1.0]), DT)
    list(arm.reach(gripper_pose([-0.2, -0.05, 0.9], facing_down())))
    return arm


def test_a_line_is_straight_smooth_and_within_speed(arm):
    start = arm.pose
    goal = sapien.Pose(start.p + np.array([0.1, 0.05, -0.08]), start.q)
    commands = np.array(list(arm.line(goal)))
    tips = np.array([arm_kinematics("left").forward(c[:6]).p for c in commands])
    along = (goal.p - start.p) / np.linalg.norm(goal.p - start.p)
    off = (tips - start.p) - np.outer((tips - start.p) @ along, along)
    assert np.abs(off).max() < 1e-3
    assert np.allclose(tips[-1], goal.p, atol=1e-3)
    assert np.abs(np.diff(commands[:, :6], axis=0)).max() / DT <= JOINT_SPEED * 1.05
    assert (commands[:, 6] == 1).all()


def test_primitives_plan_from_where_the_last_one_ended(arm):
    first, second = arm.move([0, 0, 0.05]), arm.move([0, 0, -0.05])
    before = arm.pose.p
    list(first)
    list(second)
    assert np.allclose(arm.pose.p, before, atol=1e-3)


def test_what_is_out_of_reach_is_said(arm):
    with pytest.raises(ExpertError, match=r"left arm cannot reach \[3.0"):
        list(arm.reach(sapien.Pose([3, 0, 1])))


def test_both_arms_play_side_by_side():
    env = DualArmEnv("block_handover")
    env.reset(seed=0)
    motion = Motion(env.simulation.robot.joint_target, env.scene_state, DT)
    actions = np.array(list(motion.play(left=motion.left.close(), right=motion.right.wait(9))))
    assert actions.shape == (9, 14)
    assert actions[5, 6] == actions[8, 6] == 0, "the shorter one stays at its end"
    assert (actions[:, 13] == 1).all()
