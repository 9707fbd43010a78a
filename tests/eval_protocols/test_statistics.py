import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from eval_protocols.statistics import (
    independent_difference,
    independent_p_value,
    mean,
    mean_std,
    retention,
    success_rate,
    sweep_area,
    wilson_interval,
)


def trials(largest):
    """Pairs (successes, trials)."""
    return st.integers(1, largest).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


# Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I, method 3.
@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_matches_published_values(successes, trials, low, high):
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_wilson_interval_matches_the_closed_form():
    z, n, p = 1.959963984540054, 50, 0.7
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    assert wilson_interval(35, 50) == pytest.approx((middle - half, middle + half), abs=1e-12)


@given(trials(5000))
def test_wilson_interval_holds_the_rate_and_stays_in_range(trial):
    successes, trials = trial
    low, high = wilson_interval(successes, trials)
    assert 0.0 <= low <= successes / trials <= high <= 1.0
    assert high > low


@given(trials(5000))
def test_wilson_interval_of_failures_mirrors_that_of_successes(trial):
    successes, trials = trial
    low, high = wilson_interval(successes, trials)
    assert wilson_interval(trials - successes, trials) == pytest.approx((1 - high, 1 - low))


@given(trials(1000), st.floats(0.5, 0.999))
def test_wilson_interval_ends_where_the_score_test_rejects(trial, confidence):
    """Duality: at its ends, the rate is `z` standard errors (of the end) away."""
    successes, trials = trial
    z = norm.ppf(0.5 + confidence / 2)
    for end in wilson_interval(successes, trials, confidence):
        if 1e-6 < end < 1 - 1e-6:
            distance = abs(successes / trials - end) / (end * (1 - end) / trials) ** 0.5
            assert distance == pytest.approx(z, rel=1e-6)


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (3, 2), (-1, 2)])
def test_wilson_interval_refuses_impossible_counts(successes, trials):
    with pytest.raises(ValueError, match=r"trial|k .*n|nonnegative"):
        wilson_interval(successes, trials)


def test_success_rate_counts():
    assert success_rate([True, False, False, True]) | {"low": 0, "high": 0} == {
        "count": 2,
        "rate": 0.5,
        "low": 0,
        "high": 0,
    }


# Newcombe (1998), "Interval estimation for the difference between independent proportions",
# table II, method 10.
@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((10, 10, 0, 10), 0.6075, 1.0000),
    ],
)
def test_an_independent_difference_matches_published_values(counts, low, high):
    difference = independent_difference(*counts)
    assert difference[1:] == pytest.approx((low, high), abs=5e-5)
    assert difference.value == pytest.approx(counts[0] / counts[1] - counts[2] / counts[3])


@given(trials(300), trials(300))
def test_an_independent_difference_is_antisymmetric_and_in_range(one, other):
    value, low, high = independent_difference(*one, *other)
    assert -1 <= low <= value <= high <= 1
    assert independent_difference(*other, *one) == pytest.approx((-value, -high, -low))


@pytest.mark.parametrize("counts", [(0, 0, 1, 1), (1, 1, 2, 1), (-1, 1, 0, 1)])
def test_an_independent_difference_refuses_impossible_counts(counts):
    with pytest.raises(ValueError, match=r"trial|k .*n|nonnegative"):
        independent_difference(*counts)


@given(trials(200), trials(200))
def test_a_p_value_is_a_probability_whatever_the_order(one, other):
    p_value = independent_p_value(*one, *other)
    assert 0 < p_value <= 1
    assert independent_p_value(*other, *one) == pytest.approx(p_value)


def test_the_lady_tasting_tea():
    """Fisher (1935): of 4 and 4 cups, 3 and 1 are no evidence; all right is 1 in 35, two-sided."""
    assert independent_p_value(3, 4, 1, 4) == pytest.approx(34 / 70)
    assert independent_p_value(4, 4, 0, 4) == pytest.approx(2 / 70)


def test_mean_does_not_depend_on_the_order():
    values = [1e16, 1.0, -1e16, 1.0]
    assert mean(values) == mean(sorted(values)) == 0.5
    assert mean([]) is None


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_mean_std_over_training_seeds_is_that_of_a_sample(values):
    found = mean_std(values)
    assert found.mean == pytest.approx(np.mean(values))
    assert found.std == pytest.approx(np.std(values, ddof=1), abs=1e-9)
    assert found.runs == len(values)


def test_one_training_seed_has_no_deviation():
    assert mean_std([0.25]) == (0.25, None, 1)
    with pytest.raises(ValueError, match="at least one"):
        mean_std([])


def test_retention():
    assert retention(0.2, 0.8) == 0.25
    assert retention(0.9, 0.6) == pytest.approx(1.5)
    assert retention(0.5, 0.0) is None


def test_sweep_area_is_the_mean_along_the_axis():
    assert sweep_area({0: 1.0, 5: 0.0}) == 0.5
    assert sweep_area({2: 0.0, 0: 1.0, 1: 0.5, 4: 0.0}) == pytest.approx(0.25)
    assert sweep_area(dict.fromkeys(range(6), 1.0)) == 1.0


@given(st.lists(st.floats(0, 1), min_size=2, max_size=6))
def test_sweep_area_lies_between_the_rates(rates):
    area = sweep_area(dict(enumerate(rates)))
    assert min(rates) - 1e-12 <= area <= max(rates) + 1e-12


@pytest.mark.parametrize("rates", [{}, {0: 1.0}, {1: 1.0, 2: 0.5}])
def test_a_sweep_needs_its_unperturbed_end(rates):
    with pytest.raises(ValueError, match="level 0"):
        sweep_area(rates)
