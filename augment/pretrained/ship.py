"""Puts trained weights into the package, where commands find them if no others are named.

    .venv/bin/python -m augment.pretrained.ship --model RUN/stage_2/last --depth-net RUN/last

Matrices are rounded to float16, half the size; they are widened again when they are loaded.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import torch
from torch import nn

from augment.dream_transfer.pipeline import DreamTransferPipeline
from augment.pretrained.weights import DEPTH_NET, DREAM_TRANSFER
from augment.video_metrics.depth_net import DepthNet
from augment.video_metrics.depth_trainer import ERRORS
from learning.whole_folder import put_in_place, staged


@torch.no_grad()
def rounded(module: nn.Module) -> None:
    """Rounds a module's matrices to float16."""
    for parameter in module.parameters():
        if parameter.ndim > 1:
            parameter.data = parameter.data.half()


def forget_origin(folder: Path) -> None:
    """Removes from configurations where the weights lay: it is nobody's business elsewhere."""
    for path in folder.rglob("*.json"):
        told = json.loads(path.read_text(encoding="utf-8"))
        if told.pop("_name_or_path", None) is not None:
            path.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def ship_dream_transfer(source: Path, target: Path = DREAM_TRANSFER) -> None:
    """Puts a pipeline in place."""
    pipeline = DreamTransferPipeline.from_pretrained(source)
    for component in pipeline.components.values():
        if isinstance(component, nn.Module):
            rounded(component)
    staging = staged(target)
    pipeline.save_pretrained(staging)
    forget_origin(staging)
    put_in_place(staging, target)


def ship_depth_net(source: Path, target: Path = DEPTH_NET) -> None:
    """Puts a network in place, with its errors."""
    net = DepthNet.from_pretrained(source)
    rounded(net)
    staging = staged(target)
    net.save_pretrained(staging)
    forget_origin(staging)
    shutil.copy(source / ERRORS, staging)
    put_in_place(staging, target)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="a pipeline's folder")
    parser.add_argument("--depth-net", type=Path, help="a depth network's folder")
    chosen = parser.parse_args()
    if chosen.model is not None:
        ship_dream_transfer(chosen.model)
    if chosen.depth_net is not None:
        ship_depth_net(chosen.depth_net)
