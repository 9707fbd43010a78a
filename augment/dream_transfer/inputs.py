"""What the pipeline is given, checked and brought to one form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from diffusers.utils.torch_utils import randn_tensor
from numpy.typing import NDArray
from torch import Tensor

Array = Tensor | NDArray[Any]


@dataclass(frozen=True)
class ClipSize:
    """Size of a clip of several views.

    Attributes:
        frames: F.
        views: V.
        height: H in pixels.
        width: W of one view in pixels.
    """

    frames: int
    views: int
    height: int
    width: int


def as_tensor(name: str, value: Array, shape: str) -> Tensor:
    """An array as a tensor, with the axes that it must have.

    Args:
        name: What errors call it.
        value: The array.
        shape: Axes, such as "B F V H W".

    Raises:
        ValueError: If the number of axes differs.
    """
    tensor = (
        torch.from_numpy(np.ascontiguousarray(value)) if isinstance(value, np.ndarray) else value
    )
    axes = shape.split()
    if tensor.ndim != len(axes):
        raise ValueError(f"{name} has shape {tuple(tensor.shape)}; needed is ({', '.join(axes)})")
    return tensor


def clip_size(depth: Tensor, *, time_stride: int, pixels: int) -> ClipSize:
    """Size of a clip, if the networks can have it.

    Args:
        depth: (B, F, V, H, W).
        time_stride: Frames of a latent frame; the first latent frame has one.
        pixels: Height and width in pixels of a token.

    Raises:
        ValueError: If they cannot.
    """
    size = ClipSize(*depth.shape[1:])
    if size.frames % time_stride != 1:
        fewer = (size.frames - 1) // time_stride * time_stride + 1
        nearest = [count for count in (fewer, fewer + time_stride) if count > 0]
        raise ValueError(
            f"{size.frames} frames; needed are {time_stride} * k + 1, the nearest are "
            f"{' and '.join(map(str, nearest))}"
        )
    for name, length in (("height", size.height), ("width of a view", size.width)):
        if length % pixels or not length:
            raise ValueError(f"{name} {length} must be a multiple of {pixels} pixels")
    return size


def pictures(name: str, value: Array | None, size: ClipSize) -> Tensor:
    """Pictures (B, F, V, H, W, 3) of a clip.

    Raises:
        ValueError: If they are of another size than the clip.
    """
    assert value is not None
    tensor = as_tensor(name, value, "B F V H W 3")
    needed = (size.frames, size.views, size.height, size.width, 3)
    if tensor.shape[1:] != needed:
        raise ValueError(
            f"{name} has shape {tuple(tensor.shape)}; after the batch, depth's size needs {needed}"
        )
    return tensor


def first_pictures(value: Array, size: ClipSize) -> Tensor:
    """First frames (B, V, H, W, 3) of a clip as clips of one frame (B, 1, V, H, W, 3).

    Raises:
        ValueError: If they are of another size than the clip.
    """
    frame = as_tensor("first_frame", value, "B V H W 3")
    return pictures("first_frame", frame[:, None], replace(size, frames=1))


def common_batch(inputs: Mapping[str, Tensor | None]) -> int:
    """The number of items; what there is one of serves all.

    Args:
        inputs: By their names; None for one that is not given.

    Raises:
        ValueError: If lengths differ and are not 1.
    """
    given = {name: len(tensor) for name, tensor in inputs.items() if tensor is not None}
    batch = max(given.values())
    if wrong := {name: count for name, count in given.items() if count not in (1, batch)}:
        name, count = next(iter(wrong.items()))
        largest = max(given, key=lambda other: given[other])
        raise ValueError(f"{count} of {name}, but {batch} of {largest}; give 1 or {batch}")
    return batch


def for_videos(tensor: Tensor, batch: int, videos: int) -> Tensor:
    """Repeats (1 or B, ...) to (B * videos, ...), videos of an item next to each other."""
    return tensor.expand(batch, *tensor.shape[1:]).repeat_interleave(videos, dim=0)


def check_flow_scheduler(scheduler: Any) -> None:
    """Refuses schedulers that do not solve flows, which would make noise without a word.

    Raises:
        ValueError: For such a one.
    """
    config = scheduler.config
    prediction = config.get("prediction_type", "flow_prediction")
    if prediction != "flow_prediction" or not config.get("use_flow_sigmas", True):
        name = type(scheduler).__name__
        raise ValueError(
            f"{name} does not solve a flow; use {name}.from_config(pipe.scheduler.config, "
            'use_flow_sigmas=True, prediction_type="flow_prediction", flow_shift=...)'
        )


def first_step(strength: float, steps: int) -> int:
    """The step to begin with, so that a share `strength` of all steps is left.

    Raises:
        ValueError: If the strength is outside of (0, 1], or leaves no step.
    """
    if not 0 < strength <= 1:
        raise ValueError(f"strength={strength} must be in (0, 1]")
    left = int(steps * strength + 1e-9)
    if left < 1:
        raise ValueError(f"strength={strength} leaves none of {steps} steps")
    return steps - left


def starting_noise(
    shape: tuple[int, ...],
    generator: torch.Generator | list[torch.Generator] | None,
    latents: Tensor | None,
    device: torch.device,
) -> Tensor:
    """The noise that is given, or new noise; float32 for the scheduler's sake.

    Args:
        shape: (B, C, f, h, w).
        generator: One, or one for each item.
        latents: Noise that is given.
        device: Where it shall be.

    Raises:
        ValueError: If the noise has another shape, or a list of generators another length.
    """
    if latents is not None:
        if latents.shape != shape:
            raise ValueError(f"latents have shape {tuple(latents.shape)}; needed is {shape}")
        return latents.to(device, torch.float32)
    if isinstance(generator, list) and len(generator) != shape[0]:
        raise ValueError(
            f"{len(generator)} generators for {shape[0]} videos; give one, or one for each"
        )
    noise: Tensor = randn_tensor(shape, generator, device, torch.float32)
    return noise
