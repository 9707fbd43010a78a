import gymnasium
import numpy as np
import pytest

from envs.dual_arm_env import DualArmEnv
from envs.errors import InvalidOptionError
from envs.wrappers import RandomVariations

TASK = "block_handover"
MIXTURE = [{}, {"table_height": 2}, {"table_height": {"size": [0.05, 0.05], "sign": "+"}}]


def drawn(env, seeds):
    return [env.reset(seed=seed)[1]["mixture"] for seed in seeds]


def test_each_part_is_drawn_as_often_as_its_weight_says():
    env = RandomVariations(DualArmEnv(TASK), MIXTURE)
    assert set(drawn(env, range(30))) == {0, 1, 2}
    weighted = RandomVariations(DualArmEnv(TASK), MIXTURE, weights=[3, 0, 1])
    counts = np.bincount(drawn(weighted, range(40)), minlength=3)
    assert counts[1] == 0
    assert 20 < counts[0] < 38


def test_the_drawn_part_is_carried_out():
    env = RandomVariations(DualArmEnv(TASK), MIXTURE)
    for seed in range(10):
        _, info = env.reset(seed=seed)
        assert set(info["variations"]) == set(MIXTURE[info["mixture"]])
        if info["mixture"] == 2:
            assert env.unwrapped.simulation.table_height == pytest.approx(0.79)


def test_the_seed_decides_and_nothing_before_it():
    one, other = (RandomVariations(DualArmEnv(TASK), MIXTURE) for _ in range(2))
    seeds = list(range(12))
    assert drawn(one, seeds) == drawn(other, seeds[::-1])[::-1]


def test_without_a_seed_the_last_one_decides():
    env = RandomVariations(DualArmEnv(TASK), MIXTURE)
    runs = []
    for _ in range(2):
        env.reset(seed=5)
        runs.append([(i["mixture"], i["seed"]) for i in (env.reset()[1] for _ in range(8))])
    assert runs[0] == runs[1]
    assert len({part for part, _ in runs[0]}) > 1


def test_the_layout_is_that_of_the_twin():
    env, twin = RandomVariations(DualArmEnv(TASK), MIXTURE), DualArmEnv(TASK)
    for seed in range(4):
        pose, expected = (each.reset(seed=seed)[0]["object_pose"] for each in (env, twin))
        assert np.allclose(pose[:, :2], expected[:, :2], atol=1e-5)


def test_the_mixture_can_change_between_episodes():
    env = RandomVariations(DualArmEnv(TASK), [{}])
    assert env.reset(seed=0)[1]["variations"] == {}
    env.set_mixture([{"table_height": 1}])
    assert "table_height" in env.reset(seed=0)[1]["variations"]
    with pytest.raises(InvalidOptionError):
        env.set_mixture([{"table_hight": 1}])
    assert "table_height" in env.reset(seed=0)[1]["variations"]


def test_variations_of_reset_itself_come_first():
    env = RandomVariations(DualArmEnv(TASK), [{"table_height": 1}])
    _, info = env.reset(seed=0, options={"variations": {"robot_init": 2}})
    assert set(info["variations"]) == {"robot_init"}
    assert info["mixture"] is None


@pytest.mark.parametrize(
    ("mixture", "weights", "message"),
    [
        ([], None, "list of variations"),
        ({"table_height": 2}, None, "list of variations"),
        ([{"table_hight": 2}], None, "did you mean table_height"),
        ([{"table_height": 7}], None, r"0 \.\. 5"),
        ([{}, {}], [1], "2 numbers"),
        ([{}, {}], [1, -1], "2 numbers"),
        ([{}], [0], "positive sum"),
        ([{}], [float("nan")], "1 numbers"),
    ],
)
def test_bad_mixtures_are_refused_at_once(mixture, weights, message):
    with pytest.raises(InvalidOptionError, match=message):
        RandomVariations(DualArmEnv(TASK), mixture, weights)


def test_vector_environments():
    vector = gymnasium.make_vec(
        "emma_gym/BlockHandover-v0",
        num_envs=2,
        vectorization_mode="sync",
        wrappers=[lambda env: RandomVariations(env, MIXTURE)],
    )
    _, info = vector.reset(seed=[0, 1])
    assert info["mixture"].shape == (2,)
    vector.close()
