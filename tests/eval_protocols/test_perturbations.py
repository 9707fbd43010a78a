import pytest
from example_result import condition, episodes_of, example_result, sweep_result

from eval_protocols.perturbations import Perturbations


def test_a_result_without_twins_has_nothing():
    found = Perturbations(example_result())
    assert (found.clean, found.perturbed, found.factors) == ((), (), ())


def test_one_condition_is_what_the_summary_says():
    result = sweep_result()
    found = Perturbations(result)
    for entry in result["summary"]["twins"]:
        paired = found.paired([entry["condition"]], entry["task"])
        assert (paired.pairs, paired.rate) == (entry["pairs"], entry["rate"])
        assert paired.twin_rate == entry["twin_rate"]
        assert paired.retention == entry["retention"]
        assert paired.p_value == pytest.approx(entry["p_value"])
        if entry["task"] is None:
            assert found.difference([entry["condition"]])._asdict() == entry["difference"]


def test_a_factor_pools_its_levels():
    found = Perturbations(sweep_result())
    azimuth, roll = found.factors
    assert azimuth.names == tuple(f"camera_azimuth_{level}" for level in range(1, 6))
    paired = found.paired(azimuth.names)
    assert (paired.pairs, paired.rate, paired.twin_rate) == (100, 0.5, 0.8)
    value, low, high = found.difference(azimuth.names)
    assert value == pytest.approx(-0.3)
    assert -0.5 < low < -0.3 < high < -0.1
    assert found.difference(roll.names) == (0, 0, 0)
    # Five seeds of a task lose something, however many levels show it.
    assert found.paired(azimuth.names, "block_hammer_beat").p_value == pytest.approx(2 / 2**5)


def test_a_sweep_begins_with_the_twin():
    found = Perturbations(sweep_result())
    azimuth, roll = found.factors
    assert {level: rate["rate"] for level, rate in found.sweep(azimuth).items()} == pytest.approx(
        {0: 0.8, 1: 0.7, 2: 0.6, 3: 0.5, 4: 0.4, 5: 0.3}
    )
    assert found.sweep(azimuth, "block_handover")[0]["episodes"] == 10
    assert found.area(azimuth) == pytest.approx(0.55)
    assert found.area(roll) == pytest.approx(0.8)


def test_a_factor_without_levels_is_no_sweep():
    conditions = [condition("seen"), condition("unseen", "seen", factor="shape")]
    episodes = [*episodes_of("t", "seen", [True]), *episodes_of("t", "unseen", [False])]
    found = Perturbations(example_result(episodes, conditions=conditions))
    (shape,) = found.factors
    assert not shape.is_sweep
    assert found.area(shape) is None


def test_episodes_without_a_twin_do_not_count():
    conditions = [condition("seen"), condition("unseen", "seen", factor="shape")]
    episodes = [
        *episodes_of("t", "seen", [True, False], first_seed=1),
        *episodes_of("t", "unseen", [True, True], first_seed=2),
        *episodes_of("u", "seen", [True], first_seed=1),
        *episodes_of("u", "unseen", [True], first_seed=2),
    ]
    found = Perturbations(example_result(episodes, conditions=conditions))
    paired = found.paired(["unseen"])
    assert (paired.pairs, paired.rate, paired.twin_rate) == (1, 1.0, 0.0)
    assert paired.retention is None
    assert found.paired(["unseen"], "u") is None
