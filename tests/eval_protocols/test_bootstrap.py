import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eval_protocols.bootstrap import (
    SAMPLES,
    bootstrap_differences,
    hierarchical_bootstrap,
    percentile_estimate,
    sign_p_value,
)
from eval_protocols.statistics import wilson_interval


def successes(count, episodes):
    """One run."""
    return np.array([[1] * count + [0] * (episodes - count)])


def width(estimate):
    return estimate.high - estimate.low


#: For each of some tasks, outcomes of some runs on some episodes.
outcomes = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 6)).flatmap(
    lambda shape: arrays(np.int64, shape, elements=st.integers(0, 1))
)


@settings(max_examples=25, deadline=None)
@given(outcomes, st.booleans())
def test_an_interval_holds_the_rate_and_is_the_same_again(tasks, over_tasks):
    estimate = hierarchical_bootstrap(list(tasks), over_tasks=over_tasks)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert estimate.value == pytest.approx(tasks.mean())
    assert hierarchical_bootstrap(list(tasks), over_tasks=over_tasks) == estimate


@settings(max_examples=25, deadline=None)
@given(outcomes, st.booleans())
def test_a_difference_holds_its_value_and_nothing_differs_from_itself_on_average(tasks, paired):
    estimate = hierarchical_bootstrap(list(tasks), list(1 - tasks), paired=paired)
    assert -1 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert estimate.value == pytest.approx(2 * tasks.mean() - 1)
    same = hierarchical_bootstrap(list(tasks), list(tasks), paired=paired)
    assert same.low <= same.value == 0 <= same.high


def test_one_task_and_run_agree_with_wilson():
    low, high = wilson_interval(140, 200)
    estimate = hierarchical_bootstrap([successes(140, 200)])
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=0.015)


def test_kinds_of_episodes_stand_for_episodes():
    """Drawing how often each kind occurs has the moments of drawing episodes one by one."""
    one, other = successes(30, 50), np.roll(successes(20, 50), 10)
    _, samples = bootstrap_differences([one], [other], paired=True)
    rng = np.random.default_rng(1)
    drawn = rng.integers(0, 50, (SAMPLES, 50))
    slow = (one - other)[0][drawn].mean(axis=1)
    assert samples.mean() == pytest.approx(slow.mean(), abs=0.01)
    assert samples.std() == pytest.approx(slow.std(), rel=0.05)


def test_pairs_make_a_difference_sharper():
    one, other = successes(30, 50), successes(25, 50)  # the same seeds are easy
    paired = hierarchical_bootstrap([one], [other], paired=True)
    independent = hierarchical_bootstrap([one], [other], paired=False)
    assert paired.value == independent.value == pytest.approx(0.1)
    assert width(paired) < 0.6 * width(independent)


def test_tasks_that_differ_widen_the_interval():
    tasks = [successes(count, 50) for count in (0, 50, 0, 50)]
    assert width(hierarchical_bootstrap(tasks, over_tasks=False)) == 0
    assert width(hierarchical_bootstrap(tasks)) == pytest.approx(1.0)


def test_training_runs_that_differ_widen_the_interval():
    """A run is drawn for all tasks at once: averaging over tasks does not hide a bad one."""
    good, bad = np.ones(50), np.zeros(50)
    tasks = [np.array([good, bad, good, bad])] * 10
    assert width(hierarchical_bootstrap(tasks)) == pytest.approx(1.0)


def test_sides_may_have_different_numbers_of_runs_and_unpaired_episodes():
    first = [np.ones((3, 20)), np.ones((3, 20))]
    second = [np.zeros((1, 10)), np.zeros((1, 30))]
    assert hierarchical_bootstrap(first, second, paired=False) == (1, 1, 1)


def test_the_p_value_tells_a_difference_from_none():
    _, clear = bootstrap_differences([successes(40, 50)], [successes(10, 50)], paired=True)
    assert sign_p_value(clear) == pytest.approx(2 / (SAMPLES + 1))
    _, none = bootstrap_differences([successes(25, 50)], [successes(25, 50)], paired=False)
    assert 0.8 < sign_p_value(none) <= 1
    _, same = bootstrap_differences([successes(25, 50)], [successes(25, 50)], paired=True)
    assert sign_p_value(same) == 1


def test_more_confidence_is_a_wider_interval():
    value, samples = bootstrap_differences([successes(30, 50)], [successes(20, 50)], paired=False)
    assert width(percentile_estimate(value, samples, 0.5)) < width(
        percentile_estimate(value, samples, 0.99)
    )


@pytest.mark.parametrize(
    ("first", "second", "paired", "complaint"),
    [
        ([], [], True, "needs tasks"),
        ([[1, 0]], [[1, 0]], True, "needs tasks"),
        ([np.zeros((1, 0))], [np.zeros((1, 0))], True, "needs tasks"),
        ([np.ones((1, 2)), np.ones((2, 2))], [np.ones((1, 2))] * 2, True, "every training run"),
        ([np.ones((1, 2))], [np.ones((1, 2))] * 2, True, "1 tasks against 2"),
        ([np.ones((1, 2))], [np.ones((1, 3))], True, "the same episodes"),
    ],
)
def test_what_does_not_fit_together_is_refused(first, second, paired, complaint):
    with pytest.raises(ValueError, match=complaint):
        bootstrap_differences(first, second, paired=paired)
