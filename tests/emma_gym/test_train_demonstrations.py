"""Training from demonstrations, as people use the command, with trainings of a few steps."""

import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
import torch
import yaml

from emma_gym import collect, evaluate
from emma_gym.train import main
from learning.curve import read_curve
from policies.imitation.checkpoint import Checkpoint
from policies.policy import Observes
from policies.training.demonstration_data import open_demonstrations

TINY = [
    *("policy=dp", "size=small", "task=tool_adjust", "output_dir=run", "workers=0"),
    *("method.resolution=[32,24]", "method.image_channels=[8,8,8,8]"),
    *("method.unet_widths=[16,16]", "method.inference_steps=2", "method.horizon=8"),
    *("optimization.batch_size=4", "optimization.warmup_steps=2", "device=cpu"),
]


@pytest.fixture(scope="session")
def dataset(tmp_path_factory, renderer):
    """Two demonstrations."""
    folder = tmp_path_factory.mktemp("demonstrations") / "data"
    assert not collect.main(
        [
            *("tasks=tool_adjust", "episodes=2", "cameras=[head_camera]", "resolution=[32,24]"),
            *("workers=0", f"output_dir={folder}"),
        ]
    )
    return folder


@pytest.fixture
def here(dataset, tmp_path, monkeypatch, capsys):
    """Runs the command in a folder; returns status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)

    def run(*arguments):
        status = main([*TINY, f"dataset={dataset}", *arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    yield run
    torch.set_num_threads(threads)


def test_a_policy_is_trained_and_goes_through_an_evaluation_like_any_other(here, tmp_path, capsys):
    status, out, err = here("total_steps=3", "seed=5")
    assert status == 0, err
    assert "step 3/3" in err
    config = yaml.safe_load((tmp_path / "run/config.yaml").read_text())
    assert config["optimization"]["steps"] == 3
    assert config["method"]["resolution"] == [32, 24]
    assert "policy=dp policy_config.checkpoint=run/last tasks=tool_adjust\n" in out

    result = tmp_path / "evaluation/result.json"
    evaluation = [
        *("policy=dp", "policy_config.checkpoint=run/last", "validated_seeds=false"),
        *("episodes=1", "workers=0", "video=0", f"output_dir={result.parent}"),
    ]
    # One task is all that was learned, and two demonstrations are no training set of the protocol.
    assert evaluate.main([*evaluation, "tasks=block_handover"]) == 2
    assert "made for tool_adjust, not for block_handover" in capsys.readouterr().err
    assert not result.parent.exists()
    assert not evaluate.main([*evaluation, "tasks=tool_adjust"])
    found = json.loads(result.read_text())
    assert found["episodes"][0]["error"] is None
    assert found["training"] == {
        "name": "other",
        "description": "2 demonstrations of a task",
        "seed": 5,
        "sampling": {"sampler": "epochs", "generated_filter": False},
    }
    assert found["policy"]["weights_sha256"] == Checkpoint.load(tmp_path / "run/last").sha256


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["policy=dq"], "did you mean dp"),
        (["size=medium"], "unknown size 'medium'"),
        (["dataset=nowhere"], "nowhere is no data set"),
        (["dataset=null"], "dataset=FOLDER is needed"),
        (["method.widths=3"], "unknown method.widths"),
        (["hand.step=1"], "unknown option 'hand.step'"),
        (["total_steps=0"], "expected an integer >= 1 or null"),
        (["optimization.learning_rate=fast"], "learning_rate=fast: expected float"),
        (["optimization.clip_norm=-1"], "optimization.clip_norm=-1.0: expected a number >= 0"),
        (["precision=fp16"], "precision=fp16"),
        (["policy=json:dumps"], "is no ImitationMethod"),
    ],
)
def test_wrong_options_are_explained_in_one_line_and_nothing_is_written(
    arguments, message, here, tmp_path
):
    status, out, err = here(*arguments)
    assert status == 2
    assert message in err
    assert err.count("\n") == 1
    assert not out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("policy", ["sem", "dp", "dp3", "act"])
def test_who_sees_pictures_needs_a_camera(policy, dataset, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    options = ["size=small", "task=tool_adjust", f"dataset={dataset}", "device=cpu"]
    assert main([f"policy={policy}", *options, "method.cameras=[]"]) == 2
    err = capsys.readouterr().err
    assert "cameras=[]" in err
    assert "at least one" in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_who_sees_the_state_alone_needs_none(dataset):
    method = SimpleNamespace(name="blind", observes=Observes("state"))
    assert len(open_demonstrations(dataset, "tool_adjust", None, method).episodes) == 2


def curve(folder):
    keys = ("step", "epoch", "loss", "learning_rate", "grad_norm")
    return [[row[key] for key in keys] for row in read_curve(folder / "curve.csv")]


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
@pytest.mark.parametrize(
    "how", [signal.SIGINT, pytest.param(signal.SIGKILL, marks=pytest.mark.slow)]
)
def test_whatever_ends_it_the_same_command_goes_on(how, here, dataset, tmp_path):
    steps = ["total_steps=40", "checkpoint_every=5"]
    command = [sys.executable, "-m", "emma_gym.train", *TINY, f"dataset={dataset}", *steps]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [*command, "loader_workers=1"],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    folder = tmp_path / "run"
    try:
        end = time.monotonic() + 300
        while not any((folder / "checkpoints").glob("*[0-9]")):
            assert time.monotonic() < end, "it took too long"
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.02)
        os.killpg(process.pid, how)  # as a terminal does: to the workers as well
        _, err = process.communicate(timeout=120)
    finally:
        process.kill()
    if how is signal.SIGINT:
        assert process.returncode == 130, err
        assert "this continues:\n  python -m emma_gym.train" in err
        assert "Traceback" not in err
    assert Checkpoint.load(folder / "last").training["step"] >= 5
    status, _, err = here(*steps)
    assert status == 0, err
    assert "going on from step" in err
    assert here(*steps, "output_dir=whole")[0] == 0
    assert curve(folder) == curve(tmp_path / "whole")
