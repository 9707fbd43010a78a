import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import array_shapes, arrays

from augment.clip import ClipError
from augment.video_metrics.geometry import depth_errors

depths = arrays(
    np.float32, array_shapes(max_dims=3, max_side=6), elements=st.floats(0.0625, 5, width=32)
)
factors = st.floats(0.3, 3)
quick = settings(max_examples=50, deadline=None)


@quick
@given(depths)
def test_the_truth_has_no_error(truth):
    assert depth_errors(truth, truth) == (0, 0, 0, 1)


@quick
@given(depths, factors)
def test_a_scaled_depth_is_off_by_the_scale(truth, factor):
    truth = truth.astype(np.float64)
    errors = depth_errors(factor * truth, truth)
    off = abs(factor - 1)
    np.testing.assert_allclose(errors.abs_rel, off, atol=1e-9)
    np.testing.assert_allclose(errors.sq_rel, off**2 * truth.mean(), atol=1e-9)
    np.testing.assert_allclose(errors.rmse, off * np.sqrt(np.square(truth).mean()), atol=1e-9)
    if abs(max(factor, 1 / factor) - 1.25) > 1e-6:
        assert errors.within_1_25 == (max(factor, 1 / factor) < 1.25)


@quick
@given(depths, factors, st.integers(0, 2**31))
def test_a_change_of_units_changes_the_errors_in_metres_only(truth, factor, seed):
    truth = truth.astype(np.float64)
    estimate = truth * np.random.default_rng(seed).uniform(0.5, 1.5, truth.shape)
    one, other = depth_errors(estimate, truth), depth_errors(factor * estimate, factor * truth)
    np.testing.assert_allclose(other.abs_rel, one.abs_rel, rtol=1e-9)
    np.testing.assert_allclose(other.sq_rel, factor * one.sq_rel, rtol=1e-9)
    np.testing.assert_allclose(other.rmse, factor * one.rmse, rtol=1e-9)


@quick
@given(depths, st.integers(0, 2**31))
def test_the_order_of_pixels_does_not_matter(truth, seed):
    rng = np.random.default_rng(seed)
    estimate = truth * rng.uniform(0.5, 1.5, truth.shape)
    order = rng.permutation(truth.size)
    shuffled = depth_errors(estimate.ravel()[order], truth.ravel()[order])
    np.testing.assert_allclose(shuffled, depth_errors(estimate, truth), rtol=1e-6)


def test_pixels_without_a_true_depth_do_not_count():
    truth = np.array([1.0, 2.0, 0.0])
    assert depth_errors(np.array([1.0, 2.0, np.nan]), truth) == (0, 0, 0, 1)


@pytest.mark.parametrize(
    ("estimate", "truth", "message"),
    [
        ([1.0], [1.0, 2.0], "shape"),
        ([1.0], [0.0], "no pixel"),
        ([0.0], [1.0], "positive"),
        ([np.nan], [1.0], "finite"),
    ],
    ids=["shape", "nothing", "zero", "nan"],
)
def test_what_cannot_be_compared_is_refused(estimate, truth, message):
    with pytest.raises(ClipError, match=message):
        depth_errors(np.array(estimate), np.array(truth))
