"""The command behind `emma_gym.export_lerobot`: a data set in; one of LeRobot's out."""

from __future__ import annotations

import importlib.util
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.filesize import decimal

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
from envs.demonstrations.dataset import Dataset
from envs.demonstrations.lerobot.selection import Selection

NAME = "export_lerobot"

SUMMARY = """
Writes demonstrations as a LeRobot dataset v3.0, which LeRobotDataset("me/name", root=output_dir)
reads. LeRobot is not needed here; pyarrow is: pip install 'emma-gym[lerobot]'. The folder appears
when it is whole.
"""

EXAMPLES = {
    "All of a data set, with videos": "dataset=outputs/demonstrations/block_hammer_beat-100-0",
    "20 episodes of one camera, depth included, nothing lost": (
        "dataset=DATASET episodes=20 cameras=head_camera \\\n      videos=false depth=true"
    ),
    "With how often AdaMix draws each": "dataset=DATASET weights=TRAINING/sampling_weights.json",
}

NOTES = [
    "What the features are: envs/demonstrations/lerobot/features.py and docs/exchange.md.",
    "",
    "Exit status: 0; 1 if something cannot be written; 2 for a wrong name or value or a damaged",
    "data set; 130 after Ctrl-C or SIGTERM. Unless it is 0, nothing is left behind.",
]


@dataclass(frozen=True)
class ExportSettings:
    """What is asked for.

    Attributes:
        dataset: The data set.
        selection: What of it.
        folder: Where the export is written.
    """

    dataset: Dataset
    selection: Selection
    folder: Path


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit status."""
    if any(argument in ("-h", "--help", "help") for argument in arguments):
        print(help_page(NAME, SUMMARY, EXAMPLES, NOTES))
        return 0
    with interruptible():
        try:
            settings = settings_from(compose_options(NAME, arguments))
            _export(settings)
        except ValueError as error:
            return fail(error)
        except OSError as error:
            print(f"error: {error}", file=sys.stderr)
            return EXIT_FAILURE
        except KeyboardInterrupt:
            print("interrupted: nothing was kept", file=sys.stderr)
            return EXIT_INTERRUPTED
    _show(settings)
    return 0


def settings_from(options: Options) -> ExportSettings:
    """Checks the options.

    Raises:
        ValueError: In one line, with the nearest valid names or values.
    """
    folder = options.optional_path("dataset")
    if folder is None:
        raise UsageError(
            "dataset=FOLDER is needed, which `python -m emma_gym.collect` or "
            "`python -m emma_gym.import_robotwin` makes"
        )
    dataset = Dataset(folder)
    info = dataset.info
    default = Path("outputs") / "lerobot" / dataset.folder.resolve().name
    every_task, every_camera = options.is_text("tasks", "all"), options.is_text("cameras", "all")
    selection = Selection(
        tasks=info.tasks if every_task else options.texts("tasks"),
        episodes=options.optional_integer("episodes", 1),
        cameras=info.cameras if every_camera else options.texts("cameras"),
        videos=options.flag("videos"),
        depth=options.flag("depth"),
        weights=_weights(options.optional_path("weights")),
    )
    return ExportSettings(dataset, selection, options.optional_path("output_dir") or default)


def _weights(path: Path | None) -> Mapping[Path, float] | None:
    """How often each episode should be drawn, as a training has written it."""
    if path is None:
        return None
    expected = f"weights={path}: expected sampling_weights.json of a training"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UsageError(f"{expected} ({error})") from None
    if not isinstance(content, dict) or not all(map(_is_weight, content.values())):
        raise UsageError(f"{expected}, a number for each episode's path")
    return {Path(name): float(value) for name, value in content.items()}


def _is_weight(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value >= 0


def _export(settings: ExportSettings) -> None:
    for package in ("pyarrow", "pandas"):
        if importlib.util.find_spec(package) is None:
            raise UsageError(f"{package} is not installed: pip install 'emma-gym[lerobot]'")
    from envs.demonstrations.lerobot.export import export_lerobot

    with ProgressBar() as progress:
        export_lerobot(settings.dataset, settings.folder, settings.selection, progress.show)


def _show(settings: ExportSettings) -> None:
    size = sum(path.stat().st_size for path in settings.folder.rglob("*") if path.is_file())
    print(f"LeRobot dataset v3.0  {settings.folder}  ({decimal(size)})")
    if not settings.selection.depth and "depth" in settings.dataset.info.pictures:
        print("depth is left out: depth=true adds it")
