from itertools import pairwise

import pytest

from learning.learning_rate import rate_factor
from learning.optimization import Optimization


def factors(schedule, steps=100, warmup_steps=10):
    optimization = Optimization(steps, 8, 1e-4, schedule=schedule, warmup_steps=warmup_steps)
    return [rate_factor(optimization, step) for step in range(steps)]


@pytest.mark.parametrize("schedule", ["cosine", "step", "constant"])
def test_it_rises_linearly_to_its_height(schedule):
    assert factors(schedule)[:11] == pytest.approx([i / 10 for i in range(1, 11)] + [1.0])
    assert factors(schedule, warmup_steps=0)[0] == 1.0


def test_a_cosine_falls_to_nearly_nothing():
    found = factors("cosine")
    assert found[55] == pytest.approx(0.5)
    assert all(later < earlier for earlier, later in pairwise(found[10:]))
    assert 0.0 < found[-1] < 1e-3


def test_a_step_takes_nine_tenths_away_in_the_last_tenth():
    assert factors("step")[10:90] == [1.0] * 80
    assert factors("step")[90:] == [0.1] * 10


def test_a_constant_stays():
    assert factors("constant")[10:] == [1.0] * 90


def test_a_warmup_longer_than_the_training_is_no_error():
    assert factors("cosine", steps=5, warmup_steps=10) == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
