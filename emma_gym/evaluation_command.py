"""The command behind `emma_gym.evaluate`: options in; result, videos, report and a table out."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

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
from emma_gym.evaluation_progress import EvaluationProgress
from emma_gym.result_table import result_table
from envs.demonstrations.dataset import FIRST_EVALUATION_SEED
from envs.errors import RenderingUnavailableError
from envs.registration import task_names
from envs.tasks import load_task
from eval_protocols.camera_views import record_views
from eval_protocols.episodes import jsonable
from eval_protocols.evaluation import evaluate
from eval_protocols.journal import EPISODES_NAME
from eval_protocols.process_executor import WorkerCrashError
from eval_protocols.protocol import OTHER_DATA, Protocol, find_protocol, protocol_names
from eval_protocols.report import write_report
from eval_protocols.results import RESULT_NAME, Result
from eval_protocols.run_description import EvaluationSettings
from eval_protocols.videos import read_replays, record_videos
from policies.registry import load_policy_class, policy_targets

NAME = "evaluate"

SUMMARY = """
Evaluates a policy: runs it on fixed seeds of each task, and writes a result file, a report page and
videos. Every episode is kept as it ends, so whatever interrupts the evaluation, the same command
continues where it stopped.
"""

EXAMPLES = {
    "The scripted expert on all tasks, and the shipped policies on theirs": "",
    "A policy of your own, two tasks": (
        "policy=my_package.policy:MyPolicy policy_config.checkpoint=runs/1.safetensors \\\n"
        "      tasks=[block_hammer_beat,block_handover] episodes=100"
    ),
    "How much do moved cameras cost it?": (
        "protocol=camera_sweep training=nominal_100 training_seed=0 \\\n"
        "      policy=my_package.policy:MyPolicy policy_config.checkpoint=runs/1.safetensors"
    ),
    "On the Ray cluster that this machine belongs to": (
        "ray=auto protocol=camera_sweep episodes=100"
    ),
    "A quick look at other seeds": "policy=random episodes=3 validated_seeds=false seed=200000",
}

#: Error messages shown below the table; the rest is in the report.
MAX_ERRORS_SHOWN = 5


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit status."""
    if any(argument in ("-h", "--help", "help") for argument in arguments):
        print(_help())
        return 0
    with interruptible():
        try:
            options = compose_options(NAME, arguments)
            runs = settings_from(options, arguments)
            videos = options.integer("video", 0)
        except ValueError as error:
            return fail(error)
        seed = options.integer("seed", 0)
        if options.flag("validated_seeds"):
            if seed != FIRST_EVALUATION_SEED:
                print("note: seed is used with validated_seeds=false only", file=sys.stderr)
        elif seed < FIRST_EVALUATION_SEED:
            print(
                f"note: demonstrations are collected on seeds below {FIRST_EVALUATION_SEED}: a "
                "policy may have learned from these very episodes",
                file=sys.stderr,
            )
        for settings in runs:
            if status := _run(settings, videos):
                return status
        return 0


def settings_from(options: Options, arguments: Sequence[str]) -> list[EvaluationSettings]:
    """The evaluation of each policy; checks as much as is possible without starting a worker.

    One policy has to be able to do all tasks that are named; of several, each does what it can.

    Raises:
        ValueError: In one line, with the nearest valid names or values.
    """
    policies, folder = options.texts("policy"), options.optional_path("output_dir")
    if folder is not None and folder.exists() and not folder.is_dir():
        raise UsageError(f"output_dir={folder}: not a folder")
    made_for = [() if ":" in name else load_policy_class(name).tasks or () for name in policies]
    wanted = None if options.is_text("tasks", "all") else options.texts("tasks")
    for task in wanted or ():
        load_task(task)
    if len(policies) == 1:
        tasks = wanted or list(made_for[0] or task_names())
        return [_settings(policies[0], tasks, folder, options, arguments)]
    if options.mapping("policy_config"):
        raise UsageError(f"policy_config is for one policy, not for {len(policies)}")
    found = []
    for policy, able in zip(policies, made_for, strict=True):
        every = wanted or task_names()
        if tasks := [task for task in every if not able or task in able]:
            place = folder and folder / policy.replace(":", ".")
            found.append(_settings(policy, tasks, place, options, arguments))
    if not found:
        raise UsageError(f"none of the policies was made for tasks={','.join(wanted or ())}")
    return found


