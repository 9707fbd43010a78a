"""ACT: a transformer predicts a long chunk of actions, given pictures and joint targets.

Zhao et al., "Learning Fine-Grained Bimanual Manipulation with Low-Cost Hardware" (2023), with the
hyper-parameters of its port to RoboTwin 2.0.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from envs.robots.dual_arm import ACTION_SIZE
from policies.act.network import ChunkTransformer, StyleEncoder
from policies.blocks.action_bounds import within_bounds
from policies.blocks.normalizers import IMAGENET_MEAN, IMAGENET_STD, MeanStdNormalizer
from policies.blocks.resnet import RESNET18_BLOCKS, RESNET18_CHANNELS, ResNet
from policies.imitation.batch import Batch
from policies.imitation.method import ImitationMethod, Statistics, Window
from policies.policy import Observes


@dataclass(frozen=True)
class ActionChunkingTransformerConfig:
    """How ACT is built.

    Attributes:
        cameras: Names; all share one encoder.
        resolution: Of the observed pictures, width and height; None for the camera model's own.
        image_size: Width and height that they are then interpolated to, as the port does; None
            leaves them as they are.
        chunk: Actions that it predicts.
        executed: Actions that are executed before it looks again.
        image_channels: Of the stages of the pictures' encoder; ResNet-18 by default.
        image_blocks: Of each stage.
        backbone_weights: Pretrained weights of the encoder: a folder, or a name on a model hub,
            that transformers' ResNet loads. They keep their batch normalization, frozen. None
            starts from random weights, with group normalization: frozen statistics of nothing
            would leave the encoder without any normalization.
        hidden: Channels of tokens.
        heads: Of attention.
        feedforward: Channels inside the feed-forward networks.
        encoder_layers: Layers over the observation, and over the demonstrated chunk.
        decoder_layers: Layers over the predicted chunk. The code of ACT and its ports configure
            7, but read the first one's output, through the last normalization: 1 computes the
            same function, and 7 what the paper means.
        latent: Numbers of the style.
        dropout: Share of activations that training leaves out.
        kl_weight: Weight of the divergence of styles from a standard normal distribution.
    """

    cameras: tuple[str, ...] = ("head_camera", "left_camera", "right_camera")
    resolution: tuple[int, int] | None = None
    image_size: tuple[int, int] | None = (640, 480)
    chunk: int = 50
    executed: int = 50
    image_channels: tuple[int, ...] = RESNET18_CHANNELS
    image_blocks: tuple[int, ...] = RESNET18_BLOCKS
    backbone_weights: str | None = None
    hidden: int = 512
    heads: int = 8
    feedforward: int = 3200
    encoder_layers: int = 4
    decoder_layers: int = 1
    latent: int = 32
    dropout: float = 0.1
    kl_weight: float = 10.0

    def __post_init__(self) -> None:
        """Checks what hangs together.

        Raises:
            ValueError: Says what is wrong.
        """
        if not 1 <= self.executed <= self.chunk:
            raise ValueError(f"executed={self.executed}: expected 1 .. chunk={self.chunk}")
        if self.hidden % 4 or self.hidden % self.heads:
            raise ValueError(f"hidden={self.hidden}: expected a multiple of 4 and of the heads")


class ActionChunkingTransformer(ImitationMethod):
    """ACT, without temporal ensembling: as in the port, it acts on a whole chunk at a time.

    In training a style is drawn for each demonstrated chunk, from a distribution that an encoder
    of that chunk gives (a conditional variational auto-encoder). Acting, the style is the mean of
    its prior, zero.
    """

    name = "act"
    config_class = ActionChunkingTransformerConfig

    pixel_scale: Tensor
    pixel_shift: Tensor

    def __init__(self, config: ActionChunkingTransformerConfig) -> None:
        """Builds it with random weights."""
        super().__init__()
        self.config = config
        self.state_normalizer = MeanStdNormalizer(ACTION_SIZE)
        self.action_normalizer = MeanStdNormalizer(ACTION_SIZE)
        self.backbone = ResNet(
            config.image_channels, config.image_blocks, frozen=config.backbone_weights is not None
        )
        self.style_encoder = StyleEncoder(
            ACTION_SIZE,
            latent=config.latent,
            hidden=config.hidden,
            heads=config.heads,
            feedforward=config.feedforward,
            layers=config.encoder_layers,
            dropout=config.dropout,
        )
        self.transformer = ChunkTransformer(
            ACTION_SIZE,
            image_channels=self.backbone.channels,
            chunk=config.chunk,
            latent=config.latent,
            hidden=config.hidden,
            heads=config.heads,
            feedforward=config.feedforward,
            encoder_layers=config.encoder_layers,
            decoder_layers=config.decoder_layers,
            dropout=config.dropout,
        )
        mean, std = (torch.tensor(each)[:, None, None] for each in (IMAGENET_MEAN, IMAGENET_STD))
        self.register_buffer("pixel_scale", 1 / 255 / std, persistent=False)
        self.register_buffer("pixel_shift", -mean / std, persistent=False)

    @property
    def observes(self) -> Observes:
        """Pictures."""
        return Observes("rgb", self.config.cameras, self.config.resolution)

    @property
    def window(self) -> Window:
        """The next actions.

        The port's begin one earlier, with the action that has just been done ("to make timesteps
        more aligned" with a real robot's delay).
        """
        return Window(self.config.chunk)

    @property
    def executed(self) -> int:
        """See the configuration."""
        return int(self.config.executed)

    @property
    def notice(self) -> str | None:
        """What one should know before training it, if anything."""
        if self.config.backbone_weights is None:
            return "the image encoder starts from random weights (method.backbone_weights=null)"
        return None

    def fit(self, statistics: Statistics) -> None:
        """Sets the normalizers, and loads the encoder's pretrained weights if there are any."""
        self.state_normalizer.fit(statistics.joint_target)
        self.action_normalizer.fit(statistics.action)
        if self.config.backbone_weights is not None:
            self.backbone.load_pretrained(self.config.backbone_weights)

    def losses(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """The error of the actions that are not padded, and the divergence of the style."""
        state, maps = self._observed(batch)
        action, padded = self.action_normalizer.normalize(batch["action"]), batch["padded"]
        mean, log_variance = self.style_encoder(state, action, padded)
        noise = torch.randn(mean.shape, generator=generator).to(mean.device)
        style = mean + (log_variance / 2).exp() * noise
        predicted = self.transformer(maps, state, style).float()
        # As in the port, padded actions are left out of the sum but not of the count.
        l1 = ((predicted - action).abs() * ~padded[..., None]).mean(dim=(1, 2))
        kl = (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1) / 2
        return {"loss": l1 + self.config.kl_weight * kl, "l1": l1, "kl": kl}

    @torch.no_grad()
    def predict(self, batch: Batch, generator: torch.Generator | None) -> Tensor:
        """Predicts a chunk with the most usual style; draws nothing."""
        state, maps = self._observed(batch)
        style = state.new_zeros(len(state), self.config.latent)
        predicted = self.transformer(maps, state, style)
        return within_bounds(self.action_normalizer.denormalize(predicted))

    def _observed(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Normalized joint targets (B, 14) and feature maps (B, V, C, h, w)."""
        rgb = batch["rgb"][:, -1]
        pictures = rgb.flatten(0, 1).permute(0, 3, 1, 2) * self.pixel_scale + self.pixel_shift
        if self.config.image_size is not None:
            width, height = self.config.image_size
            pictures = nn.functional.interpolate(pictures, (height, width), mode="bilinear")
        maps = self.backbone(pictures).unflatten(0, rgb.shape[:2])
        return self.state_normalizer.normalize(batch["joint_target"][:, -1]), maps
