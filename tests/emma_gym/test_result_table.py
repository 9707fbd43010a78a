"""The table that an evaluation prints."""

from pathlib import Path

import pytest
from rich.console import Console

from emma_gym.result_table import result_table


@pytest.fixture
def examples(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "eval_protocols"))
    import example_result

    return example_result


def lines_of(result):
    console = Console(width=80, no_color=True)
    with console.capture() as capture:
        console.print(result_table(result))
    return [" ".join(line.split()) for line in capture.get().splitlines()]


def test_many_conditions_are_a_line_for_each_factor_that_fits_a_terminal(examples):
    lines = lines_of(examples.sweep_result())
    assert "factor clean perturbed change retention area" in lines
    (azimuth,) = [line for line in lines if line.startswith("camera_azimuth")]
    assert azimuth.startswith("camera_azimuth 80.0 50.0 -30.0 [")
    assert azimuth.endswith("] 62.5 0.55")
    assert "camera_roll 80.0 80.0 +0.0 100.0 0.80" in lines, "no interval where all is alike"
    assert any(line.startswith("all factors 80.0 65.0 -15.0 [") for line in lines)
    assert len(lines) < 20


def test_few_conditions_are_shown_task_by_task(examples):
    lines = lines_of(examples.example_result())
    assert "block_hammer_beat 2 0 50.0 % [ 9, 91] 50.0 % 80" in lines
    assert any(line.startswith("all tasks 4 1 50.0 %") for line in lines)
