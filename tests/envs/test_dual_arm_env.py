import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import envs
from envs.dual_arm_env import DualArmEnv
from envs.errors import InvalidActionError, InvalidOptionError
from envs.tasks import STEP_LIMITS, UnknownTaskError

TASK = "block_hammer_beat"


@pytest.fixture(scope="module")
def env():
    env = DualArmEnv(TASK)
    env.reset(seed=0)
    yield env
    env.close()


@pytest.mark.parametrize(
    ("task", "obs_mode"),
    [(task, mode) for task in envs.task_names() for mode in ("state", "rgbd")]
    + [(TASK, "rgb"), (TASK, "pointcloud")],
)
def test_strict_check_env_passes(task, obs_mode, request):
    if obs_mode != "state":
        request.getfixturevalue("renderer")
    render_mode = None if obs_mode == "state" else "rgb_array"
    env = gymnasium.make(
        envs.env_id(task), obs_mode=obs_mode, render_mode=render_mode, resolution=(64, 48)
    )
    assert not env.spec.nondeterministic
    with warnings.catch_warnings():
        # Boxes of true joint limits and of unbounded measurements are meant.
        warnings.filterwarnings("ignore", message=".*(symmetric and normalized|infinity).*")
        check_env(env.unwrapped, skip_render_check=obs_mode == "state")


@pytest.mark.parametrize("task", envs.task_names())
def test_ids_carry_the_tasks_step_limit(task):
    assert gymnasium.spec(envs.env_id(task)).max_episode_steps == STEP_LIMITS[task]


def test_observation_has_what_the_docs_say(renderer):
    env = DualArmEnv(
        TASK, obs_mode="rgbd", cameras=("head_camera", "left_camera"), resolution=(64, 48)
    )
    observation, info = env.reset(seed=3)
    assert env.observation_space.contains(observation)
    assert list(observation["cameras"]) == ["head_camera", "left_camera"]
    head = observation["cameras"]["head_camera"]
    assert head["rgb"].shape == (48, 64, 3)
    assert head["depth"].shape == (48, 64)
    assert head["depth"].dtype == np.float32
    assert 0.1 < head["depth"].min() < head["depth"].max() < 5
    assert head["intrinsic_cv"][0, 2] == 32
    assert observation["endpose"].shape == (2, 7)
    assert np.allclose(np.linalg.norm(observation["endpose"][:, 3:], axis=1), 1, atol=1e-5)
    assert observation["instruction"] == info["instruction"] in env.task.instructions
    assert info["success"] is info["is_success"] is info["success_once"] is False


def test_control_rate_is_that_of_robotwins_recordings():
    assert DualArmEnv.control_hz == pytest.approx(16.667, abs=1e-3)


def test_hold_action_keeps_the_joints(env):
    env.reset(seed=1)
    before = env.simulation.robot.joint_position
    for _ in range(10):
        env.step(env.hold_action())
    assert np.allclose(env.simulation.robot.joint_position, before, atol=2e-3)


def test_instruction_does_not_change_the_layout_and_seeds_do(env):
    poses = [env.reset(seed=seed)[0]["object_pose"] for seed in (5, 6, 5)]
    assert np.array_equal(poses[0], poses[2])
    assert not np.array_equal(poses[0], poses[1])


def test_reset_without_a_seed_goes_on_from_the_last_one(env):
    def three():
        env.reset(seed=11)
        return [env.reset()[1]["seed"] for _ in range(3)]

    first = three()
    assert first == three()
    assert len(set(first)) == 3


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (np.zeros(13), "shape"),
        (np.full(14, np.nan), "nan"),
        (np.full(14, 9.0), "outside"),
        (np.zeros((1, 14)), "shape"),
    ],
)
def test_bad_actions_are_named_and_change_nothing(env, action, message):
    env.reset(seed=0)
    before = env.state_sha256()
    with pytest.raises(InvalidActionError, match=message):
        env.step(action)
    assert env.state_sha256() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"obs_mode": "rbgd"}, "did you mean rgbd"),
        ({"cameras": ("head",), "obs_mode": "rgb"}, "head_camera"),
        ({"cameras": (), "obs_mode": "rgb"}, "at least one camera"),
        ({"camera_model": "D455"}, "D435"),
        ({"action_mode": "pose"}, "joint, ee"),
        ({"resolution": (2, 2), "obs_mode": "rgb"}, "16 .. 4096"),
        ({"variations": {"camera_azimut": 3}}, "did you mean camera_azimuth"),
        ({"variations": {"clutter": 9}}, "0 .. 5"),
        ({"variations": ["clutter"]}, "a mapping of names"),
    ],
)
def test_bad_options_are_named_with_valid_ones(options, message):
    with pytest.raises(InvalidOptionError, match=message):
        DualArmEnv(TASK, **options)


