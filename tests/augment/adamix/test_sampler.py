import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from scipy.stats import chisquare
from torch.utils.data import DataLoader

from augment.adamix.errors import ReweightingError
from augment.adamix.registry import REWEIGHTINGS, make_reweighting
from augment.adamix.reweighting import Evidence
from augment.adamix.sampler import AdaMixSampler
from augment.adamix.sampler_config import SamplerConfig

LENGTHS = [3, 9, 5, 12, 1, 7]
FRAMES = sum(LENGTHS)
STEPS, BATCH = 20, 12


def sampler(
    name="adamix",
    options=(),
    lengths=LENGTHS,
    steps=STEPS,
    seed=7,
    shared=(),
    kinds=None,
    **config,
):
    """One that makes new weights every 4 steps; `shared` says which process of how many."""
    config = {"warmup_steps": 4, "refresh_every": 4, **config}
    units = len(lengths) if config.get("per") != "frame" else sum(lengths)
    return AdaMixSampler(
        lengths,
        make_reweighting(name, dict(options), np.arange(units) % 2, seed, kinds),
        SamplerConfig(**config),
        steps=steps,
        batch_size=BATCH,
        seed=seed,
        **dict(shared),
    )


def evidence(seed=0, units=6):
    rng = np.random.default_rng(seed)
    return Evidence(rng.random((units, 3)), rng.random(units), rng.random(units))


