from itertools import chain

import numpy as np
import pytest
from torch.utils.data import DataLoader

from augment.adamix.adamix import AdaMix, AdaMixConfig
from augment.adamix.errors import ReweightingError
from augment.adamix.reweighting import Evidence
from augment.adamix.sampler import AdaMixSampler
from augment.adamix.sampler_config import SamplerConfig
from augment.adamix.weighted_order import WeightedOrder
from learning.item_order import Batches

STEPS, BATCH, EVERY = 14, 8, 5


def made():
    return AdaMixSampler(
        [5, 9, 4],
        AdaMix(AdaMixConfig(), np.arange(3), 0),
        SamplerConfig(refresh_every=EVERY, warmup_steps=EVERY),
        steps=STEPS,
        batch_size=BATCH,
        seed=1,
    )


def train(sampler, first=0, **shared):
    """A training's steps from one on, with new weights when they are due."""
    batches = Batches(WeightedOrder(sampler), BATCH, range(first, STEPS), **shared)
    loader = iter(DataLoader(range(18), batch_sampler=batches))
    for step in range(first, STEPS):
        if sampler.due(step):
            sampler.refresh(step, Evidence(np.random.default_rng(step).random((3, 3))))
        yield [next(loader).tolist() for _ in range(shared.get("accumulate", 1))]


def test_a_trainings_batches_are_what_the_sampler_draws():
    sampler = made()
    batches = [batch for (batch,) in train(sampler)]
    assert batches == sampler.items(range(STEPS)).tolist()
    assert len(WeightedOrder(sampler)) == EVERY * BATCH


@pytest.mark.parametrize("first", [3, 5, 12], ids=str)
def test_a_training_that_goes_on_has_the_same_batches(first):
    before, after = made(), made()
    steps = train(before)
    drawn = [next(steps) for _ in range(first)]
    after.load_state_dict(before.state_dict())
    assert drawn + list(train(after, first)) == list(train(made()))


def test_processes_and_accumulated_batches_share_a_step():
    whole = [sorted(chain.from_iterable(step)) for step in train(made())]
    parts = [train(made(), accumulate=2, process=i, processes=2) for i in range(2)]
    for step, shared in zip(whole, zip(*parts, strict=True), strict=True):
        assert sorted(chain.from_iterable(chain.from_iterable(shared))) == step


def test_reading_ahead_across_a_refresh_is_an_error():
    batches = iter(Batches(WeightedOrder(made()), BATCH, range(STEPS)))
    for _ in range(EVERY):
        next(batches)
    with pytest.raises(ReweightingError, match=f"before new weights are made at step {EVERY}"):
        next(batches)