@pytest.mark.parametrize("options", [{"variation": {}}, {"seed": 1, "variations": {}}])
def test_unknown_options_of_reset_are_refused(env, options):
    with pytest.raises(InvalidOptionError, match="valid: variations"):
        env.reset(seed=0, options=options)


def test_variations_of_one_episode_are_forgotten_with_the_next(env):
    poses = [env.reset(seed=5)[0]["object_pose"]]
    _, info = env.reset(seed=5, options={"variations": {"table_height": 4}})
    assert set(info["variations"]) == {"table_height"}
    observation, info = env.reset(seed=5)
    assert info["variations"] == {}
    assert info["clutter"] == []
    assert np.array_equal(observation["object_pose"], poses[0])


def test_variations_change_no_space(renderer):
    plain = DualArmEnv(TASK, obs_mode="rgbd", resolution=(64, 48))
    options = {
        "clutter": 5,
        "camera_model": {"model": "L515"},
        "sensor_resolution": 5,
        "language": 5,
    }
    varied = DualArmEnv(TASK, obs_mode="rgbd", resolution=(64, 48), variations=options)
    assert varied.observation_space == plain.observation_space
    observation, _ = varied.reset(seed=0)
    assert plain.observation_space.contains(observation)


def test_unknown_task_names_the_nearest():
    with pytest.raises(UnknownTaskError, match="block_handover"):
        envs.make_env("block_hand_over")


def test_step_before_reset_is_refused():
    with pytest.raises(gymnasium.error.ResetNeeded):
        DualArmEnv(TASK).step(np.zeros(14))


def test_human_mode_needs_a_display(monkeypatch):
    monkeypatch.setattr("envs.dual_arm_env._HAS_DISPLAY", False)
    with pytest.raises(InvalidOptionError, match="display"):
        DualArmEnv(TASK, render_mode="human")


def test_pictures_are_taken_only_when_due(renderer, monkeypatch):
    env = DualArmEnv(TASK, obs_mode="rgb", cameras=("head_camera",), resolution=(32, 32))
    env.reset(seed=0)
    action = env.hold_action()
    action[1] = 1.0
    taken = []
    take = env.simulation.take_pictures
    monkeypatch.setattr(
        env.simulation, "take_pictures", lambda *given: taken.append(1) or take(*given)
    )
    env.render_next = False
    env.step(action)
    assert not taken
    env.render_next = True
    env.step(action)
    assert len(taken) == 1


def test_end_effector_actions_go_where_they_say():
    env = DualArmEnv(TASK, action_mode="ee")
    env.reset(seed=0)
    action = env.hold_action().astype(np.float64)
    action[2] += 0.05
    action[8] -= 0.05
    for _ in range(12):
        *_, info = env.step(action)
    assert info["unreachable"] == {"left": False, "right": False}
    reached = env.simulation.robot.endpose
    assert np.allclose(reached[0, :3], action[:3], atol=3e-3)
    assert np.allclose(reached[1, :3], action[8:11], atol=3e-3)


def test_unreachable_poses_are_reported_and_leave_the_arm():
    env = DualArmEnv(TASK, action_mode="ee")
    env.reset(seed=0)
    action = env.hold_action()
    before = env.simulation.robot.joint_target
    action[:3] = [1.0, 1.0, 1.8]
    *_, info = env.step(action)
    assert info["unreachable"] == {"left": True, "right": False}
    assert np.allclose(env.simulation.robot.joint_target[:7], before[:7], atol=1e-6)
    action[3:7] = 0
    with pytest.raises(InvalidActionError, match="quaternion"):
        env.step(action)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_vector_environments(mode, renderer):
    kwargs = {"context": "spawn"} if mode == "async" else {}
    vector = gymnasium.make_vec(
        envs.env_id("block_handover"),
        num_envs=2,
        vectorization_mode=mode,
        vector_kwargs=kwargs,
        obs_mode="rgb",
        cameras=("head_camera",),
        resolution=(32, 24),
    )
    observation, info = vector.reset(seed=[0, 1])
    assert observation["cameras"]["head_camera"]["rgb"].shape == (2, 24, 32, 3)
    assert list(observation["instruction"]) == list(info["instruction"])
    targets = observation["joint_target"].copy()
    observation, reward, *_ = vector.step(targets)
    assert reward.shape == (2,)
    assert list(observation["instruction"]) == list(info["instruction"])
    vector.close()
