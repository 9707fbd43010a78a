import json
import shutil
import signal

import pytest
import torch
from safetensors.torch import load_file
from tiny_method.method import Tiny

from learning.curve import read_curve
from learning.errors import TrainingError
from learning.item_order import Shuffled
from policies.imitation.checkpoint import Checkpoint

CLOCKED = ("wall_s", "samples_per_s", "loading")


def curve(outcome):
    rows = read_curve(outcome.files["curve"])
    return [{key: row[key] for key in row if key not in CLOCKED} for row in rows]


def weights(outcome):
    return load_file(outcome.files["last"] / "model.safetensors")


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one) and one.keys() == other.keys()


class Stop(Shuffled):
    """Presses Ctrl-C when the frames of a step are asked for, which is then the last one."""

    def __init__(self, frames, seed, at):
        super().__init__(frames, seed)
        self.at = at

    def epoch(self, number):
        for place, frame in enumerate(super().epoch(number)):
            if number == 0 and place == self.at:
                signal.raise_signal(signal.SIGINT)
            yield frame


def interrupted(step, batch_size=8):
    return lambda frames, seed: Stop(frames, seed, (step - 1) * batch_size)


def test_a_training_writes_all_its_files_and_learns(training, tmp_path):
    outcome, lines = training(total_steps=60)
    assert (outcome.steps, outcome.total_steps, outcome.interrupted) == (60, 60, False)
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        *("last", "checkpoints", "tensorboard", "curve.csv", "config.yaml")
    }
    rows = curve(outcome)
    assert [row["step"] for row in rows] == list(range(1, 61))
    assert rows[-1]["loss"] < 0.3 * rows[0]["loss"]
    assert rows[-1]["half"] == pytest.approx(rows[-1]["loss"] / 2, rel=1e-5)
    assert [path.name for path in (tmp_path / "run/checkpoints").iterdir()] == ["00000060"]
    assert list((tmp_path / "run/tensorboard").iterdir())
    assert any("step 60/60" in line for line in lines)


def test_a_training_with_two_optimizers_goes_on_as_well(training, tmp_path):
    rates = {"optimization": {"muon_learning_rate": 0.02}}
    whole, _ = training(folder=tmp_path / "whole", **rates)
    training(order=interrupted(5), **rates)
    second, _ = training(**rates)
    assert curve(second) == curve(whole)
    assert same(weights(second), weights(whole))
    adamw_alone, _ = training(folder=tmp_path / "adamw")
    assert curve(adamw_alone) != curve(whole)


@pytest.mark.parametrize("loader_workers", [0, 1])
def test_one_that_was_interrupted_has_the_curve_of_one_that_was_not(
    loader_workers, training, tmp_path
):
    whole, _ = training(folder=tmp_path / "whole")
    first, _ = training(order=interrupted(5), loader_workers=loader_workers)
    # A worker is ahead of the steps by two batches.
    assert (first.steps, first.interrupted) == (3 if loader_workers else 5, True)
    second, lines = training()
    assert f"going on from step {first.steps}" in lines[0]
    assert not second.interrupted
    assert curve(second) == curve(whole)
    assert same(weights(second), weights(whole))


def test_lines_of_several_steps_survive_as_well(training, tmp_path, monkeypatch):
    monkeypatch.setattr("learning.learning_curve.LINES", 3)  # a line every four steps
    whole, _ = training(folder=tmp_path / "whole")
    assert [row["step"] for row in curve(whole)] == [4, 8, 12]
    training(order=interrupted(6))
    again, _ = training()
    assert curve(again) == curve(whole)


def test_what_is_not_saved_is_done_again(training, tmp_path):
    whole, _ = training(folder=tmp_path / "whole")
    training(checkpoint_every=4, order=interrupted(7))
    folder = tmp_path / "run"
    # As if it had been killed after step 7, in the middle of a line, with a state half written.
    latest = folder / "checkpoints/00000007"
    progress = json.loads((latest / "progress.json").read_text())
    assert progress["step"] == 7
    (folder / "checkpoints/00000009.part").mkdir()
    with (folder / "curve.csv").open("a") as file:
        file.write("8,1.0,0.5")
    again, _ = training()
    assert curve(again) == curve(whole)
    assert [path.name for path in (folder / "checkpoints").iterdir()] == ["00000012"]


