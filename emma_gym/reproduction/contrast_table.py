"""What came of an experiment's contrasts, out of the result files that are kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from statsmodels.stats.multitest import multipletests

from emma_gym.reproduction.catalog import Experiment, Row
from emma_gym.reproduction.folders import Folders
from emma_gym.reproduction.kept_results import is_there
from emma_gym.reproduction.markdown import markdown_table, paragraph
from emma_gym.reproduction.planned_contrasts import PlannedContrast
from eval_protocols.comparison import Comparison, Contrast, NotComparableError, Run, compare
from eval_protocols.comparison.checks import MIN_TRAINING_RUNS
from eval_protocols.statistics import CONFIDENCE

HEAD = ("Better", "than", "success, %", "difference, points", "p", "shown", "ratio", "goal")


def contrast_section(experiment: Experiment, folders: Folders) -> str:
    """The page's section in Markdown: its table, and what has to be known to read it.

    Args:
        experiment: With contrasts; one that lacks a result is not made yet.
        folders: Where results are kept.
    """
    found = [_compared(experiment, folders, each) for each in experiment.contrasts]
    # Those that are not made yet are of the family: p-values do not grow as results come in.
    p_values = [each.overall.p_value if isinstance(each, Comparison) else 1.0 for each in found]
    adjusted = multipletests(p_values, method="holm")[1].tolist()
    rows = [
        [
            *(f"`{name}`" for name in (planned.better, planned.than)),
            *([each] if isinstance(each, str) else _cells(each, p_value)),
        ]
        for planned, each, p_value in zip(experiment.contrasts, found, adjusted, strict=True)
    ]
    explained = paragraph(_explained(experiment, found))
    return f"## Contrasts\n\n{explained}\n\n{markdown_table(HEAD, rows)}"


def _compared(
    experiment: Experiment, folders: Folders, planned: PlannedContrast
) -> Comparison | str:
    """Both rows, or why they are not compared."""
    sides = [
        _runs(experiment, folders, next(row for row in experiment.rows if row.name == name))
        for name in (planned.than, planned.better)
    ]
    if None in sides:
        return "not made yet"
    try:
        return compare(sides[0] or [], sides[1] or [], goal=planned.goal)
    except NotComparableError as error:
        return f"not comparable: {error}".replace("|", "\\|")


def _runs(experiment: Experiment, folders: Folders, row: Row) -> list[Run] | None:
    """The training runs of a row, each with the episodes of all tasks; None if one lacks any."""
    runs = []
    for seed in experiment.training_seeds:
        paths = [folders.result(experiment, row, task, seed) for task in experiment.tasks]
        if not all(is_there(path, experiment.episodes) for path in paths):
            return None
        results: list[dict[str, Any]] = [json.loads(path.read_text("utf-8")) for path in paths]
        cells = [cell for result in results for cell in result["summary"]["tasks"]]
        episodes = [episode for result in results for episode in result["episodes"]]
        whole = {**results[0], "summary": {"tasks": cells}, "episodes": episodes}
        runs.append(Run(f"{row.name}, seed {seed}", whole))
    return runs


def _cells(comparison: Comparison, p_value: float) -> list[str]:
    """What is said of both rows; p_value is the corrected one."""
    overall = comparison.overall
    first, second = overall.first.mean, overall.second.mean
    value, low, high = (100 * number + 0.0 for number in overall.difference)
    return [
        f"{100 * second:.1f} and {100 * first:.1f}",
        f"{value:+.1f} ({low:+.1f} .. {high:+.1f})",
        "< 0.001" if p_value < 0.001 else f"{p_value:.3f}",
        _shown(overall, p_value),
        f"{second / first:.2f}" if first else "",
        _goal(comparison, p_value),
    ]


def _shown(overall: Contrast, p_value: float) -> str:
    value, low, high = overall.difference
    if p_value >= 1 - CONFIDENCE or low <= 0 <= high:
        return "no"
    return "yes" if value > 0 else "the opposite"


def _goal(comparison: Comparison, p_value: float) -> str:
    gain = comparison.gain
    if gain is None:
        return ""
    if gain.held and (gain.goal < 1 or _shown(comparison.overall, p_value) == "yes"):
        return f"{gain.goal:g}: held"
    return f"{gain.goal:g}: not held; {'reached' if gain.reached else 'not reached'} by the rates"


def _explained(experiment: Experiment, found: Sequence[Comparison | str]) -> str:
    """How the table is to be read."""
    made = [each for each in found if isinstance(each, Comparison)]
    words = [
        "Mean success over perturbed conditions and tasks. In brackets its paired "
        f"{100 * CONFIDENCE:g} % interval on the same seeds, a bootstrap over tasks, training runs "
        "and seeds as `python -m emma_gym.compare` makes it; p is corrected for all "
        f"{len(found)} contrasts (Holm). A goal is a ratio of rates: it held if the whole interval "
        "of better - goal x than is above 0 and the difference is shown. What is not shown may "
        "still be there."
    ]
    seeds = len(experiment.training_seeds)
    if seeds == 1:
        words.append("There is one training run each: what another one would give is in nothing.")
    elif seeds < MIN_TRAINING_RUNS:
        words.append(f"With fewer than {MIN_TRAINING_RUNS} training runs intervals are too narrow.")
    if any(not each.paired for each in made):
        words.append("Some results are on different seeds: these are compared as independent.")
    warnings = [line for each in made for line in each.warnings]
    if any(line.endswith("_sha256 differs)") for line in warnings):
        words.append("Some results are of code with other physics or objects than others.")
    if any(line.endswith("ended in an error, a failure here") for line in warnings):
        words.append("Some episodes ended in errors, which count as failures.")
    return " ".join(words)
