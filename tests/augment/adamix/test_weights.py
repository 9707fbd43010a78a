import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from augment.adamix.errors import ReweightingError
from augment.adamix.probabilities import effective_share, max_min_ratio, probabilities, relative
from augment.adamix.weight_rules import WEIGHT_RULES

rules = pytest.mark.parametrize("rule", WEIGHT_RULES.values(), ids=WEIGHT_RULES)
difficulties = arrays(np.float64, st.integers(1, 30), elements=st.floats(0, 1))
positive = arrays(np.float64, st.integers(1, 40), elements=st.floats(1e-12, 1e12))
floors = st.floats(0, 1)


def drawn(weights, floor=0.0, max_ratio=None, base=None, kinds=None):
    """Probabilities; by default all units are of one kind, and as likely with equal weights."""
    number = len(weights)
    base = np.full(number, 1 / number) if base is None else base
    kinds = np.zeros(number) if kinds is None else kinds
    return probabilities(weights, floor, max_ratio, base, kinds)


def even(found):
    """What effective_share and max_min_ratio compare with where all are as likely."""
    return np.full(len(found), 1 / len(found))


@rules
@settings(max_examples=40, deadline=None)
@given(difficulties, st.floats(0.1, 5), st.one_of(st.none(), st.floats(1, 100)), floors)
def test_strength_1_is_exactly_uniform(rule, difficulty, gamma, max_ratio, floor):
    weights = rule(difficulty, 1.0, gamma)
    assert (weights == 1.0).all()
    found = drawn(weights, floor, max_ratio)
    assert (found == found[0]).all()
    assert found.sum() == pytest.approx(1.0)


@rules
@settings(max_examples=40, deadline=None)
@given(difficulties, st.floats(1, 100), st.floats(0.1, 5))
def test_weights_rise_from_1_to_strength(rule, difficulty, strength, gamma):
    ends = rule(np.array([0.0, 1.0]), strength, gamma)
    np.testing.assert_allclose(ends, [1.0, strength])
    weights = rule(np.sort(difficulty), strength, gamma)
    assert (np.diff(weights) >= -1e-9 * strength).all()
    assert weights.min() >= 1.0 - 1e-9
    assert weights.max() <= strength * (1 + 1e-9)


def test_the_rules_are_those_that_are_written_down():
    half = np.array([0.5])
    assert WEIGHT_RULES["linear"](half, 10.0, 1.0) == pytest.approx(5.5)
    assert WEIGHT_RULES["linear"](half, 10.0, 2.0) == pytest.approx(1 + 9 / 4)
    assert WEIGHT_RULES["exponential"](half, 10.0, 1.0) == pytest.approx(10**0.5)
    assert WEIGHT_RULES["inverse"](half, 10.0, 1.0) == pytest.approx(1 / (0.1 + 0.9 * 0.5))


@settings(max_examples=40, deadline=None)
@given(positive, floors, st.one_of(st.none(), st.floats(1, 1e6)))
def test_probabilities_keep_the_order_the_floor_and_the_ratio(weights, floor, max_ratio):
    found = drawn(weights, floor, max_ratio)
    assert found.sum() == pytest.approx(1.0)
    assert (np.diff(found[np.argsort(weights)]) >= -1e-15).all()
    assert found.min() >= floor / len(weights) * (1 - 1e-9)
    if max_ratio is not None:
        assert max_min_ratio(found, even(found)) <= max_ratio * (1 + 1e-6)
    assert 1 / len(weights) * (1 - 1e-9) <= effective_share(found, even(found)) <= 1 + 1e-9


@settings(max_examples=40, deadline=None)
@given(positive)
def test_without_floor_and_cap_they_are_in_proportion(weights):
    np.testing.assert_allclose(drawn(weights, 0.0, None), weights / weights.sum())
    ratio = weights.max() / weights.min() * 1.01
    np.testing.assert_allclose(drawn(weights, 0.0, ratio), weights / weights.sum())


