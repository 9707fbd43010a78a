import dataclasses
import json

import pytest

from emma_gym.reproduction.catalog import load_experiment
from emma_gym.reproduction.folders import Folders
from emma_gym.reproduction.tables import markdown_page, success_table
from eval_protocols.protocol import load_protocol

COMMAND = "python -m emma_gym.reproduce experiment=sem_table1 rows=[sem]"
TABLE = load_experiment("sem_table1", "small")


@pytest.fixture
def folders(tmp_path):
    return Folders(tmp_path, tmp_path / "results")


def keep(folders, experiment, rates, wall_s=600):
    """Results by policy, task and seed: success of 100 under each condition, in order."""
    for (name, task, seed), counts in rates.items():
        row = next(row for row in experiment.rows if row.name == name)
        path = folders.result(experiment, row, task, seed)
        path.parent.mkdir(parents=True)
        conditions = [each.name for each in load_protocol(row.protocol).conditions]
        cells = [
            {
                "task": task,
                "condition": condition,
                "success_once": {"rate": count / 100, "low": 0.1, "high": 0.9},
            }
            for condition, count in zip(conditions, counts, strict=True)
        ]
        path.write_text(json.dumps({"summary": {"tasks": cells}}))
        curve = folders.kept(experiment, row.policy.name, task, seed) / "curve.csv"
        curve.write_text(f"step,wall_s\n1,3\n2,{wall_s}\n")


def line(table, name):
    (found,) = [each for each in table.splitlines() if each.startswith(f"| `{name}`")]
    return [cell.strip() for cell in found.strip("|").split("|")]


def test_tasks_side_by_side_with_the_papers_figures(folders):
    keep(folders, TABLE, {("sem", task, 0): [50] for task in TABLE.tasks})
    keep(folders, TABLE, {("act", TABLE.tasks[0], 0): [7]})
    table = success_table(TABLE, folders)
    assert line(table, "sem") == [
        "`sem`",
        *("50 (10 .. 90) [98.0]", "50 (10 .. 90) [97.0]", "50 (10 .. 90) [56.3]"),
        *("50 [83.8]", "10"),
    ]
    assert line(table, "act") == ["`act`", "7 (10 .. 90)", "", "", "", "10"]
    assert line(table, "dp")[1:] == ["[85.7]", "[0.0]", "[14.0]", "[33.2]", ""]


def test_means_and_deviations_over_training_seeds(folders):
    seeds = dataclasses.replace(TABLE, training_seeds=(0, 1, 2))
    rates = {("dp3", task, seed): [10 * seed + 5] for task in TABLE.tasks for seed in (0, 1, 2)}
    keep(folders, seeds, rates)
    assert line(success_table(seeds, folders), "dp3")[1:5] == [
        *("15.0 ± 10.0 [75.7]", "15.0 ± 10.0 [82.0]", "15.0 ± 10.0 [62.3]", "15.0 ± 10.0 [73.3]")
    ]


def test_conditions_side_by_side(folders):
    two = load_experiment("sem_table2", "small")
    keep(folders, two, {("sem_ext1_20", two.tasks[0], 0): [40, 60]})
    table = success_table(two, folders)
    assert table.splitlines()[0] == "|  | `ext0` | `ext1` | minutes |"
    assert line(table, "sem_ext1_20")[1:3] == ["40 (10 .. 90)", "60 (10 .. 90)"]


def test_a_papers_mean_over_unnamed_tasks(folders):
    three = load_experiment("sem_table3", "small")
    keep(folders, three, {("sem", three.tasks[0], 0): [64]})
    assert line(success_table(three, folders), "sem")[1:3] == ["64 (10 .. 90)", "64 [84.5]"]


def test_a_mean_over_chosen_conditions(folders):
    emma = dataclasses.replace(load_experiment("emma_visual", "small"), training_seeds=(0,))
    keep(folders, emma, {("emma_fixmix", "container_place", 0): [90, 40, 50, 60, 70]})
    assert line(success_table(emma, folders), "emma_fixmix")[-2:] == ["55 [68.3]", "10"]


def test_how_uneven_weights_were(folders):
    emma = dataclasses.replace(load_experiment("emma_metric_ablation", "small"), contrasts=())
    rates = {(name, "container_place", 0): [50] * 5 for name in ("emma_adamix_ts", "emma_adamix")}
    keep(folders, emma, rates)
    assert "ffective share" not in markdown_page(emma, folders, COMMAND)
    row = next(row for row in emma.rows if row.name == "emma_adamix")
    curve = folders.kept(emma, row.policy.name, "container_place", 0) / "curve.csv"
    curve.write_text("step,wall_s,effective_share\n1,3,\n2,9,0.7\n3,600,0.9\n")
    page = markdown_page(emma, folders, COMMAND)
    assert line(page, "emma_adamix")[-2:] == ["0.80", "10"]
    assert line(page, "emma_adamix_ts")[-2:] == ["", "10"]
    assert "Effective share: Kish" in page


def test_the_page_says_how_it_was_made(folders):
    page = markdown_page(TABLE, folders, COMMAND)
    assert "arXiv 2505.16196" in page
    assert page.endswith(f"\n\n    {COMMAND}\n")


def test_the_page_says_where_the_papers_figures_are_from(folders):
    assert "in RoboTwin 1.0 with its own assets" in markdown_page(TABLE, folders, COMMAND)
    emma = markdown_page(load_experiment("emma_visual", "small"), folders, COMMAND).replace(
        "\n", " "
    )
    assert "where it is known, with pi0 on a real robot and in Isaac Sim, in version 2" in emma
    assert "RoboTwin" not in emma
    unknown = markdown_page(load_experiment("emma_lambda", "small"), folders, COMMAND)
    assert "the paper's figure where it is known" not in unknown


def test_notes_are_on_the_page(folders):
    page = markdown_page(load_experiment("emma_visual", "full"), folders, COMMAND).replace(
        "\n", " "
    )
    assert 'version 1 says "over 200 %"' in page
    assert '"a further 13 %"' in page
    shares = markdown_page(load_experiment("emma_mixing_ratio", "small"), folders, COMMAND)
    assert "The share is one of the samples" in shares


def test_contrasts_are_on_the_page_of_an_experiment_that_has_some(folders):
    page = markdown_page(load_experiment("emma_visual", "small"), folders, COMMAND)
    assert "| `emma_adamix` | `emma_fixmix` | not made yet |" in page
    assert "Contrasts" not in markdown_page(TABLE, folders, COMMAND)
