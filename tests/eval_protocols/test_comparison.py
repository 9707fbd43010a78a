import random

import numpy as np
import pytest
from example_result import (
    SHA256,
    TASKS,
    condition,
    episodes_of,
    example_result,
    failed,
    sweep_conditions,
    sweep_result,
)

from eval_protocols.comparison import compare, side_names
from eval_protocols.comparison.checks import NotComparableError, Run
from eval_protocols.paired_statistics import PairCounts, mcnemar_p_value, paired_difference
from eval_protocols.statistics import independent_difference, independent_p_value, sweep_area


def one_condition(counts, episodes=50, first_seed=0, seed=0, **changes):
    """A result with this many successes in each task; the first ones, which are easy."""
    records = [
        record
        for task, count in zip("abcdefgh", counts, strict=False)
        for record in episodes_of(
            task, "nominal", [index < count for index in range(episodes)], first_seed
        )
    ]
    policy = {"weights_sha256": None} | changes.pop("policy", {})
    training = {"seed": seed} | changes.pop("training", {})
    return example_result(records, policy=policy, training=training, **changes)


def runs(*results):
    return [Run(f"{index}.json", result) for index, result in enumerate(results)]


def compared(first, second, **options):
    sides = [runs(*(each if isinstance(each, list) else [each])) for each in (first, second)]
    return compare(*sides, **options)


def test_the_same_seeds_are_compared_in_pairs():
    comparison = compared(one_condition([20, 30]), one_condition([30, 35]))
    counts = PairCounts(both=50, first=15, second=0, neither=35)  # of the second side
    overall = comparison.overall
    assert comparison.paired
    assert (comparison.pairs, comparison.largest) == (100, 100)
    assert (overall.first.mean, overall.second.mean) == (0.5, 0.65)
    assert overall.difference == paired_difference(counts)
    assert overall.p_value == overall.adjusted_p_value == mcnemar_p_value(counts)
    assert overall.better == "second"


def test_other_seeds_are_compared_as_independent_rates():
    comparison = compared(one_condition([20, 30]), one_condition([30, 40], first_seed=1000))
    assert not comparison.paired
    assert comparison.pairs == 0
    counts = (70, 100, 50, 100)
    assert comparison.overall.difference == independent_difference(*counts)
    assert comparison.overall.p_value == independent_p_value(*counts)


def test_seeds_that_one_side_lacks_are_left_out():
    comparison = compared(one_condition([20]), one_condition([10], episodes=30))
    assert comparison.paired
    assert (comparison.pairs, comparison.largest) == (30, 50)
    assert comparison.overall.difference.value == pytest.approx((10 - 20) / 30)


def test_a_few_common_seeds_do_not_throw_away_the_others():
    comparison = compared(one_condition([20]), one_condition([20], first_seed=40))
    assert comparison.pairs == 10
    assert not comparison.paired
    assert comparison.overall.second.mean == 0.4


def test_sides_mirror_each_other():
    one, other = one_condition([20, 30]), one_condition([45, 31])
    there, back = compared(one, other), compared(other, one)
    assert there.overall.difference.value == -back.overall.difference.value
    assert (there.overall.better, back.overall.better) == ("second", "first")
    assert [each.better for each in there.by_task] == ["second", None]
    assert [each.better for each in back.by_task] == ["first", None]


def test_a_policy_does_not_differ_from_itself():
    comparison = compared(one_condition([20, 30]), one_condition([20, 30]))
    assert comparison.overall.better is None
    assert comparison.overall.p_value == 1
    low, high = comparison.overall.difference[1:]
    assert low < 0 < high


def test_tasks_are_corrected_by_holm():
    comparison = compared(one_condition([20, 20, 20]), one_condition([26, 40, 20]))
    raw = [each.p_value for each in comparison.by_task]
    assert raw == [mcnemar_p_value(PairCounts(20, n, 0, 30 - n)) for n in (6, 20, 0)]
    assert raw[0] < 0.05
    adjusted = [each.adjusted_p_value for each in comparison.by_task]
    assert adjusted == pytest.approx([2 * raw[0], 3 * raw[1], 1])
    assert [each.better for each in comparison.by_task] == [None, "second", None]