@settings(max_examples=40, deadline=None)
@given(positive, st.floats(1.5, 1e3))
def test_a_cap_changes_no_more_than_it_must(weights, max_ratio):
    """The sum stays, and what is not at an end of the interval stays as it was."""
    assume(weights.max() / weights.min() > max_ratio)
    found = drawn(weights, 0.0, max_ratio)
    inside = (found > found.min() * (1 + 1e-6)) & (found < found.max() * (1 - 1e-6))
    np.testing.assert_allclose(found[inside], (weights / weights.sum())[inside], rtol=1e-6)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [([1e-9, 1, 1, 1], [1, 10, 10, 10]), ([1e9, 1, 1, 1], [10, 1, 1, 1])],
    ids=["tiny", "enormous"],
)
def test_one_outlier_does_not_make_the_others_matter_more_or_less(weights, expected):
    found = drawn(np.array(weights, dtype=float), 0.0, 10.0)
    np.testing.assert_allclose(found, np.array(expected) / sum(expected), rtol=1e-6)


def test_effective_share_and_ratio():
    two_of_four = np.array([0.5, 0.5, 0.0, 0.0])
    assert effective_share(two_of_four, even(two_of_four)) == 0.5
    assert max_min_ratio(two_of_four, even(two_of_four)) == float("inf")
    found = np.array([0.2, 0.8])
    assert effective_share(found, even(found)) == pytest.approx(1 / (0.04 + 0.64) / 2)
    assert max_min_ratio(found, even(found)) == pytest.approx(4.0)


@settings(max_examples=40, deadline=None)
@given(positive)
def test_what_the_base_alone_makes_likely_is_not_uneven(lengths):
    base = lengths / lengths.sum()
    assert (relative(base, base) == 1).all()
    assert effective_share(base, base) == pytest.approx(1.0)
    assert max_min_ratio(base, base) == 1.0


def test_unevenness_is_against_the_base_and_of_what_it_draws():
    base, found = np.array([0.8, 0.2, 0.0]), np.array([0.4, 0.6, 0.0])
    np.testing.assert_allclose(relative(found, base), [0.5, 3.0, np.inf])
    assert max_min_ratio(found, base) == pytest.approx(6.0)
    assert effective_share(found, base) == pytest.approx(1 / (0.16 / 0.8 + 0.36 / 0.2))
    assert effective_share(np.array([0.0, 1.0, 0.0]), base) == pytest.approx(0.2)


KINDS = np.array([0, 1, 0, 1, 1])
BASE = np.array([0.1, 0.3, 0.15, 0.05, 0.4])


@settings(max_examples=40, deadline=None)
@given(
    arrays(np.float64, 5, elements=st.floats(1e-12, 1e12)),
    floors,
    st.one_of(st.none(), st.floats(1, 1e6)),
)
def test_each_kind_keeps_its_share(weights, floor, max_ratio):
    found = drawn(weights, floor, max_ratio, BASE, KINDS)
    for kind in (0, 1):
        members = kind == KINDS
        assert found[members].sum() == pytest.approx(BASE[members].sum())
        alone = drawn(weights[members], floor, max_ratio, BASE[members] / BASE[members].sum())
        np.testing.assert_allclose(found[members], alone * BASE[members].sum(), rtol=1e-6)


@pytest.mark.parametrize("least", [1e-320, 0.0])
def test_a_kind_of_hardly_any_weight_keeps_its_share_as_well(least):
    found = drawn(np.array([least, 1, least, 2, 3]), base=BASE, kinds=KINDS)
    np.testing.assert_allclose(found[[0, 2]], BASE[[0, 2]])


def test_a_kind_without_a_share_is_not_drawn():
    base = np.array([0.25, 0.0, 0.75, 0.0, 0.0])
    found = drawn(np.array([1.0, 9, 2, 9, 9]), base=base, kinds=KINDS)
    np.testing.assert_allclose(found, np.array([0.25, 0, 1.5, 0, 0]) / 1.75)


@pytest.mark.parametrize(
    "weights", [[-1.0, 1.0], [0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0]], ids=str
)
def test_weights_that_are_none_are_refused(weights):
    with pytest.raises(ReweightingError, match="weights must be finite"):
        drawn(np.array(weights))
