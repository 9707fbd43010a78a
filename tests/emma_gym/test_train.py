"""Training by interaction, as people use the command, with trainings of a few steps."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import yaml

from emma_gym import evaluate
from emma_gym.train import main
from learning.curve import read_curve
from policies.sb3 import Checkpoint

TINY = [
    *("task=block_handover", "workers=0", "episode_steps=5", "eval_episodes=1", "eval_every=20"),
    *("hand.repeat=1", "hyperparameters.hidden=[8]", "checkpoint_every=20", "output_dir=run"),
]
PPO = ["policy=ppo", "hyperparameters.n_steps=20", "hyperparameters.batch_size=20"]
SAC = ["policy=sac", "hyperparameters.learning_starts=10", "hyperparameters.buffer_size=100"]


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """Runs the command in a folder; returns status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        status = main([*TINY, *arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.mark.parametrize("algorithm", [PPO, SAC], ids=["ppo", "sac"])
def test_a_training_writes_all_its_files_and_goes_on(algorithm, here, tmp_path):
    status, out, err = here(*algorithm, "total_steps=40")
    assert status == 0, err
    assert "40 steps" in err
    folder = tmp_path / "run"
    assert {path.name for path in folder.iterdir()} == {
        *("best", "last", "checkpoints", "tensorboard", "curve.csv", "config.yaml")
    }
    assert [row["steps"] for row in read_curve(folder / "curve.csv")] == [20, 40]
    assert yaml.safe_load((folder / "config.yaml").read_text())["hand"]["repeat"] == 1
    assert json.loads((folder / "checkpoints/latest.json").read_text())["steps"] == 40
    assert "policy_config.checkpoint=run/best" in out

    status, _, err = here(*algorithm, "total_steps=80")
    assert status == 0, err
    assert "going on from step 40" in err
    rows = read_curve(folder / "curve.csv")
    assert [row["steps"] for row in rows] == [20, 40, 60, 80]
    assert [row["wall_s"] for row in rows] == sorted(row["wall_s"] for row in rows)
    last = Checkpoint.load(folder / "last")
    assert last.training["steps"] == 80
    # One checkpoint is kept, with its replay buffer if there is one.
    assert len(list((folder / "checkpoints").iterdir())) == (2 if algorithm is PPO else 3)

    # The policy goes through an evaluation like any other.
    name = algorithm[0].removeprefix("policy=")
    result = tmp_path / "evaluation/result.json"
    assert not evaluate.main(
        [
            *(f"policy={name}", "policy_config.checkpoint=run/best", "tasks=block_handover"),
            *("validated_seeds=false", "episodes=1", "workers=0", "video=0"),
            "training=interaction",
            f"output_dir={result.parent}",
        ]
    )
    found = json.loads(result.read_text())
    assert found["episodes"][0]["error"] is None
    assert found["policy"]["weights_sha256"] == Checkpoint.load(folder / "best").sha256


def test_what_is_not_saved_is_done_again(here, tmp_path):
    assert here(*SAC, "total_steps=40")[0] == 0
    curve = tmp_path / "run/curve.csv"
    curve.write_text(curve.read_text() + curve.read_text().splitlines()[-1].replace("40", "60", 1))
    assert here(*SAC, "total_steps=60")[0] == 0
    assert [row["steps"] for row in read_curve(curve)] == [20, 40, 60]


def test_another_training_is_neither_continued_nor_deleted_unasked(here, tmp_path):
    assert here(*PPO, "total_steps=20")[0] == 0
    before = (tmp_path / "run/last/model.safetensors").read_bytes()
    status, _, err = here(*PPO, "total_steps=40", "seed=1")
    assert status == 2
    assert "holds a training with seed=0, not 1" in err
    assert (tmp_path / "run/last/model.safetensors").read_bytes() == before
    status, _, err = here(*PPO, "total_steps=20", "seed=1", "resume=false")
    assert status == 0
    assert "going on" not in err
    assert (tmp_path / "run/last/model.safetensors").read_bytes() != before
    assert here(*PPO, "total_steps=20", "resume=false")[0] == 0
    assert (tmp_path / "run/last/model.safetensors").read_bytes() == before, "the same seed again"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["policy=pp"], "did you mean ppo"),
        (["policy=expert"], "policy 'expert' cannot be trained; valid: ppo, sac, sem, dp, dp3"),
        (["dataset=x"], "unknown option 'dataset'"),
        (["task=tool"], "did you mean tool_adjust"),
        (["total_stps=3"], "did you mean total_steps?"),
        (["total_steps=0"], "expected an integer >= 1"),
        (["hand.stp=0.1"], "hand: unknown setting 'stp'; did you mean step?"),
        (["hand.things=7"], "hand: things=7, but the task has"),
        (["hand.approach=[0,0,1]"], "arm cannot point along [0.0, 0.0, 1.0]"),
        (["hyperparameters.gama=1"], "did you mean gamma?"),
        (["hyperparameters.gamma=x"], "gamma=x: expected a number"),
        (["hyperparameters.batch_size=0.5"], "batch_size=0.5: expected an integer"),
        (["hyperparameters.hidden=8"], "expected sizes"),
        (["reward.bonus=much"], "reward.bonus=much: expected a number"),
        (["reward.size=1"], "unknown reward 'size'"),
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


def test_help_shows_every_option(capsys):
    assert main(["--help"]) == 0
    page = capsys.readouterr().out
    for name in ("total_steps=", "hyperparameters=", "episode_steps=", "ppo, sac"):
        assert name in page
    for name in ("Options of sem, dp, dp3, act, which", "dataset=", "loader_workers=", "method={}"):
        assert name in page


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_leaves_what_goes_on(tmp_path):
    command = [
        *(sys.executable, "-m", "emma_gym.train", *TINY, *SAC, "workers=1"),
        *("total_steps=100000", "eval_every=10000", "checkpoint_every=10000"),
    ]
    process = subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    folder = tmp_path / "run"
    try:
        wait_for(lambda: list(folder.glob("tensorboard/*")), process)
        time.sleep(1)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers as well
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "this continues:\n  python -m emma_gym.train" in err
    assert "Traceback" not in err
    steps = json.loads((folder / "checkpoints/latest.json").read_text())["steps"]
    assert f"interrupted after {steps} of 100000 steps" in err
    assert Checkpoint.load(folder / "last").training["steps"] == steps


def wait_for(condition, process, limit_s=90):
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "it took too long"
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.1)
