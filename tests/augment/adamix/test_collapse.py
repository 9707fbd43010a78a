import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from augment.adamix.collapse import CollapseDetector


def watched(
    levels, tolerance=2.0, patience=2, steps=9, noise=0.0, warmup=(), greatest=4.0, spikes=False
):
    """In which intervals with these levels of the loss a collapse is seen.

    `warmup` has the level of the interval before them, `greatest` the weight of the likeliest unit,
    one for all intervals or for each.
    """
    detector, rng = CollapseDetector(tolerance, patience), np.random.default_rng(0)
    weights = np.broadcast_to(greatest, len(levels))
    found = []
    for i, level in enumerate([*warmup, *levels]):
        for step in range(steps):
            loss = level * (1 + noise * rng.standard_normal())
            detector.observe(1e3 if spikes and step == 4 else loss)
        weight = weights[i - len(warmup)] if i >= len(warmup) else None
        found.append(detector.end_interval(weight))
    return [i - len(warmup) for i, seen in enumerate(found) if seen]


@pytest.mark.parametrize(
    ("levels", "seen"),
    [
        ([1, 0.8, 0.7, 1.5, 3, 6], [4, 5]),
        ([1, 2.1, 2.2], [2]),
        ([1, 2.1, 1.9, 2.1, 1.9], []),
        ([1, 0.5, 0.4, 0.9, 0.5, 0.3], []),
        ([1, 1.9, 1.9, 1.9], []),
        ([-1, -0.5, 0.5, 2], [3]),
        ([5, 9], []),
    ],
    ids=["rising", "risen", "in-and-out", "one-bad", "harder", "negative", "too-short"],
)
def test_it_has_collapsed_when_the_loss_stays_above_twice_its_best(levels, seen):
    assert watched(levels) == seen


@settings(max_examples=30, deadline=None)
@given(st.integers(4, 30), st.floats(0, 0.3))
def test_a_training_that_learns_has_not(intervals, noise):
    levels = 0.2 + np.exp(-np.arange(intervals) / 5)
    assert not watched(levels, noise=noise, spikes=True)


def test_a_training_that_diverges_is_found_under_noise():
    levels = 0.1 * np.exp(np.maximum(0, np.arange(12) - 5))
    assert watched(levels, noise=0.3)[0] == 7


def test_the_rise_when_harder_samples_come_does_not_count():
    assert not watched([6, 6, 6, 4], warmup=[0.8])
    assert watched([5, 11, 11]) == watched([5, 11, 11], warmup=[1.5]) == [2]


@pytest.mark.parametrize(
    ("levels", "warmup", "greatest", "seen"),
    [
        ([7, 7, 7, 7], [0.8], 4.0, [1, 2, 3]),
        ([7, 7, 7, 7], [0.8], 10.0, []),
        ([7, 6, 7, 6], [0.8], 4.0, []),
        ([1.7, 1.7], [0.8], 1.0, [1]),
        ([3.1, 3.1], [-1], 2.0, [1]),
        ([1.9, 1.9], [-1], 2.0, []),
    ],
    ids=["stays", "harder", "in-and-out", "equal", "negative", "negative-below"],
)
def test_a_rise_beyond_what_harder_samples_explain_is_a_collapse(levels, warmup, greatest, seen):
    """Twice the greatest weight times what the loss was with equal ones."""
    assert watched(levels, warmup=warmup, greatest=greatest) == seen


def test_weights_that_grow_explain_a_loss_that_does():
    """Always the same losses, and hard samples more and more often: nothing has diverged."""
    hard, greatest = 25.0, np.array([1.2, 2.2, 4.2, 6.4, 8.0])
    share = 0.1 * greatest
    assert not watched(1 - share + share * hard, greatest=greatest, warmup=[3.4])
    assert watched(1 - share + share * hard, greatest=1.2) == [3, 4]


def test_only_the_end_of_the_warmup_counts():
    """A loss that has fallen a hundredfold in it and then rises tenfold."""
    detector = CollapseDetector(2.0, 2)
    for loss in np.geomspace(10.0, 0.1, 40):
        detector.observe(loss)
    assert not detector.end_interval(None)
    for expected in (False, True):
        for _ in range(40):
            detector.observe(1.0)
        assert detector.end_interval(1.7) is expected


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_a_loss_that_is_no_number_is_a_collapse_at_once(loss):
    detector = CollapseDetector(2.0, 3)
    detector.observe(1.0)
    detector.observe(loss)
    assert detector.end_interval(4.0)


def test_tolerance_and_patience():
    levels = [1, 3, 3, 3]
    assert watched(levels, patience=1) == [1, 2, 3]
    assert watched(levels, patience=3) == [3]
    assert watched(levels, tolerance=4.0) == []


def test_without_losses_nothing_is_found():
    detector = CollapseDetector(2.0, 1)
    assert not any(detector.end_interval(4.0) for _ in range(5))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_it_goes_on_from_its_state_on_a_gpu():
    before, after = CollapseDetector(2.0, 1), CollapseDetector(2.0, 1)
    before.observe(torch.tensor(1.0, device="cuda"))
    after.load_state_dict(before.state_dict())
    after.observe(torch.tensor(3.0, device="cuda"))
    assert after.state_dict()["losses"].tolist() == [1.0, 3.0]


def test_it_goes_on_from_its_state_in_the_middle_of_an_interval():
    losses = np.exp(0.3 * np.arange(40))
    straight, before, after = (CollapseDetector(2.0, 2) for _ in range(3))
    found = []
    for detectors in ([straight], [before, after]):
        seen = []
        detector = detectors[0]
        for i, loss in enumerate(losses):
            if i == 13:
                detectors[-1].load_state_dict(detector.state_dict())
                detector = detectors[-1]
            detector.observe(torch.tensor(loss, requires_grad=True))
            if i % 5 == 4:
                seen.append(detector.end_interval(4.0))
        found.append(seen)
    assert found[0] == found[1]
    assert any(found[0])
    for key, value in straight.state_dict().items():
        assert torch.equal(after.state_dict()[key], value)
