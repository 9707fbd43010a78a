"""The command behind `emma_gym.train`: options in; a policy, its curve and its logs out."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

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
from envs.registration import task_names
from envs.tasks import load_task
from eval_protocols.episodes import jsonable
from eval_protocols.provenance import usable_cores
from policies.training.trainers import (
    TRAINERS,
    TrainingError,
    TrainingOutcome,
    TrainingSettings,
    load_trainer,
)

NAME = "train"

SUMMARY = """
Trains a policy on a task. Its folder then holds the policy as it was best in evaluation (best) and
as it is at the end (last), its learning curve (curve.csv), TensorBoard logs and a checkpoint.
Whatever interrupts the training, the same command continues from the last checkpoint.
"""

EXAMPLES = {
    "The baseline whose results are in results/rl": (
        "policy=sac task=tool_adjust workers=2 episode_steps=30 \\\n"
        "      eval_every=1000 checkpoint_every=2000 total_steps=10000"
    ),
    "Another algorithm, other hyperparameters": (
        "policy=ppo task=tool_adjust total_steps=200000 \\\n"
        "      hyperparameters.learning_rate=0.0001 hyperparameters.hidden=[64,64]"
    ),
}


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit status."""
    if any(argument in ("-h", "--help", "help") for argument in arguments):
        print(_help())
        return 0
    with interruptible():
        try:
            settings = settings_from(compose_options(NAME, arguments))
            trainer = load_trainer(settings.policy)
        except ValueError as error:
            return fail(error)
        same = shlex.join(
            ["python", "-m", f"emma_gym.{NAME}"]
            + [each for each in arguments if not each.startswith("resume=")]
        )
        try:
            outcome = trainer(settings, _report)
        except TrainingError as error:
            return fail(error)
        except KeyboardInterrupt:
            print(f"interrupted; this goes on from the last checkpoint:\n  {same}", file=sys.stderr)
            return EXIT_INTERRUPTED
        except (OSError, RuntimeError) as error:
            print(
                f"error: {error}; this goes on from the last checkpoint:\n  {same}", file=sys.stderr
            )
            return EXIT_FAILURE
    if outcome.interrupted:
        done = f"interrupted after {outcome.steps} of {settings.total_steps} steps"
        print(f"{done}; this continues:\n  {same}", file=sys.stderr)
        return EXIT_INTERRUPTED
    _show(settings, outcome)
    return 0


def settings_from(options: Options) -> TrainingSettings:
    """Checks the options, as far as that goes without the trainer.

    Raises:
        ValueError: In one line, with the nearest valid names or values.
    """
    policy, task = options.text("policy"), options.text("task")
    load_trainer(policy)
    load_task(task)
    seed = options.integer("seed", 0)
    if options.is_text("workers", "auto"):
        workers = usable_cores()
    else:
        workers = options.integer("workers", 0, also=" or auto")
    mappings = {name: options.mapping(name) for name in ("hyperparameters", "hand", "reward")}
    for name, value in mappings.items():
        if not jsonable(value):
            raise UsageError(f"{name}={value}: not all finite numbers")
    name = f"{policy}-{task.replace(':', '.')}-{seed}"
    folder = options.optional_path("output_dir") or Path("outputs") / "train" / name
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"output_dir={folder}: not a folder")
    return TrainingSettings(
        policy=policy,
        task=task,
        seed=seed,
        total_steps=options.integer("total_steps", 1),
        workers=workers,
        folder=folder,
        resume=options.flag("resume"),
        episode_steps=options.integer("episode_steps", 0) or None,
        eval_every=options.integer("eval_every", 1),
        eval_episodes=options.integer("eval_episodes", 1),
        checkpoint_every=options.integer("checkpoint_every", 1),
        **mappings,
    )


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _show(settings: TrainingSettings, outcome: TrainingOutcome) -> None:
    """Prints where everything is, and how the policy is evaluated."""
    for what, where in outcome.files.items():
        print(f"{what:8}{where}")
    evaluate = [
        *("python", "-m", "emma_gym.evaluate", f"policy={settings.policy}"),
        f"policy_config.checkpoint={outcome.files['policy']}",
        *(f"tasks={settings.task}", "training=interaction"),
    ]
    print(f"\nEvaluate it:\n  {shlex.join(evaluate)}")


def _help() -> str:
    notes = [
        f"Policies: {', '.join(sorted(TRAINERS))}",
        f"Tasks:    {', '.join(task_names())}, or module:Class",
        "",
        "Exit status: 0; 1 after a crash or a full disk; 2 for a wrong name or value, with nothing",
        "written; 130 after Ctrl-C.",
    ]
    return help_page(NAME, SUMMARY, EXAMPLES, notes)
