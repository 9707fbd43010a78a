"""What a training goes on from: weights, their average and the optimizers, as safetensors and JSON.

`checkpoints/00001200/` is the state after 1200 steps. A folder of that kind is whole: it gets its
name when everything is in it. One is kept.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from diffusers.training_utils import EMAModel
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from learning.errors import TrainingError
from learning.weights_file import save_weights
from learning.whole_folder import put_in_place, staged

WEIGHTS, AVERAGE, OPTIMIZER = "weights.safetensors", "average.safetensors", "optimizer.safetensors"
MORE, PROGRESS = "more.safetensors", "progress.json"


@dataclass
class Progress:
    """How far a training is.

    Attributes:
        step: Steps done.
        wall_s: Time that they took, in s.
        sums: Of what was measured, since the curve's last line.
        summed: Steps in those sums.
    """

    step: int = 0
    wall_s: float = 0.0
    sums: dict[str, float] = field(default_factory=dict)
    summed: int = 0


def save_state(
    folder: Path,
    progress: Progress,
    network: nn.Module,
    average: EMAModel | None,
    optimizers: Sequence[torch.optim.Optimizer],
    more: Mapping[str, Tensor],
) -> None:
    """Writes the state, and deletes those before it.

    Args:
        folder: Of all states.
        progress: How far the training is.
        network: Its network.
        average: Of the network's weights, if there is one.
        optimizers: Of the network.
        more: What else the training goes on from.
    """
    named = dict(network.named_parameters())
    place = folder / f"{progress.step:08d}"
    staging = staged(place)
    save_weights(staging / WEIGHTS, network.state_dict())
    if average is not None:
        save_weights(staging / AVERAGE, dict(zip(named, average.shadow_params, strict=True)))
    save_weights(
        staging / OPTIMIZER,
        {
            f"{name}/{key}": value
            for optimizer in optimizers
            for name, parameter in named.items()
            for key, value in optimizer.state.get(parameter, {}).items()
        },
    )
    save_weights(staging / MORE, more)
    (staging / PROGRESS).write_text(json.dumps(asdict(progress)) + "\n", encoding="utf-8")
    put_in_place(staging, place)
    for path in folder.iterdir():
        if path != place:
            shutil.rmtree(path)


def latest_state(folder: Path) -> Path | None:
    """The folder of the last whole state; None if there is none."""
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return max((folder / name for name in names if name.isdigit()), default=None)


def load_progress(state: Path) -> Progress:
    """How far a training was.

    Raises:
        TrainingError: If the state is damaged.
    """
    try:
        return Progress(**json.loads((state / PROGRESS).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise _damaged(state, error) from None


def load_state(
    state: Path,
    network: nn.Module,
    average: EMAModel | None,
    optimizers: Sequence[torch.optim.Optimizer],
) -> None:
    """Sets network, average and optimizers to what they were.

    Raises:
        TrainingError: If the state is damaged, or another network's.
    """
    named = dict(network.named_parameters())
    try:
        network.load_state_dict(load_file(state / WEIGHTS))
        if average is not None:
            averaged = load_file(state / AVERAGE)
            for shadow, name in zip(average.shadow_params, named, strict=True):
                shadow.copy_(averaged[name])
            average.optimization_step = load_progress(state).step
        moments = _by_parameter(load_file(state / OPTIMIZER))
    except (OSError, RuntimeError, KeyError, SafetensorError) as error:
        raise _damaged(state, error) from None
    names = {parameter: name for name, parameter in named.items()}
    for optimizer in optimizers:
        # As the optimizer numbers its parameters: group by group.
        order = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        numbered = {
            number: moments[names[parameter]]
            for number, parameter in enumerate(order)
            if names[parameter] in moments
        }
        optimizer.load_state_dict({**optimizer.state_dict(), "state": numbered})


def load_more(state: Path) -> dict[str, Tensor]:
    """What else a training goes on from.

    Raises:
        TrainingError: If the state is damaged.
    """
    try:
        return load_file(state / MORE)
    except (OSError, SafetensorError) as error:
        raise _damaged(state, error) from None


def _by_parameter(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    found: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        parameter, _, key = name.rpartition("/")
        found.setdefault(parameter, {})[key] = tensor
    return found


def _damaged(state: Path, error: Exception) -> TrainingError:
    return TrainingError(
        f"{state} is damaged: {' '.join(str(error).split())}; resume=false starts over"
    )
