import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from augment.adamix.adamix import AdaMix, AdaMixConfig
from augment.adamix.difficulty import NORMALIZATIONS, difficulty, normalized
from augment.adamix.metrics import Predictions, frame_metrics

QUANTILES = (0.05, 0.95)
metrics_of_units = st.integers(1, 20).flatmap(
    lambda units: arrays(np.float64, (units, 3), elements=st.floats(0, 1e4, width=32))
)


@settings(max_examples=40, deadline=None)
@given(metrics_of_units, st.sampled_from(NORMALIZATIONS))
def test_it_is_in_0_1_and_no_unit_that_is_worse_in_all_is_easier(metrics, normalization):
    found = difficulty(metrics, (1, 1, 1), normalization, QUANTILES)
    assert found.shape == (len(metrics),)
    assert ((found >= 0) & (found <= 1)).all()
    worse = (metrics[:, None] >= metrics[None]).all(axis=2)
    assert (found[:, None] >= found[None] - 1e-12)[worse].all()


@settings(max_examples=40, deadline=None)
@given(metrics_of_units, st.floats(0.1, 1000), st.sampled_from(NORMALIZATIONS))
def test_units_of_measurement_do_not_matter(metrics, factor, normalization):
    before, after = (
        difficulty(each, (1, 2, 3), normalization, QUANTILES)
        for each in (metrics, metrics * [factor, 1.0, 1.0])
    )
    np.testing.assert_allclose(after, before, atol=1e-6)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_a_metric_that_is_constant_says_nothing(normalization):
    rng = np.random.default_rng(0)
    varying, constant = rng.random((9, 1)), np.full((9, 2), 0.3)
    constant[4] += 1e-9  # rounding
    found = normalized(np.hstack([varying, constant]), normalization, QUANTILES)
    assert not found[:, 1:].any()
    assert found[:, 0].max() == 1.0


def test_min_max_reaches_from_0_to_1():
    found = normalized(np.array([[2.0], [4.0], [3.0]]), "min_max", QUANTILES)
    assert found.ravel().tolist() == [0.0, 1.0, 0.5]


def test_quantiles_keep_units_apart_beside_an_outlier():
    metrics = np.append(np.linspace(0, 1, 99), 1e6)[:, None]
    with_outlier = normalized(metrics, "min_max", QUANTILES)
    robust = normalized(metrics, "quantile", QUANTILES)
    assert with_outlier[98, 0] < 1e-5
    assert robust[50, 0] == pytest.approx(0.5, abs=0.02)
    assert robust[99, 0] == 1.0


def test_the_few_that_differ_are_not_lost_between_quantiles():
    metrics = np.zeros((100, 1))
    metrics[7] = 3.0
    assert np.flatnonzero(normalized(metrics, "quantile", QUANTILES)).tolist() == [7]


@pytest.mark.parametrize("column", range(3), ids=["ape", "ts", "jal"])
def test_one_metric_alone_decides(column):
    metrics = np.random.default_rng(1).random((30, 3))
    shares = {name: float(i == column) for i, name in enumerate(("ape", "ts", "jal"))}
    adamix = AdaMix(AdaMixConfig(**shares), np.arange(30), 0)
    found = adamix.difficulty(metrics)
    assert np.argsort(found).tolist() == np.argsort(metrics[:, column]).tolist()


def clean_trajectories():
    """Eight recorded motions of different length, and predictions a little beside them."""
    generator = torch.Generator().manual_seed(3)
    recorded = []
    for length in range(60, 100, 5):
        phase = torch.linspace(0, 3, length, dtype=torch.float64)[:, None]
        ways = torch.rand(14, generator=generator, dtype=torch.float64)
        recorded.append(0.5 + 0.3 * ways * torch.sin(phase))
    return recorded, [each + 0.01 for each in recorded]


def jerk(predicted):
    predicted[20::7, 2] += 0.2


def beyond_limits(predicted):
    predicted[:, 5] += 1.75


def wrong_actions(predicted):
    predicted[:, [1, 8]] += 0.5


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("fault", [jerk, beyond_limits, wrong_actions])
def test_a_planted_fault_is_the_hardest(fault, normalization):
    recorded, predicted = clean_trajectories()
    fault(predicted[5])
    found = frame_metrics(
        Predictions.from_trajectories(predicted, recorded),
        torch.ones(14),
        control_hz=250 / 15,
        margin=0.03,
    ).by_trajectory()
    adamix = AdaMix(AdaMixConfig(normalization=normalization), np.arange(8), 0)
    hard = adamix.difficulty(found.numpy())
    assert hard[5] > np.delete(hard, 5).max()
