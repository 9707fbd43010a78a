import dataclasses
import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "eval_protocols"))
from example_result import condition, episodes_of, example_result

from emma_gym.reproduction.catalog import load_experiment
from emma_gym.reproduction.contrast_table import contrast_section
from emma_gym.reproduction.folders import Folders
from emma_gym.reproduction.planned_contrasts import PlannedContrast
from eval_protocols.comparison import Run, compare

CONDITIONS = [condition("trained"), *(condition(name, "trained", factor="x") for name in "ab")]
EXPERIMENT = dataclasses.replace(
    load_experiment("emma_visual", "small"),
    tasks=("tool_adjust",),
    contrasts=(
        PlannedContrast("emma_unfiltered", "emma_recorded", 2.0),
        PlannedContrast("emma_adamix", "emma_fixmix", 1.13),
        PlannedContrast("emma_fixmix", "emma_color_jitter"),
    ),
)


@pytest.fixture
def folders(tmp_path):
    return Folders(tmp_path, tmp_path / "results")


def made(counts, seed=0, task="tool_adjust", trained=100, **changes):
    """A result of 100 seeds with successes under both perturbed conditions."""
    episodes = [
        record
        for name, count in zip(("trained", "a", "b"), (trained, *counts), strict=True)
        for record in episodes_of(task, name, [n < count for n in range(100)])
    ]
    policy = {"weights_sha256": None}
    return example_result(
        episodes, conditions=CONDITIONS, policy=policy, training={"seed": seed}, **changes
    )


def keep(folders, name, counts, experiment=EXPERIMENT, **changes):
    """The same counts for each training seed and task."""
    row = next(row for row in experiment.rows if row.name == name)
    for seed in experiment.training_seeds:
        for task in experiment.tasks:
            path = folders.result(experiment, row, task, seed)
            path.parent.mkdir(parents=True)
            path.write_text(json.dumps(made(counts, seed, task, **changes)))


def line(section, better):
    (found,) = [each for each in section.splitlines() if each.startswith(f"| `{better}`")]
    return [cell.strip() for cell in found.strip("|").split("|")]


def test_difference_ratio_and_goal_are_over_perturbed_conditions_only(folders):
    keep(folders, "emma_recorded", (20, 10), trained=90)
    keep(folders, "emma_unfiltered", (70, 50), trained=10)
    cells = line(contrast_section(EXPERIMENT, folders), "emma_unfiltered")
    assert cells[:3] == ["`emma_unfiltered`", "`emma_recorded`", "60.0 and 15.0"]
    assert cells[3].startswith("+45.0 (+")
    assert cells[5:] == ["yes", "4.00", "2: held"]


def test_numbers_are_those_of_a_comparison_with_holms_correction(folders):
    keep(folders, "emma_fixmix", (50, 40))
    keep(folders, "emma_adamix", (53, 42))
    sides = [
        [Run(str(seed), made(counts, seed)) for seed in EXPERIMENT.training_seeds]
        for counts in ((50, 40), (53, 42))
    ]
    overall = compare(*sides).overall
    value, low, high = (100 * number for number in overall.difference)
    cells = line(contrast_section(EXPERIMENT, folders), "emma_adamix")
    assert cells[3] == f"{value:+.1f} ({low:+.1f} .. {high:+.1f})"
    alone = dataclasses.replace(EXPERIMENT, contrasts=EXPERIMENT.contrasts[1:2])
    p_value, corrected = (
        float(line(contrast_section(each, folders), "emma_adamix")[4].removeprefix("< "))
        for each in (alone, EXPERIMENT)
    )
    assert p_value == pytest.approx(overall.p_value, abs=5e-4)
    # Contrasts that are not made yet are corrected for as well: no verdict is taken back later.
    assert corrected == pytest.approx(min(1, 3 * overall.p_value), abs=5e-4)


