"""The command as people use it."""

import json
import shutil
from pathlib import Path

import pytest

from emma_gym import reproduce_command
from emma_gym.reproduce import main
from emma_gym.reproduction.stage_runner import StageFailedError

COMMITTED = Path(__file__).parents[2] / "results" / "reproduced"

OWN = """
title: Ours
source: nobody
sizes:
  small: {tasks: [tool_adjust], resolution: [32, 24]}
rows:
  - {policy: tiny, protocol: in_domain}
policies:
  tiny:
    policy: act
    training: in_domain/nominal_20
    options: [total_steps=2, 'method.resolution=[32,24]', 'method.cameras=[head_camera]']
"""


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        status = main(arguments)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_a_dry_run_says_what_would_run_and_writes_nothing(here):
    status, out, _ = here(
        "experiment=sem_table1", "rows=[dp]", "tasks=[tool_adjust]", "dry_run=true"
    )
    assert status == 0
    commands = [line.split()[2] for line in out.splitlines() if line.startswith("python -m")]
    assert commands == ["emma_gym.collect", "emma_gym.train", "emma_gym.evaluate"]
    assert "3 stages" in out
    assert "| `dp` |" in out
    assert not list(Path().iterdir())


def test_the_committed_results_make_a_table(here):
    status, out, _ = here("experiment=sem_table1", f"results_dir={COMMITTED}", "dry_run=true")
    assert status == 0
    assert "| `sem` | 98 (93 .. 99) [98.0] |" in out


@pytest.fixture
def outdated(here):
    """A committed result whose protocol has changed since."""
    folder = Path("kept/small/act/container_place")
    shutil.copytree(COMMITTED / "small" / "act" / "container_place", folder)
    path = folder / "seed_0" / "in_domain" / "result.json"
    result = json.loads(path.read_text())
    result["protocol"]["sha256"] = "0" * 64
    path.write_text(json.dumps(result))
    return path


ACT = ("experiment=sem_table1", "rows=[act]", "tasks=[container_place]", "results_dir=kept")


def test_an_outdated_result_is_refused_before_anything_is_run(here, outdated):
    before = outdated.read_bytes()
    status, out, err = here(*ACT)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("error: kept/small/act/container_place/seed_0/in_domain/result.json has")
    assert outdated.read_bytes() == before
    assert not Path("outputs").exists()


def test_a_dry_run_names_an_outdated_result_and_shows_it(here, outdated):
    status, out, _ = here(*ACT, "dry_run=true")
    assert status == 0
    assert out.startswith("# outdated: kept/small/act/")
    assert "| `act` | 81 (72 .. 87) |" in out


def test_what_does_not_need_a_stage_that_failed_is_in_the_table(here, monkeypatch):
    def run_stages(*_):
        raise StageFailedError("train dp on x failed with exit status 1: see y")

    monkeypatch.setattr(reproduce_command, "run_stages", run_stages)
    shutil.copytree(
        COMMITTED / "small" / "act" / "container_place", "kept/small/act/container_place"
    )
    arguments = ("rows=[act,dp]", "tasks=[container_place]", "results_dir=kept")
    status, out, err = here("experiment=sem_table1", *arguments)
    assert status == 1
    assert "| `act` | 81 (72 .. 87) |" in out
    assert "error: train dp on x failed with exit status 1: see y; this goes on:" in err


def test_a_dry_run_sums_what_is_measured_and_names_the_rest(here):
    rows = "rows=[emma_recorded,emma_random_background,emma_fixmix]"
    status, out, _ = here("experiment=emma_visual", rows, "training_seeds=[0]", "dry_run=true")
    assert status == 0
    (total,) = [line for line in out.splitlines() if line.startswith("10 stages")]
    assert "hours on a machine like ours" in total
    assert total.endswith(", and what nobody has measured: 1 generate")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "experiment=null; valid: emma_adamix_vs_fixmix"),
        (["experiment=sem_table9"], "unknown experiment 'sem_table9'; did you mean"),
        (["experiment=sem_table1", "tasks=[tool]"], "unknown task 'tool'"),
        (["experiment=sem_table1", "rows=[xyz]"], "sem_table1 has no row 'xyz'; valid: sem, dp"),
        (["experiment=sem_table1", "training_seeds=[0,0]"], "a list of different integers >= 0"),
        (
            ["experiment=sem_table1", "episodes=1000", "dry_run=true"],
            "has 100 validated seeds, 1000 are wanted: ask for fewer episodes",
        ),
        (["experiment=sem_table1", "jobs=0"], "jobs=0: expected an integer >= 1 or auto"),
        (["experiment=sem_table1", "output_dir=null"], "output_dir=null: expected a folder"),
    ],
    ids=["none", "experiment", "task", "row", "seeds", "episodes", "jobs", "folder"],
)
def test_what_is_wrong_is_said_in_a_line(here, arguments, words):
    status, out, err = here(*arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert words in err
    assert not list(Path().iterdir())


@pytest.mark.slow
def test_a_table_is_made_from_nothing(here):
    Path("own.yaml").write_text(OWN)
    arguments = ("experiment=own.yaml", "episodes=2", "output_dir=made", "results_dir=kept")
    status, out, err = here(*arguments)
    assert status == 0, err
    assert err.count("done ") == 3
    assert Path("kept/own-small.md").read_text() in out
    run = Path("kept/small/tiny/tool_adjust/seed_0")
    assert {path.name for path in run.iterdir()} == {"config.yaml", "curve.csv", "in_domain"}
    result = json.loads((run / "in_domain" / "result.json").read_text())
    assert len(result["episodes"]) == 2
    before = out.split("table ")[0]
    status, out, err = here(*arguments)
    assert (status, err) == (0, "")
    assert out.startswith(before)