def train(made, steps, first=0, processes=1):
    """Goes through steps as a training does; returns what this process draws in each."""
    drawn, step = [], first
    loader = DataLoader(range(FRAMES), sampler=made, batch_size=BATCH // processes)
    made.begin_at(first)
    while step < steps:
        for batch in loader:
            drawn.append(batch.tolist())
            made.observe(1.0 / (1 + step))
            step += 1
            if made.due(step):
                made.refresh(step, evidence(seed=step))
            if step == steps:
                break
    return drawn


@pytest.mark.parametrize("per", ["trajectory", "frame"])
@pytest.mark.parametrize("weighted", [False, True], ids=["warmup", "weighted"])
def test_frequencies_are_the_weights(per, weighted):
    every = 100_000
    made = sampler(steps=2 * every, per=per, floor=0.1, refresh_every=every, warmup_steps=every)
    units = len(made.reweighting.groups)
    expected = np.full(units, 1 / units)
    if weighted:
        expected = made.refresh(every, evidence(units=units)).probabilities
    if per == "trajectory":  # its frames are as likely
        expected = np.repeat(expected / LENGTHS, LENGTHS)
    first = every * weighted
    counts = np.bincount(made.items(range(first, first + 10_000)).ravel(), minlength=FRAMES)
    assert chisquare(counts, expected * counts.sum()).pvalue > 1e-3


def test_strength_1_draws_exactly_as_uniform_does():
    uniform, mixed = sampler("uniform"), sampler("adamix", {"strength": 1.0})
    assert train(mixed, STEPS) == train(uniform, STEPS)
    assert train(sampler("adamix"), STEPS) != train(sampler("uniform"), STEPS)


def test_hard_trajectories_are_drawn_more():
    made = sampler(floor=0.0)
    metrics = np.zeros((6, 3))
    metrics[3] = [5.0, 2.0, 40.0]
    refresh = made.refresh(4, Evidence(metrics))
    np.testing.assert_allclose(refresh.probabilities, np.array([1, 1, 1, 10, 1, 1]) / 15)
    assert refresh.most_drawn(2) == [3, 0]
    assert refresh.measured() == {
        "effective_share": pytest.approx(15**2 / (105 * 6)),
        "max_min_ratio": pytest.approx(10.0),
    }
    assert refresh.words() == (
        "new weights: effective share 0.36, max/min 10.0, most often 3, 0, 1, 2, 4"
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(0, STEPS - 1), st.integers(1, 8), st.sampled_from([1, 2, 3, 4]))
def test_a_step_draws_the_same_whenever_and_by_whomever_it_is_asked(first, steps, processes):
    made = sampler()
    for step in range(4, STEPS, 4):
        made.refresh(step, evidence(seed=step))
    every = made.items(range(STEPS))
    assert every.shape == (STEPS, BATCH)
    last = min(first + steps, STEPS)
    assert np.array_equal(made.items(range(first, last)), every[first:last])
    drawn = [
        train(sampler(shared={"process": i, "processes": processes}), STEPS, processes=processes)
        for i in range(processes)
    ]
    assert np.array_equal(np.concatenate(drawn, axis=1), every)


@pytest.mark.parametrize("stop", [1, 4, 7, 8, 19], ids=str)
@pytest.mark.parametrize("name", REWEIGHTINGS)
def test_a_training_that_goes_on_draws_as_one_that_never_stopped(name, stop, tmp_path):
    whole = train(sampler(name), STEPS)
    before = sampler(name)
    drawn = train(before, stop)
    save_file(before.state_dict(), tmp_path / "sampler.safetensors")
    after = sampler(name)
    after.load_state_dict(load_file(tmp_path / "sampler.safetensors"))
    assert drawn + train(after, STEPS, first=stop) == whole
    never = sampler(name)
    train(never, STEPS)
    for key, value in never.state_dict().items():
        assert torch.equal(after.state_dict()[key], value), key


def test_seeds_and_refreshes_differ():
    made = sampler()
    assert not np.array_equal(made.items(range(1)), sampler(seed=8).items(range(1)))
    assert len({tuple(step) for step in made.items(range(4)).tolist()}) == 4


def test_new_weights_are_due_after_warmup_and_every_interval_before_the_end():
    made = sampler(warmup_steps=8)
    due = []
    for step in range(STEPS + 5):
        if made.due(step):
            due.append(step)
            made.refresh(step, evidence())
    assert due == [8, 12, 16]
    assert [each.step for each in made.history] == due


def test_rules_that_add_up_are_told_how_many_steps_there_were():
    made = sampler("group_dro", {"eta": 1.0}, warmup_steps=8, floor=0.0, max_ratio=None)
    losses = np.array([0.1, 0, 0.1, 0, 0.1, 0])
    ratios = [made.refresh(step, Evidence(losses=losses)).max_min_ratio for step in (8, 12)]
    np.testing.assert_allclose(ratios, np.exp([0.8, 1.2]))


def test_nothing_is_drawn_with_weights_that_are_not_made_yet():
    made = sampler()
    made.refresh(4, evidence())
    made.items(range(8))
    with pytest.raises(ReweightingError, match=r"step 8 cannot be drawn before .* at step 8"):
        made.items(range(9))


@pytest.mark.parametrize("step", [0, 3, 5, 8], ids=str)
def test_weights_are_made_only_when_they_are_due(step):
    with pytest.raises(ReweightingError, match=f"due at step {step}, but at 4"):
        sampler().refresh(step, evidence())


def test_iterating_twice_without_new_weights_repeats():
    made = sampler()
    assert list(made) == list(made)
    assert len(made) == 4 * BATCH == len(list(made))
    made.begin_at(3)
    assert len(made) == BATCH
    assert list(made) == made.items(range(3, 4)).ravel().tolist()


def test_a_training_that_goes_on_needs_the_state():
    with pytest.raises(ReweightingError, match="step 9 is beyond 4"):
        sampler().begin_at(9)


def test_prioritized_losses_are_weighted_by_how_often_their_trajectory_is_drawn():
    made = sampler("per", floor=0.0, max_ratio=None)
    losses = np.array([1.0, 2.0, 4.0, 1.0, 1.0, 1.0])
    made.refresh(4, Evidence(losses=losses))
    items = np.array([0, 2, 3, 12, 16, 36])  # of trajectories 0, 0, 1, 2, 2, 5
    beta = 0.4 + 0.6 * 5 / STEPS
    found = made.loss_weights(items, 5)
    np.testing.assert_allclose(found, losses[[0, 0, 1, 2, 2, 5]] ** (-0.6 * beta), rtol=1e-5)
    assert (made.loss_weights(items, 0) == 1).all()
    others = sampler()
    others.refresh(4, evidence())
    assert (others.loss_weights(items, 5) == 1).all()


def test_frames_have_loss_weights_of_their_own():
    made = sampler("per", per="frame", floor=0.0, max_ratio=None)
    losses = np.linspace(1, 2, FRAMES)
    made.refresh(4, Evidence(losses=losses))
    assert (np.diff(made.loss_weights(np.arange(FRAMES), 4)) < 0).all()


def test_a_loss_that_diverges_makes_weights_uniform_for_good_with_one_warning():
    made = sampler(refresh_every=2, warmup_steps=2)
    losses = iter(1.5 ** np.arange(STEPS))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for step in range(1, STEPS):
            made.observe(torch.tensor(next(losses)))
            if made.due(step):
                made.refresh(step, evidence(seed=step))
    collapsed = [each.collapsed for each in made.history]
    assert collapsed == [False] * 3 + [True] * 6
    assert all(each.effective_share == pytest.approx(1) for each in made.history[3:])
    assert len(caught) == 1
    assert "diverged by step 8" in str(caught[0].message)
    assert made.history[-1].words() == "uniform weights, because the loss diverged"


def test_a_loss_that_jumps_with_the_first_weights_makes_them_uniform_as_well():
    made = sampler(refresh_every=2, warmup_steps=2)
    for step in range(1, 6):
        made.observe(1.0 if step <= 2 else 100.0)
        if made.due(step):
            made.refresh(step, evidence(seed=step))
    made.observe(100.0)
    with pytest.warns(UserWarning, match="diverged by step 6"):
        made.refresh(6, evidence())
    assert [each.collapsed for each in made.history] == [False, False, True]


def test_what_never_changes_cannot_collapse():
    made = sampler("uniform", refresh_every=1, warmup_steps=1)
    for step in range(1, STEPS):
        made.observe(10.0**step)
        made.refresh(step, Evidence())
    assert not any(each.collapsed for each in made.history)


def test_a_refused_refresh_changes_nothing():
    made, other = sampler("group_dro"), sampler("group_dro")
    with pytest.raises(ReweightingError, match="GroupDRO needs losses"):
        made.refresh(4, Evidence())
    assert not made.history
    assert np.array_equal(
        made.refresh(4, evidence()).probabilities, other.refresh(4, evidence()).probabilities
    )


def test_a_state_of_other_trajectories_is_refused():
    with pytest.raises(ReweightingError, match="the state is of 2 units, not 6"):
        sampler().load_state_dict(sampler(lengths=[4, 4]).state_dict())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lengths": []}, "every trajectory must have a frame"),
        ({"lengths": [3, 0]}, "every trajectory must have a frame"),
        ({"config": SamplerConfig(per="frame")}, "for 2 units, and there are 7 with per=frame"),
        ({"processes": 5}, "not divisible by 5 processes"),
    ],
    ids=["none", "empty", "units", "processes"],
)
def test_what_does_not_fit_is_refused(change, words):
    given = {"lengths": [3, 4], "config": SamplerConfig(), **change}
    lengths, config = given.pop("lengths"), given.pop("config")
    reweighting = make_reweighting("adamix", {}, np.zeros(2), 0)
    with pytest.raises(ReweightingError, match=words):
        AdaMixSampler(lengths, reweighting, config, steps=4, batch_size=12, seed=0, **given)


