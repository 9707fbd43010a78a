"""A method of imitation that is as small as one can be, with all that makes training hard.

It has noise, dropout, running statistics, a history, chunks, a parameter that nothing uses, two
learning rates and normalizers.
"""

from dataclasses import dataclass

import torch
from torch import nn

from envs.robots.dual_arm import ACTION_LOWER, ACTION_UPPER
from policies.imitation.method import ImitationMethod, Window
from policies.policy import Observes


@dataclass(frozen=True)
class TinyConfig:
    cameras: tuple[str, ...] = ("head_camera",)
    resolution: tuple[int, int] | None = (32, 24)
    obs_mode: str = "rgb"
    history: int = 2
    horizon: int = 5
    executed: int = 3
    width: int = 16
    dropout: float = 0.2


class Tiny(ImitationMethod):
    name = "tiny"
    config_class = TinyConfig

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.pixels = nn.Sequential(nn.Conv2d(3, 4, 4, 4), nn.BatchNorm2d(4), nn.ReLU())
        self.body = nn.Sequential(
            nn.Linear(4 + 14 * config.history, config.width),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.width, 14 * config.horizon),
        )
        self.unused = nn.Linear(2, 2)
        self.register_buffer("shift", torch.zeros(14))
        self.register_buffer("scale", torch.ones(14))

    @property
    def observes(self):
        c = self.config
        return Observes(c.obs_mode, c.cameras, c.resolution, history=c.history, history_stride=2)

    @property
    def window(self):
        return Window(self.config.horizon + 1, first=-1)

    @property
    def executed(self):
        return self.config.executed

    def fit(self, statistics):
        self.shift.copy_(statistics.action.mean)
        self.scale.copy_(statistics.action.std.clamp(min=0.1))

    def losses(self, batch, generator):
        noise = torch.randn(batch["joint_target"].shape, generator=generator)
        joints = batch["joint_target"] + 0.02 * noise.to(batch["joint_target"].device)
        target = (batch["action"][:, 1:] - self.shift) / self.scale
        error = (self._forward(batch, joints) - target).square().mean(dim=(1, 2))
        return {"loss": error, "half": error / 2}

    def predict(self, batch, generator):
        noise = torch.zeros(batch["joint_target"].shape)
        if generator is not None:
            noise = 1e-3 * torch.randn(noise.shape, generator=generator)
        joints = batch["joint_target"] + noise.to(batch["joint_target"].device)
        action = self._forward(batch, joints) * self.scale + self.shift
        low, high = (
            torch.as_tensor(limit, dtype=torch.float32, device=action.device)
            for limit in (ACTION_LOWER, ACTION_UPPER)
        )
        return torch.clamp(action.float(), low, high)

    def parameter_groups(self):
        rest = [*self.body.parameters(), *self.unused.parameters()]
        return [(self.pixels.parameters(), 0.5), (rest, 1.0)]

    def _forward(self, batch, joints):
        joints = ((joints - self.shift) / self.scale).flatten(1)
        if "rgb" in batch:
            rgb = batch["rgb"][:, -1].float().flatten(0, 1).permute(0, 3, 1, 2) / 255
            seen = self.pixels(rgb).mean(dim=(2, 3)).unflatten(0, (len(joints), -1)).mean(1)
        else:
            seen = batch["pointcloud"][:, -1, :, :4].mean(1)
        flat = self.body(torch.cat([seen, joints], dim=1))
        return flat.unflatten(1, (self.config.horizon, 14))
