"""The command as people use it."""

import json
from pathlib import Path

import pytest

from emma_gym.reproduce import main

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
    results = Path(__file__).parents[2] / "results" / "reproduced"
    status, out, _ = here("experiment=sem_table1", f"results_dir={results}", "dry_run=true")
    assert status == 0
    assert "| `sem` | 98 (93 .. 99) [98.0] |" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "experiment=null; valid: emma_adamix_vs_fixmix"),
        (["experiment=sem_table9"], "unknown experiment 'sem_table9'; did you mean"),
        (["experiment=sem_table1", "tasks=[tool]"], "unknown task 'tool'"),
        (["experiment=sem_table1", "rows=[xyz]"], "sem_table1 has no row 'xyz'; valid: sem, dp"),
        (["experiment=sem_table1", "training_seeds=[0,0]"], "a list of different integers >= 0"),
        (["experiment=sem_table1", "jobs=0"], "jobs=0: expected an integer >= 1 or auto"),
        (["experiment=sem_table1", "output_dir=null"], "output_dir=null: expected a folder"),
    ],
    ids=["none", "experiment", "task", "row", "seeds", "jobs", "folder"],
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
