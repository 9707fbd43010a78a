"""The depth network's training, by its command."""

import json

import numpy as np
import pytest
import torch
from appearance_episodes import CAMERAS, write_dataset
from safetensors.torch import load_file

from augment.video_metrics.depth_net import DepthNet
from augment.video_metrics.depth_trainer import ERRORS, HELD_OUT, LAST
from augment.video_metrics.depth_training import DepthEstimation
from augment.video_metrics.geometry import DepthErrors
from emma_gym.train import main

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("data"), HELD_OUT)


def train(data, folder, *options):
    small = ["optimization.batch_size=2", "optimization.warmup_steps=1", "device=cpu"]
    arguments = [f"dataset={data}", f"output_dir={folder}", *small, *options]
    return main(["model=depth_net", *arguments])


def weights(folder):
    return load_file(folder / LAST / "diffusion_pytorch_model.safetensors")


def test_an_interrupted_training_ends_with_the_same_network(data, tmp_path, monkeypatch):
    assert train(data, tmp_path / "whole", "total_steps=4") == 0
    real, steps = DepthEstimation.losses, []

    def interrupted(self, batch, generator):
        steps.append(len(steps))
        if len(steps) == 4:
            raise KeyboardInterrupt
        return real(self, batch, generator)

    with monkeypatch.context() as patched:
        patched.setattr(DepthEstimation, "losses", interrupted)
        assert train(data, tmp_path / "parts", "total_steps=4", "checkpoint_every=2") == 130
    assert train(data, tmp_path / "parts", "total_steps=4", "checkpoint_every=2") == 0
    whole, parts = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_its_errors_are_those_of_episodes_that_it_has_not_seen(data, tmp_path):
    assert train(data, tmp_path, "total_steps=2") == 0
    content = json.loads((tmp_path / LAST / ERRORS).read_text())
    assert tuple(content) == CAMERAS
    for errors in content.values():
        assert tuple(errors) == DepthErrors._fields
        assert errors["abs_rel"]["mean"] > 0
        assert errors["abs_rel"]["std"] == 0  # of one episode
    assert isinstance(DepthNet.from_pretrained(tmp_path / LAST), DepthNet)


def test_invalid_depth_does_not_count():
    torch.manual_seed(0)
    learns = DepthEstimation(DepthNet(channels=(8, 12)), recoloring=0.0, sharpness=1.0)
    rgb, depth = torch.rand(2, 1, 3, 16, 16), torch.full((2, 1, 16, 16), 0.5)
    depth[0, 0, :8] = 0
    worse = depth.clone()
    worse[1] = 5.0
    generator = torch.Generator()
    one, other = (
        learns.losses({"rgb": rgb, "depth": each}, generator)["loss"].detach().numpy()
        for each in (depth, worse)
    )
    assert one[0] == other[0]
    assert one[1] != other[1]
    assert np.isfinite(one).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["optimization.rate=1"], "unknown optimization.rate"),
        (["stage=vae"], "unknown option 'stage'"),
        (["tasks=[block_handover]"], "block_handover"),
        (["optimization.batch_size=0"], "at least 1"),
    ],
    ids=["optimization", "of_another_model", "task", "batch"],
)
def test_what_is_wrong_is_said_in_a_line(data, tmp_path, capsys, options, words):
    assert train(data, tmp_path / "run", *options) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert words in err
    assert not (tmp_path / "run").exists()


def test_few_episodes_are_too_few(tmp_path, capsys):
    few = write_dataset(tmp_path / "few", HELD_OUT - 1)
    assert train(few, tmp_path / "run") == 2
    assert "needs 10" in capsys.readouterr().err
