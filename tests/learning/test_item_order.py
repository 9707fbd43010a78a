from itertools import chain, islice, product

import torch
from hypothesis import given
from hypothesis import strategies as st

from learning.item_order import Batches, Shuffled
from learning.seeds import seed_of


@given(st.integers(1, 50), st.integers(0, 2**40), st.integers(0, 1000))
def test_an_epoch_has_every_frame_once_and_is_a_function_of_seed_and_number(frames, seed, number):
    order = Shuffled(frames, seed)
    epoch = list(order.epoch(number))
    assert sorted(epoch) == list(range(frames))
    assert epoch == list(Shuffled(frames, seed).epoch(number))


def test_epochs_and_seeds_differ():
    epochs = {tuple(Shuffled(50, seed).epoch(n)) for seed in range(3) for n in range(3)}
    assert len(epochs) == 9


@given(st.integers(1, 30), st.integers(1, 40), st.integers(0, 6), st.integers(1, 6))
def test_steps_go_through_the_epochs_without_a_gap_wherever_they_begin(frames, size, first, steps):
    order = Shuffled(frames, 3)
    every = chain.from_iterable(order.epoch(number) for number in range(1000))
    expected = list(islice(every, first * size, (first + steps) * size))
    batches = Batches(order, size, range(first, first + steps))
    assert [len(batch) for batch in batches] == [size] * steps
    assert list(chain.from_iterable(batches)) == expected
    assert len(batches) == steps


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_processes_and_accumulated_batches_share_what_one_would_see(accumulate, processes, size):
    order = Shuffled(20, 0)
    batch_size = accumulate * processes * size
    alone = list(Batches(order, batch_size, range(2, 5)))
    shared = [
        list(
            Batches(
                order,
                batch_size,
                range(2, 5),
                accumulate=accumulate,
                process=process,
                processes=processes,
            )
        )
        for process in range(processes)
    ]
    for step, whole in enumerate(alone):
        parts = [each[step * accumulate : (step + 1) * accumulate] for each in shared]
        assert all(len(batch) == size for part in parts for batch in part)
        found = sorted(frame for part in parts for batch in part for frame in batch)
        assert found == sorted(whole)


def test_seeds_are_told_apart_by_every_number():
    seeds = {seed_of(*numbers) for numbers in product(range(3), repeat=4)}
    assert len(seeds) == 81
    assert all(0 <= seed < 2**63 for seed in seeds)
    torch.Generator().manual_seed(max(seeds))