def test_the_seed_decides_everything(training, tmp_path):
    one, _ = training(folder=tmp_path / "one")
    same_seed, _ = training(folder=tmp_path / "same")
    other, _ = training(folder=tmp_path / "other", seed=1)
    assert curve(one) == curve(same_seed)
    assert same(weights(one), weights(same_seed))
    assert not same(weights(one), weights(other))


def test_accumulated_batches_are_one(training, tmp_path):
    # Without dropout and running statistics, which see the parts.
    plain = {"method": {"dropout": 0.0, "obs_mode": "pointcloud"}, "total_steps": 2}
    one, _ = training(folder=tmp_path / "one", **plain)
    two, _ = training(folder=tmp_path / "two", accumulate=2, **plain)
    # The noise is other noise: only the frames are the same.
    assert curve(one)[0]["loss"] == pytest.approx(curve(two)[0]["loss"], rel=0.05)
    assert curve(one)[1]["epoch"] == curve(two)[1]["epoch"]


def test_bf16_learns_as_well(training, tmp_path):
    outcome, _ = training(precision="bf16", total_steps=60)
    rows = curve(outcome)
    assert rows[-1]["loss"] < 0.5 * rows[0]["loss"]
    assert all(each.dtype != torch.bfloat16 for each in weights(outcome).values())


@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")
def test_compiled_it_learns_the_same(training, tmp_path, monkeypatch):
    plain, _ = training(folder=tmp_path / "plain", total_steps=3)
    monkeypatch.setattr(Tiny, "repeated_parts", (torch.nn.Sequential,))  # dropout included
    compiled, _ = training(folder=tmp_path / "compiled", total_steps=3, compile=True)
    for a, b in zip(curve(plain), curve(compiled), strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-4)


def test_what_acts_is_the_average_where_there_is_one(training, tmp_path):
    averaged, _ = training(folder=tmp_path / "a")
    plain, _ = training(folder=tmp_path / "b", optimization={"ema_power": 0.0})
    raw = load_file(tmp_path / "a/checkpoints/00000012/weights.safetensors")
    shadow = load_file(tmp_path / "a/checkpoints/00000012/average.safetensors")
    assert same(weights(plain), raw), "an average changes nothing else"
    acting = weights(averaged)
    assert all(torch.equal(acting[name], shadow[name]) for name in shadow)
    assert not torch.equal(acting["body.0.weight"], raw["body.0.weight"])
    for name in ("shift", "scale", "pixels.1.running_mean"):
        assert torch.equal(acting[name], raw[name])


def test_learning_rates_are_scaled_and_unused_parameters_stay(training):
    outcome, _ = training(total_steps=5, optimization={"schedule": "constant", "weight_decay": 0.0})
    assert [row["learning_rate"] for row in curve(outcome)] == pytest.approx(
        [0.01 / 3, 0.02 / 3, 0.01, 0.01, 0.01]
    )
    moments = load_file(outcome.files["last"].parent / "checkpoints/00000005/optimizer.safetensors")
    assert "body.0.weight/exp_avg" in moments
    assert not any(name.startswith("unused") for name in moments)


def test_a_checkpoint_says_what_it_learned_from(training):
    outcome, _ = training(episodes=1, total_steps=2)
    found = Checkpoint.load(outcome.files["policy"])
    assert found.dataset["parts"] == [{"episodes": 1, "variations": {}}]
    assert found.dataset["resolution"] == [32, 24]
    assert (found.task, found.training["seed"], found.training["step"]) == ("tool_adjust", 0, 2)
    assert found.training["optimization"]["steps"] == 2
    assert found.training["averaged"]


def test_evaluations_keep_the_best_policy(training, tmp_path, monkeypatch):
    rates = iter([0.5, 1.0, 0.5])
    seen = []

    def rate(episodes, checkpoint, *rest):
        seen.append([episode.seed for episode in episodes])
        return next(rates)

    monkeypatch.setattr("policies.training.demonstration_loop.success_rate", rate)
    outcome, lines = training(eval_every=5)
    rows = curve(outcome)
    assert {row["step"]: row["eval_success"] for row in rows if "eval_success" in row} == {
        5: 0.5,
        10: 1.0,
        12: 0.5,
    }
    assert Checkpoint.load(tmp_path / "run/best").training["step"] == 10
    assert outcome.files["policy"] == tmp_path / "run/best"
    assert any("success 100 %" in line for line in lines)
    assert len({tuple(seeds) for seeds in seen}) == 1, "always the same episodes"
    assert all(90_000 < seed < 100_000 for seed in seen[0])


