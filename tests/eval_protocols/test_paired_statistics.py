import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import permutation_test
from statsmodels.stats.contingency_tables import mcnemar

from eval_protocols.paired_statistics import (
    PairCounts,
    mcnemar_p_value,
    paired_difference,
    sign_flip_p_value,
)
from eval_protocols.statistics import independent_difference

counts_of_pairs = st.builds(PairCounts, *[st.integers(0, 60)] * 4).filter(lambda c: c.pairs > 0)


def test_pairs_are_counted():
    outcomes = [(True, True), (True, False), (True, False), (False, True), (False, False)]
    counts = PairCounts.of(outcomes)
    assert counts == PairCounts(both=1, first=2, second=1, neither=1)
    assert (counts.pairs, counts.first_successes, counts.second_successes) == (5, 3, 2)
    assert counts + counts == PairCounts.of(outcomes * 2)


def test_a_paired_difference_matches_a_published_value():
    """Fagerland, Lydersen, Laake, "Statistical analysis of contingency tables", section 8."""
    counts = PairCounts(both=59, first=6, second=16, neither=80)  # Cavo et al. (2012)
    expected = (-0.0621, -0.1186, -0.0046)
    assert paired_difference(counts) == pytest.approx(expected, abs=5e-5)


def test_without_correlation_a_paired_difference_is_an_independent_one():
    counts = PairCounts(both=20, first=20, second=30, neither=30)  # 20 * 30 = 20 * 30
    expected = independent_difference(40, 100, 50, 100)
    assert paired_difference(counts) == pytest.approx(expected)


@given(counts_of_pairs, st.floats(0.5, 0.999))
def test_a_paired_difference_is_antisymmetric_and_in_range(counts, confidence):
    value, low, high = paired_difference(counts, confidence)
    assert -1 <= low <= value <= high <= 1
    swapped = PairCounts(counts.both, counts.second, counts.first, counts.neither)
    assert paired_difference(swapped, confidence) == pytest.approx((-value, -high, -low))
    failures = PairCounts(counts.neither, counts.second, counts.first, counts.both)
    assert paired_difference(failures, confidence) == pytest.approx((-value, -high, -low))


@given(counts_of_pairs)
def test_a_paired_difference_narrows_with_more_pairs(counts):
    def width(estimate):
        return estimate.high - estimate.low

    more = PairCounts(*(4 * count for count in counts))
    assert width(paired_difference(more)) < width(paired_difference(counts))


def test_agreement_makes_a_paired_difference_sharper():
    alike = paired_difference(PairCounts(both=45, first=5, second=0, neither=50))
    unlike = paired_difference(PairCounts(both=25, first=25, second=20, neither=30))
    assert alike.value == unlike.value == pytest.approx(0.05)
    assert alike.high - alike.low < 0.6 * (unlike.high - unlike.low)


def test_no_pairs_have_no_difference():
    with pytest.raises(ValueError, match="at least one"):
        paired_difference(PairCounts(0, 0, 0, 0))


def test_mcnemar_matches_a_published_value():
    """Armitage and Berry (1994), p. 127: two media for the tubercle bacillus; P = 0.0129."""
    assert mcnemar_p_value(PairCounts(20, 12, 2, 16)) == pytest.approx(0.0129, abs=5e-5)


@given(counts_of_pairs)
def test_mcnemar_matches_statsmodels(counts):
    p_value = mcnemar_p_value(counts)
    table = [[counts.both, counts.first], [counts.second, counts.neither]]
    assume(counts.first + counts.second)
    assert p_value == pytest.approx(mcnemar(table, exact=True).pvalue)
    assert 0 < p_value <= 1
    swapped = PairCounts(counts.both, counts.second, counts.first, counts.neither)
    assert mcnemar_p_value(swapped) == p_value


def test_mcnemar_without_a_difference_shows_none():
    assert mcnemar_p_value(PairCounts(5, 0, 0, 5)) == 1.0


@given(counts_of_pairs)
def test_sign_flips_of_single_outcomes_are_mcnemar(counts):
    differences = [1] * counts.first + [-1] * counts.second + [0] * counts.both
    assert sign_flip_p_value(differences) == pytest.approx(mcnemar_p_value(counts), rel=1e-6)


@given(st.lists(st.integers(-6, 6), min_size=2, max_size=10))
def test_sign_flips_match_scipy(differences):
    values = np.array(differences)
    expected = permutation_test(
        (values, np.zeros_like(values)),
        lambda one, other, axis: np.sum(one - other, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
    )
    assert sign_flip_p_value(values) == pytest.approx(expected.pvalue)


def test_sign_flips_without_any_difference():
    assert sign_flip_p_value([]) == 1.0
    assert sign_flip_p_value([0, 0]) == 1.0


def test_sign_flips_of_many_seeds_and_conditions_are_quick():
    rng = np.random.default_rng(0)
    assert 0 <= sign_flip_p_value(rng.integers(-25, 26, 5000)) <= 1
