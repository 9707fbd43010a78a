import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import chisquare

from augment.adamix.alias_table import AliasTable

weights_of_outcomes = arrays(
    np.float64,
    st.integers(1, 60),
    elements=st.one_of(st.just(0.0), st.just(1.0), st.floats(1e-9, 1e3)),
).filter(np.any)


@settings(max_examples=40, deadline=None)
@given(weights_of_outcomes)
def test_columns_hold_exactly_what_they_should(weights):
    table = AliasTable(weights / weights.sum())
    assert ((table.own >= 0) & (table.own <= 1)).all()
    held = table.own + np.bincount(table.other, 1 - table.own, minlength=len(weights))
    np.testing.assert_allclose(held / len(weights), weights / weights.sum(), atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(weights_of_outcomes, st.integers(0, 2**32))
def test_what_has_no_probability_is_never_drawn(weights, seed):
    drawn = AliasTable(weights / weights.sum()).outcomes(np.random.default_rng(seed).random(500))
    assert (weights[drawn] > 0).all()


@pytest.mark.parametrize("outcomes", [1, 2, 7, 1000], ids=str)
def test_frequencies_are_the_probabilities(outcomes):
    rng = np.random.default_rng(outcomes)
    weights = 0.05 + rng.random(outcomes) ** 4
    drawn = AliasTable(weights / weights.sum()).outcomes(rng.random(200_000))
    counts = np.bincount(drawn, minlength=outcomes)
    assert len(counts) == outcomes
    if outcomes > 1:
        assert chisquare(counts, weights / weights.sum() * len(drawn)).pvalue > 1e-3


def test_equal_outcomes_are_as_wide():
    uniform = (np.arange(7000) + 0.5) / 7000
    for size in (7, 70, 700):
        drawn = AliasTable(np.full(size, 1 / size)).outcomes(uniform)
        assert (np.bincount(drawn) == 7000 // size).all()


def test_equal_outcomes_fill_their_columns_however_that_rounds():
    for size in range(1, 300):
        assert AliasTable(np.full(size, 1 / size)).own.min() > 1 - 1e-12


def test_the_outcome_of_a_number_does_not_depend_on_its_neighbors():
    table = AliasTable(np.array([0.1, 0.2, 0.7]))
    uniform = np.random.default_rng(0).random(100_000)
    assert np.array_equal(
        table.outcomes(uniform)[70_000:70_010], table.outcomes(uniform[70_000:70_010])
    )
