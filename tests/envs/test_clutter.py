import numpy as np
import pytest
from scipy.spatial import cKDTree

from envs.clutter import FAMILIES, GAP, PREFIX
from envs.dual_arm_env import DualArmEnv
from envs.objects.families import load_family
from envs.objects.instances import SEEN, UNSEEN
from envs.room import TABLE_HALF_SIZE

TASKS = ("block_hammer_beat", "clean_desk", "put_apple_cabinet")
SETTLED = 0.002
"""How far things slide or tip while they settle, m."""


def cluttered(env, seed, options=None):
    return env.reset(seed=seed, options={"variations": {"clutter": options or {"size": [10, 10]}}})


def outline(env, name):
    """A thing's vertices in the world, seen from above."""
    points = np.concatenate([part.mesh.vertices for part in env.simulation.models[name].visuals])
    matrix = env.simulation.pose(name).to_transformation_matrix()
    return points @ matrix[:2, :3].T + matrix[:2, 3]


def clutter(env):
    return [name for name in env.simulation.things if name.startswith(PREFIX)]


def needed(env):
    return list(env.scene_state().poses)


@pytest.fixture(scope="module", params=TASKS)
def env(request):
    return DualArmEnv(request.param)


@pytest.mark.parametrize("seed", [0, 1])
def test_there_is_room_for_a_gripper_around_what_the_task_needs(env, seed):
    cluttered(env, seed)
    assert clutter(env)
    around = {name: cKDTree(outline(env, name)) for name in needed(env)}
    for name in clutter(env):
        points = outline(env, name)
        for other, tree in around.items():
            assert tree.query(points)[0].min() > GAP - SETTLED, (name, other)
        for x, y, radius in env.task.keep_clear:
            assert np.linalg.norm(points - [x, y], axis=1).min() > radius + GAP - SETTLED


@pytest.mark.parametrize("seed", [0, 1])
def test_it_is_on_the_table_and_does_not_overlap(env, seed):
    cluttered(env, seed)
    names = clutter(env)
    for name in names:
        assert (np.abs(outline(env, name)) < np.array(TABLE_HALF_SIZE[:2]) + SETTLED).all()
        lowest = env.simulation.models[name].lowest() + env.simulation.pose(name).p[2]
        assert lowest == pytest.approx(env.simulation.table_height, abs=0.004)
    for index, name in enumerate(names):
        for other in names[index + 1 :]:
            assert cKDTree(outline(env, name)).query(outline(env, other))[0].min() > 0.0


def test_nothing_moves_after_reset(env):
    cluttered(env, 2)
    before = {name: env.simulation.pose(name).p for name in clutter(env)}
    for _ in range(10):
        env.step(env.hold_action())
    for name, place in before.items():
        assert np.abs(env.simulation.pose(name).p - place).max() < SETTLED, name


def test_it_follows_from_the_seed(env):
    one = cluttered(env, 4)[1]["clutter"], env.state_sha256()
    cluttered(env, 5)
    assert (cluttered(env, 4)[1]["clutter"], env.state_sha256()) == one
    assert cluttered(env, 5)[1]["clutter"] != one[0]


def test_more_of_it_adds_to_less(env):
    def placed(level):
        cluttered(env, 3, {"level": level})
        return {name: env.simulation.models[name].name for name in clutter(env)}

    few, many = placed(2), placed(5)
    assert few.items() < many.items()
    assert len(few) <= 4 < len(many) <= 10


def test_it_lies_on_a_table_of_any_height():
    env = DualArmEnv(TASKS[0])
    env.reset(seed=0, options={"variations": {"clutter": 5, "table_height": 5}})
    assert env.simulation.table_height != 0.74
    for name in clutter(env):
        lowest = env.simulation.models[name].lowest() + env.simulation.pose(name).p[2]
        assert lowest == pytest.approx(env.simulation.table_height, abs=0.004)


@pytest.mark.parametrize(("split", "numbers"), [("seen", SEEN), ("unseen", UNSEEN)])
def test_instances_are_of_the_split(split, numbers):
    env = DualArmEnv(TASKS[0])
    for seed in range(2):
        _, info = cluttered(env, seed, {"level": 5, "instances": split})
        drawn = {int(n) for name in info["clutter"] for n in name.split("-")[1:]}
        assert drawn <= set(numbers)


def test_none_is_none():
    env = DualArmEnv(TASKS[0])
    _, info = env.reset(seed=0)
    assert info["clutter"] == []
    twin = env.state_sha256()
    _, info = cluttered(env, 0, {"level": 0})
    assert info["clutter"] == []
    assert env.state_sha256() == twin


@pytest.mark.parametrize("family", FAMILIES)
def test_families_are_low_enough_for_arms_to_pass_above(family):
    for shape in (0, 4, 9, 10, 15, 19):
        model = load_family(family)(shape, 0)
        points = np.concatenate([part.mesh.vertices for part in model.visuals])
        assert np.ptp(points[:, 2]) < (0.145 if family == "shoe" else 0.115)
