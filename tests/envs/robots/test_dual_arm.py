import numpy as np
import pytest

from envs.robots.dual_arm import ACTION_LOWER, ACTION_UPPER
from envs.simulation import PHYSICS_DT, Simulation

HOME = np.array([0, 0, 0, 0, 0, 0, 1.0] * 2)


@pytest.fixture
def simulation():
    return Simulation(visuals=False)


def test_holds_home_against_gravity(simulation):
    for _ in range(20):
        simulation.act(HOME, 15)
    assert np.allclose(simulation.robot.joint_position, HOME, atol=1e-3)


def test_measured_joints_follow_a_slow_ramp_closely(simulation):
    """With velocity targets the arm does not trail its targets by damping / stiffness = 0.2 s."""
    target = HOME.copy()
    for _ in range(15):
        target[[1, 8]] += 0.06
        simulation.act(target, 15)
        lag = np.abs(simulation.robot.joint_position - simulation.robot.joint_target).max()
        assert lag < 0.02
    assert simulation.robot.joint_position[1] == pytest.approx(0.9, abs=0.02)


def test_targets_move_no_faster_than_the_joints_can(simulation):
    far = HOME.copy()
    far[0] = 1.5
    simulation.act(far, 15)
    assert simulation.robot.joint_target[0] == pytest.approx(5.0 * 15 * PHYSICS_DT)
    for _ in range(15):
        simulation.act(far, 15)
    assert simulation.robot.joint_target[0] == pytest.approx(1.5)
    assert simulation.robot.joint_position[0] == pytest.approx(1.5, abs=0.02)


def test_gripper_closes_to_its_stop_and_opens(simulation):
    for value, measured in ((0.0, 0.01 / 0.055), (1.0, 1.0)):
        action = HOME.copy()
        action[[6, 13]] = value
        for _ in range(10):
            simulation.act(action, 15)
        assert np.allclose(simulation.robot.joint_position[[6, 13]], measured, atol=0.02)
        assert np.allclose(simulation.robot.joint_target[[6, 13]], value)


def test_random_targets_keep_the_robot_together(simulation):
    rng = np.random.default_rng(0)
    for _ in range(60):
        simulation.act(rng.uniform(ACTION_LOWER, ACTION_UPPER), 15)
        assert np.isfinite(simulation.state()).all()
        assert (simulation.robot.joint_position > ACTION_LOWER - 0.3).all()
        assert (simulation.robot.joint_position < ACTION_UPPER + 0.3).all()
