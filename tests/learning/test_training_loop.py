"""A training of a network that no other package knows."""

import signal

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from learning.accelerator import make_accelerator
from learning.curve import read_curve
from learning.interruption import Interruption
from learning.item_order import Shuffled
from learning.learner import Learner
from learning.learns import Learns
from learning.loader import Loader
from learning.optimization import Optimization
from learning.state import Progress, latest_state
from learning.training_loop import Evaluation, TrainingLoop

CLOCKED = ("wall_s", "samples_per_s", "loading")
OPTIMIZATION = Optimization(
    12, 8, 0.01, muon_learning_rate=0.02, warmup_steps=3, clip_norm=1.0, ema_power=0.75
)


class Squares(torch.utils.data.Dataset):
    def __len__(self):
        return 20

    def __getitem__(self, index):
        x = torch.tensor([index / 20])
        return {"x": x, "y": x.square()}


class Net(Learns):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 16), nn.Dropout(0.1), nn.Linear(16, 1)
        )

    def losses(self, batch, generator):
        noise = 0.01 * torch.randn(batch["x"].shape, generator=generator)
        error = (self.body(batch["x"] + noise) - batch["y"]).square().mean(dim=1)
        return {"loss": error, "double": 2 * error}


class Loop(TrainingLoop):
    """Writes weights; presses Ctrl-C in a step."""

    def __init__(self, *args, stop=None):
        super().__init__(*args)
        self.stop, self.results = stop, []

    def save_result(self, step):
        save_file(self.learner.inference_weights(), self.folder / "net.safetensors")
        self.results.append(step)

    def evaluate(self, step, measured):
        if step == self.stop:
            signal.raise_signal(signal.SIGINT)
        return super().evaluate(step, measured)


class EvaluatedLoop(Loop):
    evaluated = ("eval_error",)

    def evaluate(self, step, measured):
        found = {4: Evaluation({"eval_error": 0.5}, "error 0.5"), 8: Evaluation()}
        return found.get(step)


@pytest.fixture
def training(tmp_path):
    """Trains in a folder, from where it is; returns the loop, how far it came and its lines."""
    tmp_path.joinpath("run").mkdir()

    def run(folder=tmp_path / "run", loop=Loop, stop=None, accumulate=1, checkpoint_every=1000):
        folder.mkdir(exist_ok=True)
        torch.manual_seed(0)
        learner = Learner(Net(), OPTIMIZATION, make_accelerator("cpu", "fp32"), "fp32", seed=0)
        state = latest_state(folder / "checkpoints")
        progress = learner.load(state) if state else Progress()
        loader = Loader(Squares(), Shuffled(20, seed=0), accumulate, workers=0)
        lines = []
        with Interruption() as interruption:
            made = loop(
                folder, learner, loader, checkpoint_every, lines.append, interruption, stop=stop
            )
            made.run(progress)
        return made, progress.step, lines

    return run


def curve(folder):
    rows = read_curve(folder / "curve.csv")
    return [{key: row[key] for key in row if key not in CLOCKED} for row in rows]


def test_any_network_learns_and_writes_its_files(training, tmp_path):
    loop, steps, lines = training()
    assert steps == 12
    assert loop.results == [12]
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        *("net.safetensors", "checkpoints", "tensorboard", "curve.csv")
    }
    header = (tmp_path / "run/curve.csv").read_text().splitlines()[0]
    assert header == "step,wall_s,epoch,loss,double,learning_rate,grad_norm,samples_per_s,loading"
    rows = curve(tmp_path / "run")
    assert rows[-1]["epoch"] == pytest.approx(12 * 8 / 20)
    assert rows[-1]["double"] == pytest.approx(2 * rows[-1]["loss"])
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert lines[-1].startswith("step 12/12  loss ")


@pytest.mark.parametrize("accumulate", [1, 2])
def test_one_that_was_interrupted_has_the_curve_of_one_that_was_not(accumulate, training, tmp_path):
    training(folder=tmp_path / "whole", accumulate=accumulate)
    first, steps, _ = training(stop=5, accumulate=accumulate)
    assert (steps, first.results) == (5, [5])
    _, steps, _ = training(accumulate=accumulate)
    assert steps == 12
    assert curve(tmp_path / "run") == curve(tmp_path / "whole")
    one, other = (load_file(tmp_path / name / "net.safetensors") for name in ("run", "whole"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_what_comes_out_is_written_with_every_state(training, tmp_path):
    loop, _, _ = training(checkpoint_every=5)
    assert loop.results == [5, 10, 12]
    assert [path.name for path in (tmp_path / "run/checkpoints").iterdir()] == ["00000012"]


def test_evaluations_have_columns_and_words(training, tmp_path, monkeypatch):
    monkeypatch.setattr("learning.learning_curve.LINES", 1)  # a line at the end
    _, _, lines = training(loop=EvaluatedLoop)
    rows = curve(tmp_path / "run")
    assert [(row["step"], row.get("eval_error")) for row in rows] == [
        (4.0, 0.5),
        (8.0, None),  # it was given up
        (12.0, None),
    ]
    assert sum("  error 0.5  " in line for line in lines) == 1
