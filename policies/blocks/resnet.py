"""ResNet as an encoder of pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from transformers import ResNetConfig, ResNetModel

from learning.configuration import ConfigurationError

RESNET18_CHANNELS = (64, 128, 256, 512)
RESNET18_BLOCKS = (2, 2, 2, 2)

CHANNELS_PER_GROUP = 16
"""Of group normalization, as DP's code has it."""


class ResNet(nn.Module):
    """ResNet of basic blocks, of any width and depth, without a classifier.

    It has group normalization, because a moving average of the weights and running statistics do
    not go together (DP, section 3.2), or frozen batch normalization for pretrained weights.

    Attributes:
        channels: Of the feature map.
    """

    def __init__(
        self,
        channels: Sequence[int] = RESNET18_CHANNELS,
        blocks: Sequence[int] = RESNET18_BLOCKS,
        *,
        frozen: bool = False,
    ) -> None:
        """Builds it with random weights.

        Args:
            channels: Of the stages, whose strides are 4, 8, 16, ...
            blocks: Number of basic blocks in each stage.
            frozen: Whether it has frozen batch normalization in place of group normalization.
        """
        super().__init__()
        self.channels = channels[-1]
        self.network = ResNetModel(
            ResNetConfig(
                embedding_size=channels[0],
                hidden_sizes=list(channels),
                depths=list(blocks),
                layer_type="basic",
            )
        )
        _replace_norm(self.network, FrozenBatchNorm if frozen else _group_norm)

    def forward(self, pictures: Tensor) -> Tensor:
        """Feature maps (N, channels, H / 32, W / 32) of normalized pictures (N, 3, H, W)."""
        # Convolutions, pooling and normalization are faster so.
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        maps: Tensor = self.network(pictures).last_hidden_state
        return maps

    def load_pretrained(self, source: str) -> None:
        """Takes over the weights of a pretrained ResNet; only with frozen batch normalization.

        Args:
            source: A folder, or a name on a model hub, that transformers loads.

        Raises:
            ConfigurationError: If there is none, or it has another architecture.
        """
        try:
            pretrained = ResNetModel.from_pretrained(source)
        except OSError:
            raise ConfigurationError(
                f"no pretrained ResNet at '{source}': neither a folder with config.json and "
                "model.safetensors nor a model on a hub that is reachable"
            ) from None
        for name in ("embedding_size", "hidden_sizes", "depths", "layer_type"):
            found, wanted = (getattr(m.config, name) for m in (pretrained, self.network))
            if found != wanted:
                raise ConfigurationError(
                    f"the ResNet at '{source}' has {name}={found}, not {wanted}"
                )
        state = pretrained.state_dict()
        self.network.load_state_dict(
            {name: value for name, value in state.items() if "num_batches" not in name}
        )


class FrozenBatchNorm(nn.Module):
    """Batch normalization by statistics and a map that never change."""

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, batch_norm: nn.BatchNorm2d) -> None:
        """Takes the place of a batch normalization, with its values."""
        super().__init__()
        self.eps = batch_norm.eps
        for name in ("weight", "bias", "running_mean", "running_var"):
            self.register_buffer(name, getattr(batch_norm, name).detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """Normalizes (N, C, H, W)."""
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        shift = self.bias - self.running_mean * scale
        return x * scale[:, None, None] + shift[:, None, None]


def _group_norm(batch_norm: nn.BatchNorm2d) -> nn.Module:
    channels = batch_norm.num_features
    return nn.GroupNorm(max(1, channels // CHANNELS_PER_GROUP), channels)


def _replace_norm(module: nn.Module, make: Callable[[nn.BatchNorm2d], nn.Module]) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, make(child))
        else:
            _replace_norm(child, make)
