"""The command behind `emma_gym.train`: options in; a policy, its curve and its logs out."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from typing import Any

from augment.dream_transfer.training.stages import GeneratorSettings
from augment.video_metrics.depth_trainer import DepthNetSettings, train_depth_net
from emma_gym.command_line import (
    EXIT_FAILURE,
    EXIT_INTERRUPTED,
    fail,
    help_page,
    interruptible,
)
from emma_gym.training_options import (
    DEMONSTRATIONS_FILE,
    DEPTH_NET_FILE,
    GENERATOR_FILE,
    INTERACTION_FILE,
    Settings,
    settings_from,
)
from envs.registration import task_names
from learning.errors import TrainingError
from learning.outcome import TrainingOutcome
from learning.report import Report
from policies.training.trainers import (
    DEMONSTRATIONS,
    INTERACTION,
    DemonstrationSettings,
    load_trainer,
)

NAME = "train"

SUMMARY = """
Trains a policy on a task: from demonstrations, or by acting in the simulator, whichever `policy`
learns from. Its folder then holds the policy as it was best in evaluation (best) and as it is at
the end (last), its learning curve (curve.csv), TensorBoard logs and a checkpoint. With `model` in
place of `policy`, a stage of a generator of pictures is trained, or the network that judges depth
in them: its folder holds that (last), and the same besides. Whatever interrupts the training, the
same command continues from the last checkpoint.
"""

EXAMPLES = {
    "SEM in its small size, from demonstrations of emma_gym.collect": (
        "policy=sem size=small task=block_hammer_beat \\\n"
        "      dataset=outputs/demonstrations/nominal_100"
    ),
    "Diffusion Policy, evaluated in the simulator every 5000 steps": (
        "policy=dp size=small task=block_hammer_beat eval_every=5000 \\\n"
        "      dataset=outputs/demonstrations/nominal_100 optimization.learning_rate=0.0003"
    ),
    "The first of DreamTransfer's five stages": (
        "model=dream_transfer size=small stage=vae \\\n"
        "      dataset=outputs/demonstrations/looks output_dir=outputs/dream_transfer"
    ),
    "The baseline by interaction whose results are in results/rl": (
        "policy=sac task=tool_adjust workers=2 episode_steps=30 \\\n"
        "      eval_every=1000 checkpoint_every=2000 total_steps=10000"
    ),
    "Another algorithm, other hyperparameters": (
        "policy=ppo task=tool_adjust total_steps=200000 \\\n"
        "      hyperparameters.learning_rate=0.0001 hyperparameters.hidden=[64,64]"
    ),
}


#: Acts with the checkpoint of any method.
ANY_METHOD = "policies.imitation.acting:LearnedPolicy"


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit status."""
    if any(argument in ("-h", "--help", "help") for argument in arguments):
        print(_help())
        return 0
    with interruptible():
        try:
            settings = settings_from(arguments)
            trainer = _trainer(settings)
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
        done = f"interrupted after {outcome.steps} of {outcome.total_steps} steps"
        print(f"{done}; this continues:\n  {same}", file=sys.stderr)
        return EXIT_INTERRUPTED
    _show(settings, outcome)
    return 0


def _trainer(settings: Settings) -> Callable[[Any, Report], TrainingOutcome]:
    if isinstance(settings, GeneratorSettings):
        from augment.dream_transfer.training.trainer import train_stage  # imports take seconds

        return train_stage
    if isinstance(settings, DepthNetSettings):
        return train_depth_net
    return load_trainer(settings.policy)


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _show(settings: Settings, outcome: TrainingOutcome) -> None:
    """Prints where everything is, and how the policy is evaluated."""
    width = max(map(len, outcome.files)) + 2
    for what, where in outcome.files.items():
        print(f"{what:{width}}{where}")
    if isinstance(settings, GeneratorSettings | DepthNetSettings):
        return
    evaluate = [
        *("python", "-m", "emma_gym.evaluate", f"policy={_acting(settings.policy)}"),
        *(f"policy_config.checkpoint={outcome.files['policy']}", f"tasks={settings.task}"),
    ]
    if not isinstance(settings, DemonstrationSettings):  # those know what they learned from
        evaluate.append("training=interaction")
    print(f"\nEvaluate it:\n  {shlex.join(evaluate)}")


def _acting(policy: str) -> str:
    """The name under which a trained policy is evaluated."""
    return ANY_METHOD if ":" in policy else policy


def _help() -> str:
    files = {
        f"Options of {', '.join(DEMONSTRATIONS)}, which learn from demonstrations": (
            DEMONSTRATIONS_FILE
        ),
        f"Options of {', '.join(INTERACTION)}, which learn by acting": INTERACTION_FILE,
        "Options with model=dream_transfer, which learns to make pictures": GENERATOR_FILE,
        "Options with model=depth_net, which learns to see depth in them": DEPTH_NET_FILE,
    }
    notes = [
        f"Tasks:    {', '.join(task_names())}, or module:Class",
        "",
        "Exit status: 0; 1 after a crash or a full disk; 2 for a wrong name or value, with nothing",
        "written; 130 after Ctrl-C or SIGTERM.",
    ]
    return help_page(NAME, SUMMARY, EXAMPLES, notes, files)