def test_equal_weights_draw_the_base():
    base = np.array([0.0, 0.1, 0.2, 0.3, 0.0, 0.4])
    made = sampler(lengths=LENGTHS, shared={"base": base}, options={"strength": 1.0})
    assert (made.refresh(4, evidence()).probabilities == base).all()
    drawn = made.items(range(8)).ravel()
    assert set(np.searchsorted(np.cumsum(LENGTHS), drawn, side="right")) == {1, 2, 3, 5}


def test_weights_multiply_the_base():
    base = np.array([0.0, 0.1, 0.2, 0.3, 0.0, 0.4])
    weighted = sampler(shared={"base": base}, floor=0.0).refresh(4, evidence()).probabilities
    alone = sampler(floor=0.0).refresh(4, evidence()).probabilities
    np.testing.assert_allclose(weighted, alone * base / (alone * base).sum())


@pytest.mark.parametrize("exact", [False, True], ids=["on_average", "exact"])
@pytest.mark.parametrize("name", REWEIGHTINGS)
def test_harder_units_of_a_kind_do_not_raise_its_share(name, exact):
    kinds, base = np.array([0, 0, 0, 1, 1, 1]), np.array([0.1, 0.1, 0.3, 0.2, 0.2, 0.1])
    hard = np.array([0.1, 0.2, 0.5, 5, 4, 2])
    known = Evidence(np.tile(hard[:, None], 3), hard, np.zeros(6))
    made = sampler(name, kinds=kinds, shared={"base": base}, exact=exact)
    found = made.refresh(4, known)
    assert found.probabilities[kinds == 1].sum() == pytest.approx(0.5)
    assert (found.effective_share < 1) == (name != "uniform")
    units = np.searchsorted(np.cumsum(LENGTHS), made.items(range(4, 8)), side="right")
    share = kinds[units].mean(axis=1)
    assert (share == 0.5).all() if exact else abs(share.mean() - 0.5) < 0.2
    # Without kinds, what is harder is drawn more often, of whatever kind it is.
    mixed = sampler(name, shared={"base": base}).refresh(4, known).probabilities
    assert mixed[kinds == 1].sum() > 0.5 or name in ("uniform", "adamix_shuffled", "group_dro")