def test_one_task_and_condition_have_no_tables():
    comparison = compared(one_condition([20]), one_condition([40]))
    assert comparison.by_task == comparison.by_condition == comparison.by_factor == ()
    assert comparison.over_tasks is None


def test_the_choice_of_tasks_widens_the_interval():
    comparison = compared(one_condition([10, 25, 25]), one_condition([40, 25, 25]))
    assert comparison.overall.better == "second"
    assert comparison.over_tasks.value == pytest.approx(0.2)
    assert comparison.over_tasks.low <= 0  # one task in three shows it


def test_more_confidence_asks_for_more():
    one, other = one_condition([20]), one_condition([26])
    assert compared(one, other, confidence=0.95).overall.better == "second"
    assert compared(one, other, confidence=0.99).overall.better is None


@pytest.mark.parametrize(
    ("counts", "goal", "held", "reached"),
    [
        ((10, 40), 2.0, True, True),  # four times as often
        ((10, 22), 2.0, False, True),
        ((10, 20), 2.0, False, True),  # just so
        ((10, 19), 2.0, False, False),
        ((40, 10), 0.1, True, True),
        ((0, 30), 2.0, True, True),
        ((0, 0), 2.0, False, False),
    ],
)
def test_a_claimed_gain_holds_if_its_whole_interval_is_beyond_it(counts, goal, held, reached):
    gain = compared(*(one_condition([count]) for count in counts), goal=goal).gain
    first, second = (count / 50 for count in counts)
    assert gain.ratio == (None if not first else pytest.approx(second / first))
    assert gain.excess.value == pytest.approx(second - goal * first)
    assert (gain.held, gain.reached) == (held, reached)


def test_without_a_claim_there_is_no_gain():
    assert compared(one_condition([10]), one_condition([20])).gain is None


def test_training_runs_make_a_claimed_gain_less_certain():
    first = [one_condition([10 + 3 * n], seed=n) for n in range(3)]
    second = [one_condition([30 + 3 * n], seed=n) for n in range(3)]
    alone = compared(first[1], second[1], goal=2).gain
    gain = compared(first, second, goal=2).gain
    assert gain.excess.value == pytest.approx(alone.excess.value)
    assert gain.excess.low < alone.excess.low


def test_a_sweep_is_compared_by_factor():
    comparison = compared(
        sweep_result(seeds=20, clean=16, drop=(2, 0)), sweep_result(seeds=20, clean=18, drop=(1, 1))
    )
    assert comparison.conditions == tuple(each["name"] for each in sweep_conditions()[1:])
    assert [each.label for each in comparison.by_condition] == [
        each["name"] for each in sweep_conditions()
    ]
    azimuth, roll = comparison.by_factor
    assert azimuth.contrast.label == "camera_azimuth"
    assert azimuth.contrast.better == "second"
    assert azimuth.first.rate == pytest.approx(np.mean([14, 12, 10, 8, 6]) / 20)
    assert azimuth.first.clean_rate == pytest.approx(0.8)
    assert azimuth.first.drop == pytest.approx(0.3)
    assert azimuth.first.retention == pytest.approx(0.5 / 0.8)
    rates = {level: (16 - 2 * level) / 20 for level in range(6)}
    assert azimuth.first.area == pytest.approx(sweep_area(rates))
    assert roll.first.drop == pytest.approx(0)
    assert roll.second.retention == pytest.approx(0.75 / 0.9)


def test_a_factor_without_levels_has_no_area():
    conditions = [condition("seen"), condition("unseen", "seen", factor="objects")]
    records = [
        *episodes_of("a", "seen", [True] * 10),
        *episodes_of("a", "unseen", [True] * 5 + [False] * 5),
    ]
    result = example_result(records, conditions=conditions)
    (factor,) = compared(result, result).by_factor
    assert factor.first.area is None
    assert factor.first.retention == 0.5


