"""The command behind `emma_gym.reproduce`: the name of an experiment in, its table out."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from collections import Counter
from collections.abc import Sequence

import torch
from rich.console import Console

from emma_gym.command_line import (
    EXIT_FAILURE,
    EXIT_INTERRUPTED,
    Options,
    UsageError,
    compose_options,
    fail,
    help_page,
    interruptible,
)
from emma_gym.reproduction.catalog import Experiment, experiment_names, load_experiment
from emma_gym.reproduction.folders import Folders
from emma_gym.reproduction.kept_results import outdated
from emma_gym.reproduction.stage_runner import StageFailedError, command_of, run_stages
from emma_gym.reproduction.stages import Stage, stages
from emma_gym.reproduction.tables import markdown_page
from envs.seeds import validated_seeds
from envs.tasks import load_task
from eval_protocols.provenance import usable_cores
from eval_protocols.whole_file import write_whole

NAME = "reproduce"

SUMMARY = """
Reproduces a table of the papers: collects demonstrations, trains, evaluates, and prints the table
beside the paper's figures, and the contrasts that it is made to show. Each of these stages is one
of the suite's commands, and is not done again if it is done; whatever interrupts it, the same
command goes on.
"""

EXAMPLES = {
    "What would run, and for how long": "experiment=sem_table1 dry_run=true",
    "Two rows of it": "experiment=sem_table1 rows=[sem,act]",
    "The table of the results in this repository": (
        "experiment=sem_table1 results_dir=results/reproduced dry_run=true"
    ),
}


@dataclasses.dataclass(frozen=True)
class ReproductionSettings:
    """What is asked for.

    Attributes:
        experiment: The table.
        folders: Where everything lies.
        jobs: Commands at a time.
        cores: Of each.
        dry_run: Only to say what would run.
    """

    experiment: Experiment
    folders: Folders
    jobs: int
    cores: int
    dry_run: bool


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit status."""
    if any(argument in ("-h", "--help", "help") for argument in arguments):
        print(_help())
        return 0
    same = shlex.join(["python", "-m", f"emma_gym.{NAME}", *arguments])
    with interruptible():
        try:
            settings = settings_from(compose_options(NAME, arguments))
        except ValueError as error:
            return fail(error)
        try:
            return _run(settings, same)
        except (OSError, StageFailedError) as error:
            print(f"error: {error}; this goes on:\n  {same}", file=sys.stderr)
            return EXIT_FAILURE
        except KeyboardInterrupt:
            print(f"interrupted; this goes on:\n  {same}", file=sys.stderr)
            return EXIT_INTERRUPTED


def settings_from(options: Options) -> ReproductionSettings:
    """Checks the options.

    Raises:
        ValueError: In one line, with the nearest valid names or values.
    """
    output = options.optional_path("output_dir")
    if output is None:
        raise UsageError("output_dir=null: expected a folder")
    if options.optional_text("experiment") is None:
        raise UsageError(f"experiment=null; valid: {', '.join(experiment_names())}")
    experiment = load_experiment(options.text("experiment"), options.text("size"))
    if not options.is_null("rows"):
        experiment = experiment.of_rows(options.texts("rows"))
    if not options.is_null("tasks"):
        experiment = dataclasses.replace(experiment, tasks=tuple(options.texts("tasks")))
    for task in experiment.tasks:
        load_task(task)
    if not options.is_null("training_seeds"):
        seeds = tuple(options.integers("training_seeds", 0))
        experiment = dataclasses.replace(experiment, training_seeds=seeds)
    if (episodes := options.optional_integer("episodes", 1)) is not None:
        experiment = dataclasses.replace(experiment, episodes=episodes)
    for task in experiment.tasks:  # evaluations would refuse them too, after hours of training
        validated_seeds(task, experiment.episodes)
    jobs = options.integer("jobs", 1, also=" or auto") if not options.is_text("jobs", "auto") else 0
    if not jobs:
        jobs = 1 if torch.cuda.is_available() else usable_cores()
    return ReproductionSettings(
        experiment=experiment,
        folders=Folders(output, options.optional_path("results_dir") or output / "results"),
        jobs=jobs,
        cores=max(1, usable_cores() // jobs),
        dry_run=options.flag("dry_run"),
    )


def _run(settings: ReproductionSettings, command: str) -> int:
    experiment, folders = settings.experiment, settings.folders
    old = outdated(experiment, folders)
    if old and not settings.dry_run:
        for line in old:
            print(f"error: {line}", file=sys.stderr)
        return EXIT_FAILURE
    todo = stages(experiment, folders)
    failed: StageFailedError | None = None
    if settings.dry_run:
        for line in old:
            print(f"# outdated: {line}")
        for stage in todo:
            print(_in_words(stage, settings.cores))
        print(_total(todo, settings.jobs))
        print()
    elif todo:
        print(_total(todo, settings.jobs), file=sys.stderr)
        try:
            run_stages(todo, settings.jobs, settings.cores, folders.output / "logs", _tell)
        except StageFailedError as error:
            failed = error  # the table has what there is
    page = markdown_page(experiment, folders, command)
    print(page)
    if not settings.dry_run:
        table = folders.results / f"{experiment.name}-{experiment.size}.md"
        folders.results.mkdir(parents=True, exist_ok=True)
        write_whole(table, page.encode())
        print(f"table  {table}")
    if failed is not None:
        raise failed
    return 0


def _in_words(stage: Stage, cores: int) -> str:
    told = "" if stage.minutes is None else f"  (about {stage.minutes:.0f} min)"
    return f"# {stage.name}{told}\npython {shlex.join(command_of(stage, cores))}"


def _total(todo: Sequence[Stage], jobs: int) -> str:
    """How many stages there are, and how long they may last."""
    if not todo:
        return "nothing is to be done: all results are there"
    told = f"{len(todo)} stages, {jobs} at a time"
    hours = sum(stage.minutes or 0.0 for stage in todo) / jobs / 60
    unmeasured = Counter(stage.kind for stage in todo if stage.minutes is None)
    if unmeasured.total() == len(todo):
        return f"{told}; nobody has measured how long they last"
    others = ", ".join(f"{count} {kind}" for kind, count in unmeasured.items())
    rest = f", and what nobody has measured: {others}" if others else ""
    return f"{told}: about {hours:.1f} hours on a machine like ours{rest}"


def _tell(words: str) -> None:
    Console(stderr=True, highlight=False).print(words, markup=False, soft_wrap=True)


def _help() -> str:
    notes = [
        f"Experiments: {', '.join(experiment_names())}",
        "",
        "Exit status: 0; 1 if a stage fails (those that do not need it are run), a kept result is",
        "of another protocol or training, or something cannot be written; 2 for a wrong name or",
        "value; 130 after Ctrl-C or SIGTERM.",
    ]
    return help_page(NAME, SUMMARY, EXAMPLES, notes)
