"""A result as a table in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.markup import escape
from rich.table import Table

from eval_protocols.perturbations import Perturbations
from eval_protocols.protocol import HEADLINES
from eval_protocols.results import Result

#: With more conditions the table has a line for each factor; the report has all.
MAX_CONDITIONS_SHOWN = 4


def result_table(result: Result) -> Table:
    """Makes the table: every task and condition, or every factor where conditions are many."""
    perturbations = Perturbations(result)
    if len(result["protocol"]["conditions"]) > MAX_CONDITIONS_SHOWN and perturbations.perturbed:
        return _factor_table(result, perturbations)
    return _condition_table(result)


def _new_table(result: Result, caption: str) -> Table:
    policy, protocol = result["policy"], result["protocol"]
    oracle = ", which reads the simulator" if policy["privileged"] else ""
    return Table(
        title=escape(f"{policy['name']}{oracle} - {protocol['name']} v{protocol['version']}"),
        caption=caption,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        caption_justify="left",
    )


def _factor_table(result: Result, perturbations: Perturbations) -> Table:
    """What each factor leaves of the success without it, all tasks together."""
    headline = result["protocol"]["headline"].replace("_", " ")
    table = _new_table(
        result,
        f"{headline} in %, all tasks; change in points with its 95 % interval; retention in %; "
        "area: mean success along the levels; an error counts as a failure",
    )
    table.add_column("factor", no_wrap=True, overflow="fold")
    for name in ("clean", "perturbed", "change", "retention", "area"):
        table.add_column(
            name, justify="right", style="bold" if name == "perturbed" else "", no_wrap=True
        )
    rows: list[tuple[str, Sequence[str], float | None]] = [
        (factor.name, factor.names, perturbations.area(factor)) for factor in perturbations.factors
    ]
    if len(rows) > 1:
        rows.append(("all factors", perturbations.perturbed, None))
    for index, (name, conditions, area) in enumerate(rows):
        paired = perturbations.paired(conditions)
        change = perturbations.difference(conditions)
        if paired is None or change is None:
            continue
        if index == len(perturbations.factors):
            table.add_section()
        table.add_row(
            escape(name),
            f"{100 * paired.twin_rate:.1f}",
            f"{100 * paired.rate:.1f}",
            f"{100 * change.value:+.1f} {escape(_interval(change.low, change.high))}",
            "-" if paired.retention is None else f"{100 * paired.retention:.1f}",
            "-" if area is None else f"{area:.2f}",
        )
    return table


def _condition_table(result: Result) -> Table:
    """Every condition and task."""
    protocol, summary = result["protocol"], result["summary"]
    table = _new_table(result, "in brackets: Wilson 95 % interval; an error counts as a failure")
    several = len(summary["overall"]) > 1
    table.add_column("task", no_wrap=True, overflow="fold")
    if several:
        table.add_column("condition", overflow="fold")
    for name in ("episodes", "errors"):
        table.add_column(name, justify="right")
    headline = protocol["headline"]
    other = next(name for name in HEADLINES if name != headline)
    table.add_column(headline.replace("_", " "), justify="right", style="bold", no_wrap=True)
    table.add_column(
        other.removeprefix("success_").replace("_", " "), justify="right", no_wrap=True
    )
    table.add_column("steps", justify="right")
    tasks = summary["tasks"]
    cells = tasks if len(tasks) == len(summary["overall"]) else [*tasks, *summary["overall"]]
    for index, cell in enumerate(cells):
        rate = cell[headline]
        if index == len(tasks):
            table.add_section()
        table.add_row(
            "all tasks" if cell["task"] is None else escape(cell["task"]),
            *([escape(cell["condition"])] if several else []),
            str(cell["episodes"]),
            f"[red]{cell['errors']}[/red]" if cell["errors"] else "0",
            f"{_percent(rate['rate'])} {escape(_interval(rate['low'], rate['high']))}",
            _percent(cell[other]["rate"]),
            "-" if cell["mean_steps"] is None else f"{cell['mean_steps']:.0f}",
        )
    return table


def _percent(rate: float) -> str:
    return f"{100 * rate:.1f} %"


def _interval(low: float, high: float) -> str:
    if low == high:  # a bootstrap of seeds that all went the same way is none
        return ""
    return f"[{100 * low:3.0f}, {100 * high:3.0f}]"
