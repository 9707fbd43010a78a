"""A small data set of real demonstrations, and trainings of a tiny method on it."""

import pytest
import torch

from envs.demonstrations.collection import Watcher, collect
from envs.demonstrations.dataset import DatasetInfo, Part
from learning.item_order import Shuffled
from policies.training.trainers import DemonstrationSettings, SamplingSettings, load_trainer

TASK = "tool_adjust"
TINY = "tiny_method.method:Tiny"  # pytest puts this folder on the path


class Quiet(Watcher):
    def begin(self, done, total):
        pass

    def planned(self, task, seed, failure):
        pass

    def recorded(self, task, path):
        pass


@pytest.fixture(scope="session")
def demonstrations(tmp_path_factory, renderer):
    """Folder of two demonstrations with the head camera, 32 x 24 pixels."""
    folder = tmp_path_factory.mktemp("demonstrations") / "data"
    info = DatasetInfo(
        tasks=(TASK,),
        parts=(Part(2, {}),),
        seed=0,
        cameras=("head_camera",),
        camera_model="D435",
        resolution=(32, 24),
        pictures=("rgb", "depth"),
        control_hz=16.67,
    )
    collect(info, folder, 0, Quiet())
    return folder


@pytest.fixture
def training(demonstrations, tmp_path, monkeypatch):
    """Trains; returns what came of it and the lines that were told."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)

    def run(**changes):
        settings = {
            "policy": TINY,
            "size": "small",
            "task": TASK,
            "dataset": demonstrations,
            "generated": None,
            "sampling": SamplingSettings(),
            "episodes": None,
            "seed": 0,
            "total_steps": None,
            "method": {},
            "optimization": {},
            "folder": tmp_path / "run",
            "resume": True,
            "device": "cpu",
            "precision": "fp32",
            "compile": False,
            "accumulate": 1,
            "loader_workers": 0,
            "checkpoint_every": 1000,
            "eval_every": 0,
            "eval_episodes": 2,
            "workers": 0,
        }
        order = changes.pop("order", Shuffled)
        monkeypatch.setattr("policies.training.demonstration_trainer.Shuffled", order)
        lines = []
        settings = DemonstrationSettings(**(settings | changes))
        return load_trainer(TINY)(settings, lines.append), lines

    yield run
    torch.set_num_threads(threads)
