"""How well a method does each demonstration: what AdaMix and its rivals weight samples by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from augment.adamix.metrics import FrameMetrics, Predictions, frame_metrics
from envs.demonstrations.episode_file import Episode
from envs.dual_arm_env import DualArmEnv
from learning.batch import Batch, collate
from policies.imitation.method import ImitationMethod
from policies.training.demonstration_windows import DemonstrationWindows

BATCH_SIZE = 64


@torch.no_grad()
def predicted_metrics(
    method: ImitationMethod,
    windows: DemonstrationWindows,
    std: Tensor,
    margin: float,
    generator: torch.Generator | None = None,
) -> FrameMetrics:
    """AdaMix's metrics of what a method predicts for its demonstrations, open loop.

    It looks at a recorded observation, its `executed` actions are taken, and it looks again.

    Args:
        method: In training; it is left in evaluation mode.
        windows: The frames of all demonstrations.
        std: (14,) standard deviations of recorded actions, which errors are divided by; not where
            they are 0.
        margin: Width in rad of the band inside the joint limits that counts as beyond them.
        generator: Of noise. Without one there is none: with it, which demonstrations are hard for a
            policy that denoises can depend on the noise (benchmarks/adamix_noise.py).

    Returns:
        Of the demonstrations, in their order.
    """
    method.eval()
    lengths, every = windows.lengths, method.executed
    firsts = [range(0, length, every) for length in lengths]
    looked = [windows.index(number, frame) for number, each in enumerate(firsts) for frame in each]
    device = next(method.parameters()).device
    chunks = torch.cat(
        [
            method.predict(batch, generator)[:, :every].float()
            for batch in _batches(windows, looked, device)
        ]
    )
    predicted, first = [], 0
    for length, each in zip(lengths, firsts, strict=True):
        predicted.append(chunks[first : first + len(each)].flatten(0, 1)[:length])
        first += len(each)
    recorded = [_actions(each).to(device) for each in windows.episodes]
    return frame_metrics(
        Predictions.from_trajectories(predicted, recorded),
        torch.where(std > 0, std, 1.0).to(device).float(),
        control_hz=DualArmEnv.control_hz,
        margin=margin,
    )


@torch.no_grad()
def losses(
    method: ImitationMethod, windows: DemonstrationWindows, items: Sequence[int], seed: int
) -> Tensor:
    """Losses (N,) of frames, float64.

    Args:
        method: It is left in evaluation mode.
        windows: The frames of all demonstrations.
        items: Which of them.
        seed: Of noise and timesteps.
    """
    method.eval()
    generator = torch.Generator().manual_seed(seed)
    device = next(method.parameters()).device
    return torch.cat(
        [
            method.losses(batch, generator)["loss"].double()
            for batch in _batches(windows, items, device)
        ]
    )


def _actions(episode: Episode) -> Tensor:
    """The action (T, 14) after each frame; after the last one that before is repeated."""
    action = torch.from_numpy(episode.action)
    return torch.cat([action, action[-1:]])[: len(episode)]


def _batches(
    windows: DemonstrationWindows, items: Sequence[int], device: torch.device
) -> Iterator[Batch]:
    for first in range(0, len(items), BATCH_SIZE):
        batch = collate([windows[item] for item in items[first : first + BATCH_SIZE]])
        yield {name: each.to(device) for name, each in batch.items()}
