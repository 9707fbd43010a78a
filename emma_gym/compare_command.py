"""The command behind `emma_gym.compare`: two sides in, tables out."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from emma_gym.command_line import EXIT_INTERRUPTED, UsageError, fail, interruptible
from eval_protocols.comparison import Comparison, Contrast, FactorContrast, Run, compare, side_names
from eval_protocols.results import RESULT_NAME, read_result
from eval_protocols.statistics import Estimate, MeanStd

DESCRIPTION = """\
Compares two policies under one protocol: which is better, by how much, and how sure that is; over
all tasks, for each task, condition and factor.

A and B are result files (or the folders that hold them). Several results of one policy, which
differ in the training seed, are one side: join them with commas."""

EPILOG = """\
Examples:
  # Which of two policies is better?
  python -m emma_gym.compare outputs/dp3/result.json outputs/sem/result.json
  # Three training runs of each
  python -m emma_gym.compare dp3_0.json,dp3_1.json,dp3_2.json sem_0.json,sem_1.json,sem_2.json

How: differences are B minus A, in percentage points. On the same seeds, outcomes are compared seed
by seed (Newcombe's interval for paired rates, exact McNemar test; over several conditions a
bootstrap and the sign-flip test of each seed's sum), otherwise as independent rates (Newcombe's
interval, Fisher's exact test). With several training runs, intervals come from a bootstrap over
tasks, training runs and episodes. A difference is shown if p < 1 - confidence and the interval
leaves out 0; "no difference shown" does not mean that there is none. An error is a failure.

Exit status: 0 whatever is shown; 2 for what cannot be compared; 130 after Ctrl-C or SIGTERM."""


class _Parser(argparse.ArgumentParser):
    """Its errors are ours: one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see --help")


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit status."""
    with interruptible():
        try:
            return _run(arguments)
        except KeyboardInterrupt:
            return EXIT_INTERRUPTED


def _run(arguments: Sequence[str]) -> int:
    try:
        options = _parser().parse_args(list(arguments))
        sides = _read_sides(options.first, options.second)
        comparison = compare(*sides, options.confidence)
    except ValueError as error:
        return fail(error)
    except OSError as error:
        return fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except SystemExit as leaving:  # --help
        return int(leaving.code or 0)
    _show(comparison, *sides)
    return 0


def _parser() -> _Parser:
    parser = _Parser(
        prog="python -m emma_gym.compare",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("first", metavar="A", help="result.json[,result.json...] of one policy")
    parser.add_argument("second", metavar="B", help="the same of the other policy")
    parser.add_argument(
        "--confidence",
        type=_confidence,
        default=0.95,
        metavar="C",
        help="of intervals and verdicts, from 0.5 to below 1 (default 0.95)",
    )
    return parser


def _confidence(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.5 <= value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 0.5 to below 1")
    return value


def _read_sides(first: str, second: str) -> tuple[list[Run], list[Run]]:
    """Reads all results, each once.

    Raises:
        ValueError: In one line, for a result that is not valid or is given twice.
        OSError: If a file cannot be read.
    """
    seen: dict[str, Path] = {}
    sides: list[list[Run]] = []
    for argument in (first, second):
        sides.append([])
        for path in _paths(argument):
            result = read_result(path)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if digest in seen:
                raise UsageError(f"{seen[digest]} and {path} are the same result")
            seen[digest] = path
            sides[-1].append(Run(str(path), result))
    return sides[0], sides[1]


def _paths(argument: str) -> list[Path]:
    """The files of a side; a name with a comma that exists is one file."""
    names = [argument] if Path(argument).exists() else argument.split(",")
    if not all(names):
        raise UsageError(f"'{argument}': an empty name; files are joined by commas, without spaces")
    paths = [Path(name).expanduser() for name in names]
    return [path / RESULT_NAME if path.is_dir() else path for path in paths]


def _show(comparison: Comparison, first: Sequence[Run], second: Sequence[Run]) -> None:
    console = Console(highlight=False)
    protocol = first[0].result["protocol"]
    headline = protocol["headline"].replace("_", " ")
    console.print()
    console.print(f"[bold]{escape(protocol['name'])}[/bold] v{protocol['version']}, {headline}")
    for letter, side in (("A", first), ("B", second)):
        console.print(f"  {letter}  {_description(side)}", soft_wrap=True)
    console.print(f"  {_pairing(comparison)}", soft_wrap=True)
    for warning in comparison.warnings:
        console.print(f"  [yellow]note:[/yellow] {escape(warning)}", soft_wrap=True)
    console.print()
    for line in _verdict(comparison, *side_names(first, second)):
        console.print(line, soft_wrap=True)
    percent = f"{100 * comparison.confidence:g} %"
    factors = [each.contrast for each in comparison.by_factor]
    tables = [
        _table("task", comparison.by_task, percent),
        _table("factor", factors, percent),
        _robustness_table(comparison.by_factor),
        _table("condition", comparison.by_condition, percent),
    ]
    for table in tables:
        if table is not None:
            console.print(table)


def _description(side: Sequence[Run]) -> str:
    training = side[0].result["training"]["name"]
    trained = "not trained" if training == "none" else f"trained on {escape(training)}"
    runs = f"{len(side)} training runs: " if len(side) > 1 else ""
    names = escape(", ".join(run.name for run in side))
    return f"[bold]{escape(side[0].policy)}[/bold], {trained} ({runs}{names})"


def _pairing(comparison: Comparison) -> str:
    pairs, largest = comparison.pairs, comparison.largest
    if not comparison.paired:
        return (
            f"seeds differ ({pairs} of up to {largest} episodes in common): compared as "
            "independent rates"
        )
    if pairs == largest:
        return f"paired: {pairs} episodes on the same seeds"
    return f"paired: the {pairs} of up to {largest} episodes whose seeds are in all results"


def _verdict(comparison: Comparison, first: str, second: str) -> list[str]:
    """The answer, in words."""
    overall = comparison.overall
    names = {"first": f"A ({first})", "second": f"B ({second})"}
    rates = f"A {_rate(overall.first)} %, B {_rate(overall.second)} %"
    difference = f"{_points(overall.difference)} points, {_p_value(overall.p_value)}"
    if overall.better is None:
        answer = "No difference shown"
    else:
        answer = f"{names[overall.better]} is better"
    lines = [
        f"[bold]{escape(answer)}:[/bold] {escape(rates)}; B - A {escape(difference)}",
        f"  over {_count(comparison.tasks, 'task')}, {_count(comparison.conditions, 'condition')}; "
        f"in brackets: {100 * comparison.confidence:g} % interval",
    ]
    if max(overall.first.runs, overall.second.runs) > 1:
        lines.append(
            "  +- is the standard deviation over training runs; the interval is a bootstrap over "
            "tasks, training runs and episodes"
        )
    elif comparison.over_tasks is not None:
        lines.append(
            escape(
                f"  if other tasks could have been chosen: {_points(comparison.over_tasks)} points "
                "(bootstrap over tasks and episodes)"
            )
        )
    return lines


def _table(kind: str, contrasts: Sequence[Contrast], percent: str) -> Table | None:
    """Rates, difference and verdict of each part."""
    if not contrasts:
        return None
    corrected = f"; p with Holm's correction for {len(contrasts)} lines"
    table = _new_table(
        kind,
        ["A, %", "B, %", "B - A, points", "p"],
        f"in brackets: {percent} interval{corrected if len(contrasts) > 1 else ''}",
    )
    table.add_column("difference", no_wrap=True)
    words = {"first": "A is better", "second": "B is better", None: "not shown"}
    for each in contrasts:
        table.add_row(
            escape(each.label),
            _rate(each.first),
            _rate(each.second),
            escape(_points(each.difference)),
            _p_value(each.adjusted_p_value).removeprefix("p = ").removeprefix("p "),
            words[each.better],
            style=None if each.better is None else "bold",
        )
    return table


def _robustness_table(factors: Sequence[FactorContrast]) -> Table | None:
    """What each factor leaves of each side's unperturbed success rate."""
    if not factors:
        return None
    names = [f"{what} {side}" for what in ("drop", "retention", "area") for side in "AB"]
    table = _new_table(
        "factor",
        names,
        "drop (points) and retention (%) from unperturbed twins on the same seeds;\n"
        "area under the sweep of levels: 1 is success everywhere",
    )
    for each in factors:
        sides = (each.first, each.second)
        table.add_row(
            escape(each.contrast.label),
            *(f"{100 * side.drop + 0.0:.1f}" for side in sides),
            *("-" if side.retention is None else f"{100 * side.retention:.0f}" for side in sides),
            *("-" if side.area is None else f"{side.area:.2f}" for side in sides),
        )
    return table


def _new_table(label: str, numbers: Sequence[str], caption: str) -> Table:
    table = Table(
        caption=caption, box=box.SIMPLE_HEAD, caption_justify="left", padding=(0, 1, 0, 0)
    )
    table.add_column(label, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _rate(rate: MeanStd) -> str:
    spread = "" if rate.std is None else f" +- {100 * rate.std:.1f}"
    return f"{100 * rate.mean:.1f}{spread}"


def _points(difference: Estimate) -> str:
    value, low, high = (100 * number + 0.0 for number in difference)
    return f"{value:+.1f} [{low:+.1f}, {high:+.1f}]"


def _p_value(p_value: float) -> str:
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def _count(items: Sequence[str], noun: str) -> str:
    return f"{len(items)} {noun}" if len(items) == 1 else f"{len(items)} {noun}s"