@pytest.mark.parametrize(
    ("counts", "goal"),
    [
        ((90, 90), "1.13: held"),
        ((47, 47), "1.13: not held; reached by the rates"),
        ((44, 44), "1.13: not held; not reached by the rates"),
    ],
)
def test_a_goal_needs_more_than_rates_that_reach_it(folders, counts, goal):
    keep(folders, "emma_fixmix", (40, 40))
    keep(folders, "emma_adamix", counts)
    assert line(contrast_section(EXPERIMENT, folders), "emma_adamix")[7] == goal


def test_the_opposite_is_said(folders):
    keep(folders, "emma_color_jitter", (80, 80))
    keep(folders, "emma_fixmix", (40, 40))
    cells = line(contrast_section(EXPERIMENT, folders), "emma_fixmix")
    assert cells[5:] == ["the opposite", "0.50", ""]


def test_nothing_is_a_multiple_of_no_success(folders):
    keep(folders, "emma_recorded", (0, 0))
    keep(folders, "emma_unfiltered", (0, 0))
    cells = line(contrast_section(EXPERIMENT, folders), "emma_unfiltered")
    assert cells[5:] == ["no", "", "2: not held; not reached by the rates"]


def test_one_that_lacks_a_training_seed_is_not_made_yet(folders):
    keep(folders, "emma_recorded", (20, 10))
    keep(folders, "emma_unfiltered", (70, 50))
    row = next(row for row in EXPERIMENT.rows if row.name == "emma_recorded")
    folders.result(EXPERIMENT, row, "tool_adjust", 2).unlink()
    cells = line(contrast_section(EXPERIMENT, folders), "emma_unfiltered")
    assert cells[2:] == ["not made yet", "", "", "", "", ""]


def test_one_of_fewer_episodes_than_are_asked_for_is_not_made_yet(folders):
    keep(folders, "emma_recorded", (20, 10))
    keep(folders, "emma_unfiltered", (70, 50))
    more = dataclasses.replace(EXPERIMENT, episodes=200)
    assert line(contrast_section(more, folders), "emma_unfiltered")[2] == "not made yet"


def test_tasks_are_averaged(folders):
    two = dataclasses.replace(EXPERIMENT, tasks=("tool_adjust", "shoe_place"))
    keep(folders, "emma_recorded", (20, 10), two)
    keep(folders, "emma_unfiltered", (70, 50), two)
    row = next(row for row in two.rows if row.name == "emma_unfiltered")
    for seed in two.training_seeds:
        path = folders.result(two, row, "shoe_place", seed)
        path.write_text(json.dumps(made((0, 0), seed, "shoe_place")))
    assert line(contrast_section(two, folders), "emma_unfiltered")[2] == "30.0 and 15.0"


def test_what_cannot_be_compared_says_why(folders):
    keep(folders, "emma_recorded", (20, 10))
    keep(folders, "emma_unfiltered", (70, 50), protocol={"version": 9})
    cells = line(contrast_section(EXPERIMENT, folders), "emma_unfiltered")
    assert cells[2].startswith("not comparable: different versions of the protocol")


@pytest.mark.parametrize(
    ("seeds", "words"),
    [((0,), "one training run each"), ((0, 1), "fewer than 3 training runs")],
)
def test_few_training_seeds_are_said(folders, seeds, words):
    few = dataclasses.replace(EXPERIMENT, training_seeds=seeds)
    assert words in contrast_section(few, folders).replace("\n", " ")
    assert "training run each" not in contrast_section(EXPERIMENT, folders)


def test_other_physics_is_said(folders):
    keep(folders, "emma_recorded", (20, 10))
    assert "other physics" not in contrast_section(EXPERIMENT, folders)
    versions = made((1, 1))["versions"] | {"physics_sha256": "f" * 64}
    keep(folders, "emma_unfiltered", (70, 50), versions=versions)
    assert "other physics" in contrast_section(EXPERIMENT, folders).replace("\n", " ")
