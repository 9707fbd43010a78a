import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from scipy.spatial.transform import Rotation
from stable_baselines3.common.env_checker import check_env as check_env_of_sb3

from envs.errors import InvalidOptionError
from envs.registration import make_env
from envs.robots.dual_arm import ACTION_LOWER, ACTION_UPPER
from envs.scene_settings import TABLE_HEIGHT
from envs.wrappers import OneHand, OneHandWrapper, ProgressGain

TASK = "block_handover"
"""The block lies on the left, so the left hand acts."""


@pytest.fixture(scope="module")
def env():
    return make_env(TASK)


def settled(env, hand, goal, opening=1.0, steps=30):
    """Brings the fingertips to a place in the right hand's coordinates; the last observation."""
    observation, _ = env.reset(seed=0)
    side = hand.side(observation)
    for _ in range(steps):
        behind, place = hand.vector(observation, side)[3:6], tips(observation, hand, side)
        step = np.append((goal - place - 0.1 * behind) / hand.step, 0.5 if opening else -0.5)
        for action in hand.actions(step, observation, side):
            assert np.all(action >= ACTION_LOWER - 1e-6)
            assert np.all(action <= ACTION_UPPER + 1e-6)
            observation, *_ = env.step(action)
    return observation, side


def tips(observation, hand, side):
    """The fingertips' position in the right hand's coordinates, from the vector."""
    return 0.1 * hand.vector(observation, side)[:3] + [0.1, -0.1, TABLE_HEIGHT + 0.1]


def test_steps_bring_the_fingertips_where_they_are_to_go_and_leave_the_other_arm_alone(env):
    hand, goal = OneHand(), np.array([0.15, -0.15, TABLE_HEIGHT + 0.15])
    observation, side = settled(env, hand, goal)
    assert side == 0
    assert tips(observation, hand, side) == pytest.approx(goal, abs=0.005)
    state = env.unwrapped.scene_state()
    assert state.fingertips(0) == pytest.approx(goal * [-1, 1, 1], abs=0.005)
    assert observation["joint_target"][7:13] == pytest.approx(np.zeros(6))
    # The hand has come to point down, with its fingers opening along x.
    axes = Rotation.from_quat(state.endpose[0, 3:], scalar_first=True).as_matrix()
    assert axes[:, 0] == pytest.approx([0, 0, -1], abs=0.05)
    assert abs(axes[0, 1]) == pytest.approx(1, abs=0.05)


def test_places_are_kept_inside_their_bounds_and_the_gripper_closes(env):
    hand = OneHand(low=(0.05, -0.2, 0.10), high=(0.3, 0.0, 0.2))
    observation, side = settled(env, hand, np.array([0.15, -0.15, TABLE_HEIGHT - 1]), opening=0.0)
    assert tips(observation, hand, side)[2] == pytest.approx(TABLE_HEIGHT + 0.10, abs=0.005)
    assert hand.vector(observation, side)[7] == pytest.approx(-1.0)


def test_what_the_left_hand_sees_is_the_mirror_image_of_what_the_right_hand_sees():
    """A tool with its handle to the left is the mirror image of one with its handle to the right.

    But for its y axis, which the vector does not have.
    """
    hand, env = OneHand(point=(-0.04, 0.0, 0.0)), make_env("tool_adjust")
    vectors, seed = {}, 0
    while len(vectors) < 2:
        observation, _ = env.reset(seed=seed)
        side = hand.side(observation)
        vectors[side] = hand.vector(observation, side)
        vectors[side][9] = 0.0  # the tool's y differs
        seed += 1
    # The arms' bases are mirror images but for 7 mm; tools differ in thickness.
    assert vectors[0] == pytest.approx(vectors[1], abs=0.1)


@pytest.mark.parametrize("y", [0.05, -0.05])
def test_a_point_of_the_first_thing_chooses_the_hand(y):
    env = make_env("block_hammer_beat")
    observation, _ = env.reset(seed=0)
    # The hammer lies in the middle, turned by 90 degrees: its y axis points to the left.
    assert OneHand().vector(observation, 1)[11:14] == pytest.approx([0, 1, 0], abs=0.05)
    assert OneHand(point=(0.0, y, 0.0)).side(observation) == int(y < 0)


def test_gymnasium_and_stable_baselines_accept_the_environment():
    env = ProgressGain(OneHandWrapper(make_env(TASK), OneHand(repeat=2)))
    check_env(env, skip_render_check=True, skip_close_check=True)
    check_env_of_sb3(env)


def test_gains_in_progress_add_up_and_success_has_a_bonus():
    class Path(gymnasium.Env):
        observation_space = action_space = gymnasium.spaces.Box(-1, 1, (1,))
        infos = iter({"progress": p, "success": p == 1.0} for p in (0.2, 0.5, 0.4, 1.0))

        def reset(self, *, seed=None, options=None):
            return np.zeros(1), next(self.infos)

        def step(self, action):
            info = next(self.infos)
            return np.zeros(1), 99.0, info["success"], False, info

    env = ProgressGain(Path(), scale=10.0, bonus=5.0)
    env.reset()
    rewards = [env.step(np.zeros(1))[1] for _ in range(3)]
    assert rewards == pytest.approx([3.0, -1.0, 11.0])


def test_training_episodes_can_be_cut_short():
    env = OneHandWrapper(make_env(TASK), OneHand(repeat=1), max_steps=3)
    env.reset(seed=0)
    ends = [env.step(np.zeros(4, dtype=np.float32))[2:4] for _ in range(3)]
    assert ends == [(False, False), (False, False), (False, True)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stp": 0.1}, "did you mean step"),
        ({"step": "far"}, "expected metres"),
        ({"repeat": 0}, "expected an integer"),
        ({"point": [1, 2]}, "expected three numbers"),
        ({"closing": [0, 0, 2.0]}, "different directions"),
        ({"low": [0, 0, 1]}, "is not below"),
    ],
)
def test_wrong_settings_are_explained(settings, message):
    with pytest.raises(InvalidOptionError, match=message):
        OneHand.of(settings)


def test_settings_make_the_same_hand_again():
    hand = OneHand(things=2, point=(0.1, 0.0, 0.0), step=0.03)
    assert OneHand.of(hand.settings()) == hand


def test_more_things_than_the_task_has_are_refused(env):
    observation, _ = env.reset(seed=0)
    with pytest.raises(InvalidOptionError, match="things=9"):
        OneHand(things=9).side(observation)