def test_conditions_of_a_seed_are_no_independent_evidence():
    """Two seeds under ten conditions are two seeds: p is at best 2 / 2^2."""
    comparison = compared(
        sweep_result(seeds=1, clean=0, drop=(0, 0)), sweep_result(seeds=1, clean=1, drop=(0, 0))
    )
    assert comparison.overall.difference.value == 1
    assert comparison.overall.p_value == pytest.approx(0.5)
    assert comparison.overall.better is None


def test_training_runs_are_averaged_and_widen_the_interval():
    first = [one_condition([10 + 4 * n, 12 + 4 * n], seed=n) for n in range(5)]
    second = [one_condition([20 + 4 * n, 22 + 4 * n], seed=n) for n in range(5)]
    comparison = compared(first, second)
    overall = comparison.overall
    assert overall.first.mean == pytest.approx(19 / 50)
    assert overall.first.std == pytest.approx(np.std([11, 15, 19, 23, 27], ddof=1) / 50)
    assert overall.first.runs == 5
    assert overall.difference.value == pytest.approx(0.2)
    alone = compared(first[2], second[2]).overall
    assert alone.difference.value == pytest.approx(0.2)
    assert overall.difference.low < alone.difference.low


def test_a_bootstrap_of_hardly_any_episode_is_not_certain():
    first = [one_condition([0], episodes=1, seed=n) for n in range(5)]
    second = [one_condition([1], episodes=1, seed=n) for n in range(5)]
    overall = compared(first, second).overall
    assert overall.difference.value == 1
    assert overall.p_value == 1
    assert overall.better is None


def test_an_error_is_a_failure_and_said():
    broken = one_condition([20])
    records = [
        failed("a", record["seed"], error="it broke") if record["seed"] < 10 else record
        for record in broken["episodes"]
    ]
    broken = example_result(records, policy={"weights_sha256": None})
    comparison = compared(one_condition([20]), broken)
    assert comparison.overall.second.mean == 0.2
    assert any("10 of 50 episodes of B ended in an error" in line for line in comparison.warnings)


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"training": {"name": "few_shot"}}, "A was trained on in_domain, B on few_shot"),
        ({"policy": {"privileged": True}}, "B (dp3) reads the simulator"),
        ({"seeds": {"validated": False, "start": 0, "lists": {}}}, "validated seeds"),
    ],
)
def test_what_a_reader_must_know_is_said(changes, warning):
    (line,) = compared(one_condition([20]), one_condition([20], **changes)).warnings
    assert warning in line


def test_other_training_data_is_told_apart_by_its_description():
    training = {"name": "other", "description": "mine"}
    one = one_condition([20], training=training)
    other = one_condition([20], training=training | {"description": "yours"})
    assert compared(one, one).warnings == ()
    assert "described differently" in compared(one, other).warnings[0]


def test_other_physics_is_said():
    changed = one_condition([20])
    changed["versions"] = changed["versions"] | {"physics_sha256": SHA256[::-1]}
    assert "physics_sha256 differs" in compared(one_condition([20]), changed).warnings[0]


def test_tasks_that_one_side_lacks_are_left_out_and_said():
    comparison = compared(one_condition([20, 30]), one_condition([30]))
    assert comparison.tasks == ("a",)
    assert comparison.overall.first.mean == 0.4
    assert any("lacks it: b" in line for line in comparison.warnings)


def few_runs(count):
    return [one_condition([20], seed=seed) for seed in range(count)]


def drawn_by(sampler, seed=0, **changes):
    """A result whose training drew its samples by a sampler; Re-Mix compares with a reference."""
    sampling = {"sampler": sampler, "reference_sha256": f"{seed}"}
    return one_condition([1], seed=seed, training={"sampling": sampling}, **changes)


def test_runs_of_one_way_to_draw_samples_are_one_side():
    comparison = compared([drawn_by("remix", seed) for seed in range(3)], few_runs(3))
    assert comparison.overall.first.runs == 3


