"""The command behind `emma_gym.collect`: options in; a data set of demonstrations out."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from rich.filesize import decimal

from emma_gym.collection_progress import CollectionProgress
from emma_gym.command_line import (
    CONF_FOLDER,
    EXIT_FAILURE,
    EXIT_INTERRUPTED,
    Options,
    UsageError,
    compose_options,
    fail,
    help_page,
    interruptible,
)
from envs.cameras import CAMERA_MODELS, CAMERA_MOUNTS
from envs.demonstrations.collection import check_seeds, collect
from envs.demonstrations.collection_folder import CollectionError
from envs.demonstrations.dataset import DatasetInfo, Part, episode_path
from envs.demonstrations.episode_file import PICTURES, DemonstrationError
from envs.demonstrations.recording import ReplayError
from envs.demonstrations.worker_pool import WorkerDiedError
from envs.dual_arm_env import DualArmEnv
from envs.errors import RenderingUnavailableError
from envs.randomization import parse
from envs.registration import task_names
from envs.tasks import load_task
from eval_protocols.protocol import TrainingSet, find_protocol, protocol_names
from eval_protocols.provenance import usable_cores

NAME = "collect"

SUMMARY = """
Collects demonstrations: runs each task's expert from seed after seed, and records what the cameras
see of those that it solves, losslessly, one file for each episode. A file appears when it is whole,
so whatever interrupts the collection, the same command continues it.
"""

EXAMPLES = {
    "100 demonstrations of a task": "tasks=block_hammer_beat",
    "Small pictures of two tasks, in which light and clutter vary": (
        "tasks=[block_hammer_beat,tool_adjust] resolution=[160,128] \\\n"
        "      variations.light_intensity=3 variations.clutter=2"
    ),
    "Small pictures with other looks in every episode, for DreamTransfer": (
        "tasks=block_hammer_beat variations=appearance \\\n"
        "      segmentation=true resolution=[128,96] cameras=[head_camera,left_camera,right_camera]"
    ),
    "A training set of a protocol": (
        "tasks=block_hammer_beat training=camera_extrinsic_few_shot/ext0_100_ext1_20"
    ),
}

_DEFAULT_EPISODES = 100


@dataclass(frozen=True)
class CollectionSettings:
    """What is asked for.

    Attributes:
        info: The data set.
        folder: Where it is written.
        workers: Processes.
        resume: Whether to keep what the folder holds of it.
    """

    info: DatasetInfo
    folder: Path
    workers: int
    resume: bool


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit status."""
    if any(argument in ("-h", "--help", "help") for argument in arguments):
        print(_help())
        return 0
    with interruptible():
        try:
            settings = settings_from(compose_options(NAME, arguments))
        except ValueError as error:
            return fail(error)
        same = shlex.join(
            ["python", "-m", f"emma_gym.{NAME}"]
            + [each for each in arguments if not each.startswith("resume=")]
        )
        return _run(settings, same)


def settings_from(options: Options) -> CollectionSettings:
    """Checks the options, names included.

    Raises:
        ValueError: In one line, with the nearest valid names or values.
    """
    tasks = task_names() if options.is_text("tasks", "all") else options.texts("tasks")
    for task in tasks:
        load_task(task)
    training_set, parts = _parts(options)
    cameras, resolution = options.texts("cameras"), options.optional_size("resolution")
    model = options.text("camera_model")
    # Its constructor checks names and sizes.
    seen = DualArmEnv(
        tasks[0], obs_mode="rgb", cameras=cameras, camera_model=model, resolution=resolution
    ).camera_model
    recorded = {"rgb", *(name for name in ("depth", "segmentation") if options.flag(name))}
    info = DatasetInfo(
        tasks=tuple(tasks),
        parts=parts,
        seed=options.integer("seed", 0),
        cameras=tuple(cameras),
        camera_model=model,
        resolution=(seen.width, seen.height),
        pictures=tuple(name for name in PICTURES if name in recorded),
        control_hz=DualArmEnv.control_hz,
        training_set=training_set,
    )
    check_seeds(info)
    if options.is_text("workers", "auto"):
        workers = usable_cores()
    else:
        workers = options.integer("workers", 0, also=" or auto")
    folder = options.optional_path("output_dir") or _default_folder(info)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"output_dir={folder}: not a folder")
    return CollectionSettings(info, folder, workers, options.flag("resume"))