def test_long_trajectories_are_not_hard():
    base = np.array(LENGTHS) / FRAMES
    equal = sampler(options={"strength": 1.0}, shared={"base": base}).refresh(4, evidence())
    assert equal.most_drawn(6) == list(range(6))
    assert equal.measured() == {"effective_share": pytest.approx(1.0), "max_min_ratio": 1.0}
    metrics = np.zeros((6, 3))
    metrics[4] = 1.0  # of one frame
    weighted = sampler(shared={"base": base}, floor=0.0).refresh(4, Evidence(metrics))
    assert weighted.most_drawn(2) == [4, 0]
    assert weighted.max_min_ratio == pytest.approx(10.0)


def test_importance_weights_are_against_the_base():
    base = np.array([0.0, 0.1, 0.2, 0.3, 0.0, 0.4])
    made = sampler("per", {"first_beta": 1.0}, shared={"base": base}, floor=0.0)
    found = made.refresh(4, evidence()).probabilities
    items = np.array([3, 12, 17, 30])
    units = np.searchsorted(np.cumsum(LENGTHS), items, side="right")
    weights = made.loss_weights(items, 4)
    each = weights * found[units] / base[units]
    np.testing.assert_allclose(each, each[0])


def test_exact_batches_have_each_kind_in_its_share():
    base = np.array([0.1, 0.1, 0.05, 0.5, 0.1, 0.15])
    made = sampler(shared={"base": base}, exact=True)
    drawn = made.items(range(4))
    units = np.searchsorted(np.cumsum(LENGTHS), drawn, side="right")
    assert ((units == 3).sum(axis=1) == BATCH / 2).all()


def test_a_base_of_other_units_is_refused():
    with pytest.raises(ReweightingError, match="base of 2 units: expected 6"):
        sampler(shared={"base": np.ones(2)})