@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_the_simulator_evaluates(workers, training):
    outcome, _ = training(total_steps=2, eval_every=2, eval_episodes=1, workers=workers)
    assert curve(outcome)[-1]["eval_success"] in (0.0, 1.0)


def test_a_loss_that_is_no_number_ends_the_training_and_is_not_saved(training, tmp_path):
    good, _ = training(total_steps=4, optimization={"schedule": "constant"})
    with pytest.raises(RuntimeError, match="no number any more"):
        training(
            folder=tmp_path / "bad",
            optimization={"learning_rate": 1e30, "clip_norm": 0.0, "warmup_steps": 0},
            checkpoint_every=1,
        )
    states = [path.name for path in (tmp_path / "bad/checkpoints").iterdir()]
    assert states
    state = load_file(tmp_path / "bad/checkpoints" / states[0] / "weights.safetensors")
    assert good
    assert int(states[0]) < 12
    assert state


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"policy": "dq"}, "unknown method 'dq'; did you mean"),
        ({"size": "tiny"}, "unknown size 'tiny'"),
        ({"size": "full"}, "has no full.yaml"),
        ({"task": "block_handover"}, "has no task 'block_handover'; valid: tool_adjust"),
        ({"episodes": 3}, "is for 2 episodes, not 3"),
        ({"method": {"widht": 3}}, "unknown method.widht; did you mean width"),
        ({"method": {"width": "x"}}, "method.width=x: expected int"),
        ({"optimization": {"rate": 3}}, "unknown optimization.rate"),
        ({"optimization": {"schedule": "cosin"}}, "did you mean cosine"),
        ({"optimization": {"batch_size": 0}}, "at least 1"),
        ({"method": {"cameras": ["front_camera"]}}, r"lacks .*front_camera \(it has head_camera\)"),
        ({"method": {"cameras": []}}, r"method.cameras=\[\]: tiny needs at least one camera"),
        ({"optimization": {"warmup_steps": -5}}, "warmup_steps=-5: expected a number >= 0"),
        ({"method": {"resolution": [64, 48]}}, r"pictures of 64x48 pixels \(it has 32x24\)"),
        ({"method": {"resolution": None}}, r"pictures of 320x240 pixels"),
        ({"accumulate": 3}, "batch_size=8 is not divisible by 3"),
        ({"device": "cuda"}, "torch finds no GPU"),
        ({"device": "gpu"}, "device=gpu; "),
        ({"precision": "fp16"}, "precision=fp16; did you mean bf16"),
        ({"compile": True}, "compile=true: Tiny names no parts to compile"),
    ],
)
def test_what_cannot_be_is_told_in_one_line_and_nothing_is_written(
    changes, message, training, tmp_path
):
    if "cuda" in changes.values() and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(TrainingError, match=message) as caught:
        training(**changes)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_another_training_is_neither_continued_nor_deleted_unasked(training, tmp_path):
    first, _ = training(total_steps=3)
    before = weights(first)
    for changes, message in (
        ({"seed": 1}, "seed=0, not 1"),
        ({"total_steps": 5}, "optimization.steps=3, not 5"),
        ({"method": {"width": 8}}, "method.width=16, not 8"),
        ({"episodes": 1}, "dataset.parts="),
    ):
        with pytest.raises(TrainingError, match=message):
            training(**{"total_steps": 3, **changes})
    assert same(weights(first), before)
    training(total_steps=3, seed=1, resume=False)
    again, lines = training(total_steps=3, resume=False)
    assert not any("going on" in line for line in lines)
    assert same(weights(again), before)


def test_nothing_is_left_to_do(training):
    first, _ = training(total_steps=3)
    before = weights(first)
    second, _ = training(total_steps=3)
    assert (second.steps, second.interrupted) == (3, False)
    assert same(weights(second), before)
