"""The command behind `emma_gym.judge`: generated demonstrations in, scores and a choice out."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from torch.nn import Module

from augment.generation import DESCRIPTION
from augment.judging import SCORES, Judgement, judge
from augment.kept_scores import KeptScores
from augment.pretrained.weights import DEPTH_NET
from augment.video_metrics.clip_score import PromptSimilarity
from augment.video_metrics.depth_net import DepthNet
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
from eval_protocols.provenance import source_sha256
from learning.devices import chosen_device
from learning.whole_folder import folder_sha256

NAME = "judge"

SUMMARY = """
Scores generated demonstrations beside what they were made of: whether views and frames agree,
whether geometry is as it was, whether what the prompts say can be seen. Writes quality.json into
their folder, which names the worst: trainings leave those out. What is judged is not judged again,
unless it, a network, the clips or our code have changed: interrupted, the same command goes on.
"""

EXAMPLES = {
    "Scores of a generated data set": "dataset=data/generated",
}

NOTES = [
    "Exit status: 0; 1 if something cannot be written; 2 for a wrong name or value or a damaged",
    "data set; 130 after Ctrl-C or SIGTERM.",
]


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit status."""
    if any(argument in ("-h", "--help", "help") for argument in arguments):
        print(help_page(NAME, SUMMARY, EXAMPLES, NOTES))
        return 0
    same = shlex.join(["python", "-m", f"emma_gym.{NAME}", *arguments])
    with interruptible():
        try:
            options = compose_options(NAME, arguments)
            generated, source = _datasets(options)
            net, similarity = _depth_net(options), _prompt_similarity(options)
            kept = KeptScores(generated.folder / SCORES, _decided_by(options))
            with ProgressBar() as progress:
                judgement = judge(
                    generated,
                    source,
                    clips=options.integer("clips", 1),
                    depth_net=net,
                    drop_at_most=options.number("drop_at_most", 0.0),
                    kept=kept,
                    progress=progress.show,
                    prompt_similarity=similarity,
                )
            path = judgement.save(generated.folder)
        except ValueError as error:
            return fail(error)
        except OSError as error:
            print(f"error: {error}; this goes on:\n  {same}", file=sys.stderr)
            return EXIT_FAILURE
        except KeyboardInterrupt:
            print(f"interrupted; this goes on:\n  {same}", file=sys.stderr)
            return EXIT_INTERRUPTED
    _show(judgement)
    print(f"scores  {path}")
    return 0


def _datasets(options: Options) -> tuple[Dataset, Dataset]:
    """What is judged, and what it was made of."""
    folder = options.optional_path("dataset")
    if folder is None:
        raise UsageError("dataset=FOLDER is needed, which `python -m emma_gym.generate` makes")
    generated = Dataset(folder)
    source = options.optional_path("source")
    if source is None:
        path = folder / DESCRIPTION
        if not path.exists():
            raise UsageError(f"dataset={folder} is not generated: it has no {DESCRIPTION}")
        source = Path(json.loads(path.read_text(encoding="utf-8"))["source"])
    return generated, Dataset(source)


def _depth_net(options: Options) -> DepthNet:
    folder = options.optional_path("depth_net") or DEPTH_NET
    if not (folder / "config.json").exists():
        raise UsageError(f"depth_net={folder}: expected a folder with a network's config.json")
    net: DepthNet = DepthNet.from_pretrained(folder)
    Module.to(net, chosen_device(options.text("device")))
    return net


def _prompt_similarity(options: Options) -> PromptSimilarity | None:
    folder = options.optional_path("clip_model")
    if folder is None:
        return None
    return PromptSimilarity.load(folder, str(chosen_device(options.text("device"))))


def _decided_by(options: Options) -> dict[str, Any]:
    """What all scores depend on."""
    clip_model = options.optional_path("clip_model")
    return {
        "clips": options.integer("clips", 1),
        "depth_net_sha256": folder_sha256(options.optional_path("depth_net") or DEPTH_NET),
        "clip_model_sha256": None if clip_model is None else folder_sha256(clip_model),
        "source_sha256": source_sha256(),
    }


def _show(judgement: Judgement) -> None:
    """Prints the means, and what is dropped."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("score")
    for name in ("generated", "simulator", "ratio"):
        table.add_column(name, justify="right")
    for name, (mine, theirs) in judgement.means().items():
        ratio = "" if not theirs else f"{mine / theirs:.2f}"
        table.add_row(name, f"{mine:.3g}", "" if theirs is None else f"{theirs:.3g}", ratio)
    if judgement.diversity is not None:
        table.add_row("diversity", f"{judgement.diversity:.3g}", "", "")
    console = Console(highlight=False)
    console.print(table)
    dropped = [
        (task, fault) for task, each in judgement.filtering.items() for fault in each.dropped
    ]
    console.print(f"{len(dropped)} of {len(judgement.generated)} episodes are dropped")
    for task, fault in dropped:
        console.print(
            f"  {task} {fault.clip}: {fault.score} {fault.value:.3g}, "
            f"threshold {fault.threshold:.3g}",
            markup=False,
        )
