"""The command behind `emma_gym.generate`: demonstrations in; the same in other looks out."""

from __future__ import annotations

import hashlib
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augment.baselines.color_jitter import ColorJitter
from augment.baselines.random_background import RandomBackground
from augment.baselines.re_rendering import SimulatorRestyler
from augment.dream_transfer.prompt_sampler import SPLITS
from augment.generation import Prompts, generate, listed_prompts, sampled_prompts
from augment.pretrained.weights import DREAM_TRANSFER
from augment.restyling import EpisodeRestyler, Restyler
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
from emma_gym.progress_bar import ProgressBar
from envs.demonstrations.dataset import Dataset, DatasetInfo
from envs.errors import nearest
from learning.devices import chosen_device
from learning.whole_folder import folder_sha256

NAME = "generate"
METHODS = ("dream_transfer", "color_jitter", "random_background", "re_rendering")
#: Options that decide what dream_transfer makes, and nothing of what the others do.
OF_DREAM_TRANSFER = ("model", "steps", "guidance_scale", "conditioning_scale", "precision")

SUMMARY = """
Writes demonstrations anew in other looks: pictures are generated; actions, depth and cameras are
the source's. Each episode says what it came from (prompt, seed, hash of the model). Whatever
interrupts it, the same command goes on with the episodes that are missing.
"""

EXAMPLES = {
    "Three looks of each demonstration": "dataset=data/demonstrations per_demo=3",
    "By a model of one's own": (
        "dataset=data/demonstrations model=outputs/dream_transfer/stage_2/last"
    ),
    "What it is compared with": "dataset=data/demonstrations method=color_jitter per_demo=3",
}

NOTES = [
    "Exit status: 0; 1 if something cannot be written; 2 for a wrong name or value or a damaged",
    "data set; 130 after Ctrl-C or SIGTERM.",
]


@dataclass(frozen=True)
class GenerationSettings:
    """What is asked for; see `augment.generation.generate`."""

    dataset: Dataset
    tasks: tuple[str, ...]
    restyler: Restyler | EpisodeRestyler
    described: dict[str, Any]
    prompts: Prompts
    per_demo: int
    seed: int
    folder: Path


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit status."""
    if any(argument in ("-h", "--help", "help") for argument in arguments):
        print(help_page(NAME, SUMMARY, EXAMPLES, NOTES))
        return 0
    same = shlex.join(["python", "-m", f"emma_gym.{NAME}", *arguments])
    with interruptible():
        try:
            settings = settings_from(compose_options(NAME, arguments))
            with ProgressBar() as progress:
                _generate(settings, progress.show)
        except ValueError as error:
            return fail(error)
        except OSError as error:
            print(f"error: {error}; this goes on:\n  {same}", file=sys.stderr)
            return EXIT_FAILURE
        except KeyboardInterrupt:
            print(f"interrupted; this goes on:\n  {same}", file=sys.stderr)
            return EXIT_INTERRUPTED
    print(f"data set  {settings.folder}")
    return 0


def settings_from(options: Options) -> GenerationSettings:
    """Checks the options.

    Raises:
        ValueError: In one line, with the nearest valid names or values.
    """
    folder = options.optional_path("dataset")
    if folder is None:
        raise UsageError("dataset=FOLDER is needed, which `python -m emma_gym.collect` makes")
    dataset = Dataset(folder)
    tasks = dataset.info.tasks if options.is_text("tasks", "all") else options.texts("tasks")
    restyler, described = _restyler(options, dataset.info)
    prompts, prompts_sha256 = _prompts(options)
    described = {**described, "prompts": options.text("prompts"), "prompts_sha256": prompts_sha256}
    name = f"{dataset.folder.resolve().name}-{restyler.name}"
    return GenerationSettings(
        dataset=dataset,
        tasks=tuple(tasks),
        restyler=restyler,
        described=described,
        prompts=prompts,
        per_demo=options.integer("per_demo", 1),
        seed=options.integer("seed", 0),
        folder=options.optional_path("output_dir") or Path("outputs") / "generated" / name,
    )


def _generate(settings: GenerationSettings, show: Callable[[int, int], None]) -> None:
    generate(
        settings.dataset,
        settings.tasks,
        settings.restyler,
        settings.described,
        settings.prompts,
        settings.per_demo,
        settings.seed,
        settings.folder,
        show,
    )


def _restyler(
    options: Options, info: DatasetInfo
) -> tuple[Restyler | EpisodeRestyler, dict[str, Any]]:
    """What changes the pictures, and all that decides them."""
    method = options.text("method")
    if method not in METHODS:
        raise UsageError(f"method={method}; {nearest(method, METHODS)}")
    if method != "dream_transfer" and (foreign := options.changed(OF_DREAM_TRANSFER)):
        raise UsageError(f"{foreign[0]} is an option of dream_transfer, not of method={method}")
    if method == "color_jitter":
        return ColorJitter(), {}
    if method == "random_background":
        return RandomBackground(), {}
    if method == "re_rendering":
        simulator = SimulatorRestyler(info)
        return simulator, {"appearance": dict(simulator.appearance)}
    folder = options.optional_path("model") or DREAM_TRANSFER
    # Imports take seconds.
    from augment.dream_transfer.pipeline_folder import load_generator
    from augment.dream_transfer.restyler import DreamTransferRestyler

    chosen: dict[str, Any] = {
        "steps": options.integer("steps", 1),
        "guidance_scale": options.number("guidance_scale", 0.0),
        "conditioning_scale": options.number("conditioning_scale", 0.0),
    }
    precision = options.text("precision")
    pipeline = load_generator(folder, precision)
    pipeline.to(chosen_device(options.text("device")))
    restyler = DreamTransferRestyler(pipeline, **chosen)
    model = {"precision": precision, "model_sha256": folder_sha256(folder)}
    return restyler, {**chosen, **model}


def _prompts(options: Options) -> tuple[Prompts, str | None]:
    """What draws prompts, and a hash of their file if they are in one."""
    given = options.text("prompts")
    if given in SPLITS:
        return sampled_prompts(given), None
    path = Path(given).expanduser()
    if not path.is_file():
        raise UsageError(f"prompts={given}: expected {', '.join(SPLITS)} or a text file")
    text = path.read_text(encoding="utf-8")
    lines = [line.strip() for line in text.splitlines()]
    prompts = listed_prompts([line for line in lines if line])
    return prompts, hashlib.sha256(text.encode()).hexdigest()