def _parts(options: Options) -> tuple[str | None, tuple[Part, ...]]:
    """The training set's name, if any, and what is collected."""
    training = options.optional_text("training")
    episodes, variations = options.integer("episodes", 1), _variations(options)
    if training is None:
        parse(variations)
        return None, (Part(episodes, variations),)
    if variations or episodes != _DEFAULT_EPISODES:
        raise UsageError("training says which episodes and variations: leave those two out")
    protocol_name, slash, name = training.rpartition("/")
    if not slash:
        raise UsageError(f"training={training}: expected PROTOCOL/NAME")
    protocol = find_protocol(protocol_name)
    wanted = protocol.training_set(name)
    if not _is_recorded(wanted):
        lacks = "has generated parts" if wanted.demonstrations else "has no demonstrations"
        valid = ", ".join(each.name for each in protocol.training if _is_recorded(each))
        raise UsageError(f"training={training} {lacks}; those that can be collected: {valid}")
    parts = tuple(Part(each.episodes, each.variations) for each in wanted.demonstrations)
    return f"{protocol.name}/{wanted.name}", parts


def _is_recorded(known: TrainingSet) -> bool:
    """Whether a training set consists of demonstrations that experts show."""
    return bool(known.demonstrations) and not any(each.generated for each in known.demonstrations)


def _variations(options: Options) -> dict[str, Any]:
    """What varies: a mapping, or a named one of ours."""
    named = {path.stem: path for path in sorted((CONF_FOLDER / "named_variations").glob("*.yaml"))}
    for name, path in named.items():
        if options.is_text("variations", name):
            found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
            return found
    return options.mapping("variations", also=f" or one of {', '.join(named)}")


def _default_folder(info: DatasetInfo) -> Path:
    """A folder named after what is collected."""
    task = info.tasks[0].replace(":", ".") if len(info.tasks) == 1 else f"{len(info.tasks)}_tasks"
    if info.training_set:
        what = info.training_set.replace("/", "-")
    else:
        what = "-".join([str(info.parts[0].episodes), *info.parts[0].variations])
    return Path("outputs") / "demonstrations" / f"{task}-{what}-{info.seed}"


def _run(settings: CollectionSettings, same: str) -> int:
    progress = CollectionProgress()
    info, folder = settings.info, settings.folder
    try:
        with progress.bar:
            collect(info, folder, settings.workers, progress, resume=settings.resume)
    except KeyboardInterrupt:
        print(f"interrupted; {_kept(folder, progress, same)}", file=sys.stderr)
        return EXIT_INTERRUPTED
    except (CollectionError, DemonstrationError, RenderingUnavailableError) as error:
        status = fail(error)
        return EXIT_FAILURE if progress.total else status
    except (OSError, ReplayError, WorkerDiedError) as error:
        print(f"error: {error}; {_kept(folder, progress, same)}", file=sys.stderr)
        return EXIT_FAILURE
    _show(settings, progress)
    return 0


def _kept(folder: Path, progress: CollectionProgress, same: str) -> str:
    """What a collection that did not end has left, and how to continue it."""
    if not progress.total:
        return "nothing was written"
    done = f"{progress.done} of {progress.total} episodes"
    return f"{done} are in {folder}; this continues:\n  {same}"


def _show(settings: CollectionSettings, progress: CollectionProgress) -> None:
    """Prints what there is now."""
    info, folder = settings.info, settings.folder
    count = len(info.episodes())
    for task in info.tasks:
        size = sum(episode_path(folder, task, i).stat().st_size for i in range(count))
        failed = progress.passed_over[task]
        passed = f", {failed} seeds passed over" if failed else ""
        print(f"{task}: {count} episodes, {decimal(size)}{passed}")
    print(f"data set  {folder}")


def _help() -> str:
    notes = [
        f"Tasks:         {', '.join(task_names())}, or module:Class",
        f"Protocols:     {', '.join(protocol_names())}",
        f"Cameras:       {', '.join(CAMERA_MOUNTS)}",
        f"Camera models: {', '.join(CAMERA_MODELS)}",
        "",
        "Exit status: 0; 1 after a crash or a full disk; 2 for a wrong name or value, with nothing",
        "written; 130 after Ctrl-C or SIGTERM.",
    ]
    return help_page(NAME, SUMMARY, EXAMPLES, notes)
