import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from augment.adamix.stratified_table import StratifiedTable


def draws(probabilities, size, batches, seed=0):
    uniform = np.random.default_rng(seed).random(size * batches)
    return StratifiedTable(np.asarray(probabilities), size).outcomes(uniform).reshape(-1, size)


@given(st.lists(st.integers(0, 9), min_size=2, max_size=8).filter(any), st.integers(1, 40))
def test_every_batch_has_about_its_share(weights, size):
    probabilities = np.array(weights) / sum(weights)
    for batch in draws(probabilities, size, 5):
        counts = np.bincount(batch, minlength=len(weights))
        away = np.abs(counts - size * probabilities)
        assert (away < 2).all()
        assert (away[[0, -1]] < 1 + 1e-9).all()


@given(
    st.lists(st.sampled_from([0.0, 1e-12, 1e-3, 0.1, 0.7]), min_size=1, max_size=60).filter(any),
    st.integers(0, 2**32),
)
def test_an_outcome_is_found_where_the_cumulative_distribution_has_it(weights, seed):
    table = StratifiedTable(np.array(weights) / sum(weights), 1)
    uniform = np.random.default_rng(seed).random(200)
    places = np.modf(uniform * 2.0**20)[0]
    assert (table.outcomes(uniform) == np.searchsorted(table.ends, places, side="right")).all()


def test_copies_come_no_more_often_together_than_others():
    half = np.full(20, 1 / 40)
    drawn = draws(np.concatenate([half, half]), 16, 2_000)
    both = [len(np.intersect1d(batch[batch < 20], batch[batch >= 20] - 20)) for batch in drawn]
    # Eight out of each half of 20, a part at a time: of two and a half outcomes, the same one.
    assert 0.3 < np.mean(both) / 8 < 0.5


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_a_kind_of_outcomes_has_exactly_its_share(share):
    rng = np.random.default_rng(1)
    recorded, generated = rng.random(30), rng.random(50)
    both = [(1 - share) * recorded / recorded.sum(), share * generated / generated.sum()]
    drawn = draws(np.concatenate(both), 16, 200)
    assert ((drawn >= 30).sum(axis=1) == 16 * share).all()


def test_frequencies_are_the_probabilities():
    probabilities = np.array([0.1, 0.0, 0.35, 0.05, 0.5])
    # One draw of each batch: those of a batch are not independent.
    first = draws(probabilities, 8, 20_000)[:, 3]
    counts = np.bincount(first, minlength=5)
    assert counts[1] == 0
    kept = probabilities > 0
    assert chisquare(counts[kept], 20_000 * probabilities[kept]).pvalue > 0.001


def test_places_in_a_batch_are_mixed():
    firsts = draws([0.5, 0.5], 8, 2_000)[:, 0]
    assert 0.4 < firsts.mean() < 0.6
