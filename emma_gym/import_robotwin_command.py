"""The command behind `emma_gym.import_robotwin`: RoboTwin's episodes in; a data set of ours out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
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
from emma_gym.progress_bar import ProgressBar
from envs.demonstrations.robotwin import import_robotwin
from envs.errors import nearest

NAME = "import_robotwin"

SUMMARY = """
Makes a data set of ours out of the HDF5 files that RoboTwin 2.0 records with aloha-agilex, to train
on. No pickled file is read. The folder appears when it is whole.
"""

EXAMPLES = {
    "One task, under the name that it has here": (
        "source=RoboTwin/data/beat_block_hammer/demo_clean \\\n"
        "      names.beat_block_hammer=block_hammer_beat"
    ),
    "50 episodes of each of two tasks, three cameras": (
        "source=[data/lift_pot/demo_clean,data/click_bell/demo_clean] episodes=50 \\\n"
        "      cameras=[head_camera,left_camera,right_camera] output_dir=outputs/two_tasks"
    ),
}

NOTES = [
    "What stands in for what RoboTwin does not record: docs/exchange.md.",
    "",
    "Exit status: 0; 1 if something cannot be written; 2 for a wrong name or value or a damaged",
    "source; 130 after Ctrl-C or SIGTERM. Unless it is 0, nothing is left behind.",
]


@dataclass(frozen=True)
class ImportSettings:
    """What is asked for; as in `envs.demonstrations.robotwin.import_robotwin`."""

    sources: dict[str, Path]
    folder: Path
    episodes: int | None
    cameras: tuple[str, ...] | None


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit status."""
    if any(argument in ("-h", "--help", "help") for argument in arguments):
        print(help_page(NAME, SUMMARY, EXAMPLES, NOTES))
        return 0
    with interruptible():
        try:
            settings = settings_from(compose_options(NAME, arguments))
            with ProgressBar() as progress:
                info = import_robotwin(
                    settings.sources,
                    settings.folder,
                    settings.episodes,
                    settings.cameras,
                    progress.show,
                )
        except ValueError as error:
            return fail(error)
        except OSError as error:
            print(f"error: {error}", file=sys.stderr)
            return EXIT_FAILURE
        except KeyboardInterrupt:
            print("interrupted: nothing was kept", file=sys.stderr)
            return EXIT_INTERRUPTED
    print(f"{len(info.episodes())} episodes each of {', '.join(info.tasks)}")
    if "depth" not in info.pictures:
        print("they have no depth: RoboTwin records it with 'depth: true' in its configuration")
    print(f"data set  {settings.folder}")
    return 0


def settings_from(options: Options) -> ImportSettings:
    """Checks the options.

    Raises:
        ValueError: In one line, with the nearest valid names or values.
    """
    if options.is_null("source"):
        raise UsageError("source=data/TASK/CONFIGURATION is needed, which RoboTwin 2.0 records")
    folders = [Path(text).expanduser().resolve() for text in options.texts("source")]
    names = options.mapping("names")
    theirs = [folder.parent.name for folder in folders]
    if unknown := [name for name in names if name not in theirs]:
        raise UsageError(
            f"names.{unknown[0]}: source has no such task; {nearest(unknown[0], theirs)}"
        )
    if wrong := [name for name, ours in names.items() if not isinstance(ours, str) or not ours]:
        raise UsageError(f"names.{wrong[0]}={names[wrong[0]]}: expected a text")
    ours = [names.get(name, name) for name in theirs]
    if twice := [name for name in ours if ours.count(name) > 1]:
        raise UsageError(f"source: {twice[0]} is given twice")
    task = ours[0] if len(ours) == 1 else f"{len(ours)}_tasks"
    default = Path("outputs") / "demonstrations" / f"robotwin-{task.replace(':', '.')}"
    everything = options.is_text("cameras", "all")
    return ImportSettings(
        sources=dict(zip(ours, folders, strict=True)),
        folder=options.optional_path("output_dir") or default,
        episodes=options.optional_integer("episodes", 1),
        cameras=None if everything else tuple(options.texts("cameras")),
    )
