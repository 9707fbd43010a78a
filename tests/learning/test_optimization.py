import dataclasses

import pytest

from learning.errors import TrainingError
from learning.optimization import Optimization

VALID = Optimization(steps=1, batch_size=4, learning_rate=1e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schedule": "cosin"}, "optimization.schedule=cosin; did you mean cosine"),
        ({"steps": 0}, "steps and batch_size are at least 1"),
        ({"learning_rate": 0.0}, "optimization.learning_rate=0.0: expected a number > 0"),
        ({"learning_rate": -1.0}, "optimization.learning_rate=-1.0: expected a number > 0"),
        ({"learning_rate": float("nan")}, "learning_rate=nan: expected a number > 0"),
        ({"weight_decay": -1.0}, "optimization.weight_decay=-1.0: expected a number >= 0"),
        ({"muon_learning_rate": -1.0}, "muon_learning_rate=-1.0: expected a number >= 0"),
        ({"warmup_steps": -5}, "optimization.warmup_steps=-5: expected a number >= 0"),
        ({"clip_norm": -1.0}, "optimization.clip_norm=-1.0: expected a number >= 0"),
        ({"clip_norm": float("inf")}, "optimization.clip_norm=inf: expected a number >= 0"),
        ({"ema_power": -0.75}, "optimization.ema_power=-0.75: expected a number >= 0"),
        ({"ema_max": 1.1}, "optimization.ema_max=1.1: expected a number in 0 .. 1"),
        ({"betas": (2.0, 3.0)}, "optimization.betas=[2.0, 3.0]: expected numbers >= 0 and < 1"),
        ({"betas": (0.9, 1.0)}, "optimization.betas=[0.9, 1.0]: expected numbers >= 0 and < 1"),
        ({"batch_size": 3}, "optimization.batch_size=3 is not divisible by 2"),
    ],
    ids=str,
)
def test_what_is_out_of_bounds_is_said_in_a_line(changes, message):
    with pytest.raises(TrainingError) as raised:
        dataclasses.replace(VALID, **changes).check(accumulate=2, processes=1)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "name",
    ["weight_decay", "muon_learning_rate", "warmup_steps", "clip_norm", "ema_power", "ema_max"],
)
def test_nothing_is_valid_where_it_turns_something_off(name):
    dataclasses.replace(VALID, **{name: 0}).check(accumulate=2, processes=1)