def test_sides_of_one_name_are_called_by_what_differs():
    one, other = runs(drawn_by("uniform"), drawn_by("adamix"))
    assert side_names([one], [other]) == (
        'dp3, sampling.sampler="uniform"',
        'dp3, sampling.sampler="adamix"',
    )
    (few_shot,) = runs(one_condition([1], training={"name": "few_shot"}))
    (nominal,) = runs(one_condition([1]))
    assert side_names([nominal], [few_shot]) == (
        'dp3, trained_on="in_domain"',
        'dp3, trained_on="few_shot"',
    )
    (sem,) = runs(drawn_by("uniform", policy={"name": "sem"}))
    assert side_names([one], [sem]) == ("dp3", "sem")
    assert side_names([one], [one]) == ("dp3", "dp3")


def test_few_training_runs_are_said():
    lines = compared(few_runs(2), few_runs(1)).warnings
    assert any("A has 2 training runs" in line for line in lines)
    assert any("B has one training run" in line for line in lines)
    assert compared(few_runs(3), few_runs(3)).warnings == ()


@pytest.mark.parametrize(
    ("first", "second", "complaint"),
    [
        (
            [one_condition([1])],
            [one_condition([1], protocol={"name": "lighting"})],
            "different protocols: in_domain v1 in 0.json, lighting v1 in 0.json",
        ),
        (
            [one_condition([1])],
            [one_condition([1], protocol={"version": 2})],
            "different versions of the protocol: in_domain v1 in .*, in_domain v2",
        ),
        (
            [one_condition([1])],
            [one_condition([1], protocol={"sha256": SHA256[::-1]})],
            "different specifications of in_domain v1",
        ),
        (
            [one_condition([1])],
            [example_result(episodes_of("z", "nominal", [True]))],
            "no task is in all of",
        ),
        (
            [one_condition([1], seed=0), one_condition([1], seed=1, policy={"name": "sem"})],
            [one_condition([1])],
            "0.json and 1.json are of dp3 and sem",
        ),
        (
            [one_condition([1], seed=0), one_condition([1], seed=1, training={"name": "other"})],
            [one_condition([1])],
            "trained on different data",
        ),
        (
            [drawn_by(sampler, seed) for seed, sampler in enumerate(("uniform", "adamix"))],
            few_runs(1),
            r'0.json and 1.json drew samples in different ways \(sampler="uniform"; sampler="ada',
        ),
        (
            [drawn_by("uniform", 0), one_condition([1], seed=1)],
            few_runs(1),
            r"drew samples in different ways \(sampler=\"uniform\"; null\)",
        ),
        (few_runs(1) * 2, few_runs(1), "0.json and 1.json have the training seed 0 both"),
        ([one_condition([1], seed=None)] * 2, few_runs(1), "have no training seed both"),
        (
            [one_condition([1], seed=seed, policy={"weights_sha256": SHA256}) for seed in range(2)],
            few_runs(1),
            "of the same weights",
        ),
    ],
)
def test_what_may_not_be_compared_is_refused_in_one_line(first, second, complaint):
    with pytest.raises(NotComparableError, match=complaint) as refusal:
        compared(first, second)
    assert "\n" not in str(refusal.value)


def test_disjoint_seeds_under_the_conditions_are_refused():
    conditions = [condition("clean"), condition("x", "clean"), condition("y", "clean")]
    records = [
        record
        for index, each in enumerate(conditions)
        for record in episodes_of("a", each["name"], [True], first_seed=100 * index)
    ]
    result = example_result(records, conditions=conditions)
    with pytest.raises(NotComparableError, match="no seed was run under all conditions"):
        compared(result, result)


def test_equal_policies_are_rarely_told_apart():
    """At 95% confidence a difference that is none is shown in at most 1 of 20 comparisons."""
    rng = random.Random(0)
    shown = 0
    for _ in range(100):
        sides = []
        difficulty = [rng.random() for _ in range(40)]
        for _ in range(2):
            outcomes = [rng.random() > hard for hard in difficulty]
            sides.append(example_result(episodes_of(TASKS[0], "nominal", outcomes)))
        shown += compared(*sides).overall.better is not None
    assert shown <= 10
