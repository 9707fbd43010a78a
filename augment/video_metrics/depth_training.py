"""Training of the depth estimator on simulator clips, whose depth is exact."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from augment.clip import Clip, ClipError
from augment.video_metrics.depth_net import DepthNet, as_input

RECOLORING = 0.3
"""Greatest change of a channel of a training picture, as a part, besides exchanging channels.

The estimator shall judge pictures in colors that the simulator does not have.
"""


def train_depth_net(
    clips: Sequence[Clip],
    steps: int,
    generator: torch.Generator,
    *,
    net: DepthNet | None = None,
    batch_size: int = 8,
    learning_rate: float = 2e-3,
    recoloring: float = RECOLORING,
    log: Callable[[int, float], None] | None = None,
) -> DepthNet:
    """Trains a depth network; the same arguments give the same one.

    The loss is the mean absolute error of log depth over valid pixels, so about the mean relative
    error. AdamW; the learning rate warms up and falls to 0 along a cosine.

    Args:
        clips: Of one picture size. Each picture's clip is looked up by number, so that a sequence
            may read them from files when it is asked.
        steps: Updates.
        generator: On the CPU; draws pictures, colors, and the weights of a new network.
        net: What to train further; None for a new network without views. On its own device.
        batch_size: Pictures an update.
        learning_rate: The greatest.
        recoloring: How much colors are changed; 0 for none.
        log: Is told step and loss after each update.

    Returns:
        The network, in evaluation mode.

    Raises:
        ClipError: If there are no clips, or one has no valid depth.
    """
    if not len(clips):
        raise ClipError("there are no clips to learn depth from")
    if net is None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
            net = DepthNet()
    optimizer = torch.optim.AdamW(net.parameters(), lr=learning_rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, learning_rate, total_steps=steps + 1, pct_start=0.1
    )
    net.train()
    for step in range(steps):
        rgb, depth, view = _batch(clips, batch_size, generator)
        rgb = _recolored(rgb, recoloring, generator)
        rgb, depth, view = (part.to(net.device) for part in (rgb, depth, view))
        valid = depth > 0
        if not valid.any():
            raise ClipError("a batch of clips to learn depth from has no valid depth")
        estimate = net(rgb, view if net.views else None)
        loss = (estimate[valid].log() - depth[valid].log()).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if log is not None:
            log(step, loss.item())
    net.eval()
    return net


def _batch(
    clips: Sequence[Clip], size: int, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Random pictures (N, 3, H, W), their depth (N, H, W) and views (N,)."""
    pictures, depths, views = [], [], []
    for _ in range(size):
        clip = clips[_draw(len(clips), generator)]
        frame, view = _draw(clip.frames, generator), _draw(clip.views, generator)
        pictures.append(clip.rgb[frame, view])
        depths.append(clip.depth[frame, view])
        views.append(view)
    return as_input(np.stack(pictures)), torch.from_numpy(np.stack(depths)), torch.tensor(views)


def _recolored(rgb: Tensor, size: float, generator: torch.Generator) -> Tensor:
    """Pictures (N, 3, H, W) with their channels exchanged and each made stronger or weaker."""
    if size == 0:
        return rgb
    count = len(rgb)
    order = torch.rand(count, 3, generator=generator).argsort(dim=1)
    gain = 1 + size * (2 * torch.rand(count, 3, 1, 1, generator=generator) - 1)
    mixed = torch.gather(rgb, 1, order[:, :, None, None].expand_as(rgb))
    return (gain * mixed).clamp(0, 1)


def _draw(count: int, generator: torch.Generator) -> int:
    return int(torch.randint(count, (), generator=generator))