def _settings(
    policy: str,
    tasks: Sequence[str],
    output_dir: Path | None,
    options: Options,
    arguments: Sequence[str],
) -> EvaluationSettings:
    protocol = find_protocol(options.text("protocol"))
    training = options.optional_text("training")
    if training not in (None, OTHER_DATA):
        protocol.training_set(str(training))
    policy_config = options.mapping("policy_config")
    if not jsonable(policy_config):
        raise UsageError(f"policy_config={policy_config}: not all finite numbers")
    ray = options.optional_text("ray")
    workers = None
    if not options.is_text("workers", "auto"):
        workers = options.integer("workers", 0 if ray is None else 1, also=" or auto")
    return EvaluationSettings(
        tasks=list(tasks),
        policy=policy,
        policy_config=policy_config,
        protocol=options.text("protocol"),
        training=training,
        training_seed=options.optional_integer("training_seed", 0),
        training_note=options.line("training_note"),
        episodes=options.integer("episodes", 1),
        validated_seeds=options.flag("validated_seeds"),
        seed=options.integer("seed", 0),
        workers=workers,
        ray=ray,
        policy_timeout_s=options.seconds("policy_timeout_s"),
        output_dir=output_dir,
        resume=options.flag("resume"),
        command=["python", "-m", f"emma_gym.{NAME}", *arguments],
    )


def _run(settings: EvaluationSettings, videos: int) -> int:
    protocol = find_protocol(settings.protocol)
    progress = EvaluationProgress(protocol.headline)
    try:
        with progress.bar:
            folder, result = evaluate(settings, progress)
        files = _finish(folder, result, protocol, videos)
    except KeyboardInterrupt:
        print(f"interrupted; {_kept(settings, progress)}", file=sys.stderr)
        return EXIT_INTERRUPTED
    except WorkerCrashError as error:
        kept = _kept(settings, progress)
        print(f"{error}\nerror: a bug in environment or runner; {kept}", file=sys.stderr)
        return EXIT_FAILURE
    except OSError as error:
        print(f"error: {error}; {_kept(settings, progress)}", file=sys.stderr)
        return EXIT_FAILURE
    except ValueError as error:
        if progress.folder is not None:
            raise  # after the first episode, it is no wrong option
        return fail(error)
    _show(result, files)
    return 0


def _finish(folder: Path, result: Result, protocol: Protocol, per_task: int) -> dict[str, str]:
    """Makes videos, pictures and the report; returns where everything is, by what it is."""
    files = {"result": str(folder / RESULT_NAME)}
    videos, views = "none (video=0)", ""
    if per_task:
        print("making videos ...", file=sys.stderr)
        try:
            made = record_videos(folder, result, protocol, per_task)
            videos = f"{folder / 'videos'} ({len(made)})"
            seen = record_views(folder, result, protocol, read_replays(folder))
            views = f"{folder / 'views'} ({len(seen)})" if seen else ""
        except RenderingUnavailableError as error:
            videos = f"none: {error}"
    files["report"] = str(write_report(folder, result))
    files["videos"] = videos
    if views:
        files["views"] = views
    files["journal"] = str(folder / EPISODES_NAME)
    return files


def _show(result: Result, files: Mapping[str, str]) -> None:
    """Prints the table, and where the files are."""
    console = Console(highlight=False)
    console.print()
    console.print(result_table(result))
    errors = Counter(e["error"] for e in result["episodes"] if e["error"] is not None)
    for error, count in errors.most_common(MAX_ERRORS_SHOWN):
        console.print(f"[red]error[/red] in {count} of {len(result['episodes'])}: {escape(error)}")
    if len(errors) > MAX_ERRORS_SHOWN:
        console.print(f"... and {len(errors) - MAX_ERRORS_SHOWN} other errors, see the report")
    for what, where in files.items():
        console.print(f"{what:8}{where}", markup=False, soft_wrap=True)


def _kept(settings: EvaluationSettings, progress: EvaluationProgress) -> str:
    """What an evaluation that did not end has left, and how to continue it."""
    if progress.folder is None:
        return "nothing was written"
    command = shlex.join(part for part in settings.command if not part.startswith("resume="))
    done = f"{progress.done} of {progress.total} episodes"
    return f"{done} are in {progress.folder}; this continues:\n  {command}"


def _help() -> str:
    notes = [
        f"Policies:  {', '.join(sorted(policy_targets()))}, or module:Class",
        f"Tasks:     {', '.join(task_names())}, or module:Class",
        f"Protocols: {', '.join(protocol_names())}, or a YAML file of your own",
        "",
        "Exit status: 0; 1 after a bug of ours; 2 for a wrong name or value, with nothing written;",
        "130 after Ctrl-C or SIGTERM.",
    ]
    return help_page(NAME, SUMMARY, EXAMPLES, notes)
