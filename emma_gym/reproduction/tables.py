"""The page of an experiment, out of the result files that are kept."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Iterator, Sequence

from emma_gym.reproduction.catalog import MEAN, Experiment, Row
from emma_gym.reproduction.contrast_table import contrast_section
from emma_gym.reproduction.folders import Folders
from emma_gym.reproduction.markdown import markdown_table, paragraph
from eval_protocols.protocol import load_protocol
from learning.curve import read_curve
from learning.run_folder import CURVE_NAME

EFFECTIVE_SHARE = "effective share"


@dataclasses.dataclass(frozen=True)
class Cell:
    """Success of a policy on a task under a condition.

    Attributes:
        rates: Success once of each training seed, 0 .. 1.
        interval: Wilson's 95 % of it, if there is one training seed.
        paper: The paper's figure in %; None if it is not known.
    """

    rates: tuple[float, ...]
    interval: tuple[float, float] | None
    paper: float | None

    def __str__(self) -> str:
        paper = "" if self.paper is None else f" [{self.paper:.1f}]"
        if not self.rates:
            return paper.strip()
        mean = 100 * statistics.mean(self.rates)
        if self.interval is not None:
            low, high = (round(100 * end) for end in self.interval)
            return f"{mean:.0f} ({low} .. {high}){paper}"
        if len(self.rates) == 1:
            return f"{mean:.0f}{paper}"
        return f"{mean:.1f} ± {100 * statistics.stdev(self.rates):.1f}{paper}"


def success_table(experiment: Experiment, folders: Folders) -> str:
    """The table in Markdown; what is not there yet is empty."""
    columns = _columns(experiment)
    named = [_header(experiment, *column) for column in columns]
    averaged = _averaged(experiment, columns)
    means = len(averaged) > 1 or any(MEAN in row.paper for row in experiment.rows)
    shares = [_effective_share(experiment, folders, row) for row in experiment.rows]
    weighted = any(share is not None for share in shares)
    head = [
        "",
        *(f"`{name}`" for name in named),
        *([MEAN] if means else []),
        *([EFFECTIVE_SHARE] if weighted else []),
        "minutes",
    ]
    lines = []
    for row, share in zip(experiment.rows, shares, strict=True):
        cells = [_cell(experiment, folders, row, *column) for column in columns]
        mean = _mean(row, [cells[place] for place in averaged]) if means else None
        shown = [*map(str, cells), *([] if mean is None else [str(mean)])]
        if weighted:
            shown.append("" if share is None else f"{share:.2f}")
        lines.append([f"`{row.name}`", *shown, _minutes(experiment, folders, row)])
    return markdown_table(head, lines)


def markdown_page(experiment: Experiment, folders: Folders, command: str) -> str:
    """The table and the contrasts, with what has to be known to read them.

    Args:
        experiment: The whole of it or a part.
        folders: Where results are kept.
        command: What makes this page, for its last line.
    """
    seeds = len(experiment.training_seeds)
    spread = "Wilson's 95 % interval in brackets" if seeds == 1 else "mean and standard deviation"
    figures = ""
    if any(row.paper for row in experiment.rows):
        figures = f"; in square brackets the paper's figure where it is known, {experiment.figures}"
    table = success_table(experiment, folders)
    shares = ""
    if EFFECTIVE_SHARE in table:
        shares = (
            f" {EFFECTIVE_SHARE.capitalize()}: Kish's effective sample size of the weights that "
            "samples were drawn by over that of equal weights, its mean over a training after the "
            "uniform warm-up."
        )
    parts = [
        f"# {experiment.title}",
        paragraph(
            f"{experiment.source}. Methods in their `{experiment.size}` preset, {seeds} training "
            f"seed{'s'[: seeds > 1]}, {experiment.episodes} validated seeds a task and condition. "
            f"Success once in %, {spread}{figures}. Minutes are those of a training."
            f"{shares}"
        ),
        table,
        *([paragraph(experiment.note)] if experiment.note else []),
        *([contrast_section(experiment, folders)] if experiment.contrasts else []),
        f"    {command}",
    ]
    return "\n\n".join(parts) + "\n"


def _columns(experiment: Experiment) -> list[tuple[str, str]]:
    """Task and condition of each column."""
    conditions = dict.fromkeys(
        condition.name
        for row in experiment.rows
        for condition in load_protocol(row.protocol).conditions
    )
    return [(task, condition) for task in experiment.tasks for condition in conditions]


def _averaged(experiment: Experiment, columns: Sequence[tuple[str, str]]) -> list[int]:
    """Places of the columns whose mean is one as well: all of one condition, or chosen ones."""
    one = len(columns) == len(experiment.tasks)
    return [place for place, (_, name) in enumerate(columns) if one or name in experiment.mean]


def _header(experiment: Experiment, task: str, condition: str) -> str:
    """A task, a condition, or both, whichever there are several of."""
    columns = _columns(experiment)
    if len(columns) == len(experiment.tasks):
        return task
    return condition if len(experiment.tasks) == 1 else f"{task}: {condition}"


def _cell(experiment: Experiment, folders: Folders, row: Row, task: str, condition: str) -> Cell:
    found = list(_rates(experiment, folders, row, task, condition))
    return Cell(
        rates=tuple(rate["rate"] for rate in found),
        interval=(found[0]["low"], found[0]["high"]) if len(found) == 1 else None,
        paper=row.paper.get(_header(experiment, task, condition)),
    )


def _rates(
    experiment: Experiment, folders: Folders, row: Row, task: str, condition: str
) -> Iterator[dict[str, float]]:
    for seed in experiment.training_seeds:
        path = folders.result(experiment, row, task, seed)
        if not path.exists():
            continue
        for cell in json.loads(path.read_text(encoding="utf-8"))["summary"]["tasks"]:
            if (cell["task"], cell["condition"]) == (task, condition):
                yield cell["success_once"]


def _mean(row: Row, cells: Sequence[Cell]) -> Cell:
    """Over tasks, if all are there: a rate for each training seed."""
    papers = [cell.paper for cell in cells if cell.paper is not None]
    paper = row.paper.get(MEAN)
    if paper is None and len(papers) == len(cells):
        paper = statistics.mean(papers)
    seeds = min(len(cell.rates) for cell in cells)
    rates = [statistics.mean(cell.rates[i] for cell in cells) for i in range(seeds)]
    return Cell(tuple(rates), None, paper)


def _curves(experiment: Experiment, folders: Folders, row: Row) -> list[list[dict[str, float]]]:
    """Of the trainings that are there."""
    curves = [
        read_curve(folders.kept(experiment, row.policy.name, task, seed) / CURVE_NAME)
        for task in experiment.tasks
        for seed in experiment.training_seeds
    ]
    return [curve for curve in curves if curve]


def _effective_share(experiment: Experiment, folders: Folders, row: Row) -> float | None:
    """How even a sampler's weights were: 1 as equal ones; None for samplers without weights."""
    shares = [
        line["effective_share"]
        for curve in _curves(experiment, folders, row)
        for line in curve
        if "effective_share" in line
    ]
    return statistics.mean(shares) if shares else None


def _minutes(experiment: Experiment, folders: Folders, row: Row) -> str:
    """The shortest and the longest training."""
    curves = _curves(experiment, folders, row)
    minutes = sorted({round(curve[-1]["wall_s"] / 60) for curve in curves})
    return " .. ".join(str(end) for end in dict.fromkeys((*minutes[:1], *minutes[-1:])))
