"""The configuration of SEM."""

from __future__ import annotations

from dataclasses import dataclass

STATE_CHANNELS = {"quaternion": 8, "matrix": 13}
"""Numbers of a joint's state: its value, its link's position, and its link's rotation."""

_CHOICES = {
    "depth": ("sensor", "off"),
    "state_encoder": ("graph", "mlp"),
    "losses": ("released", "paper", "smooth_l1"),
    "pose": tuple(STATE_CHANNELS),
}


@dataclass(frozen=True)
class SemConfig:
    """What SEM is built from; the defaults are the released single-task model.

    The released code and the paper differ: see `losses` and `train_timesteps`. Counts of parameters
    in the paper's Table 5 fit the released configuration exactly.

    Attributes:
        cameras: Which cameras it sees. Their order does not matter to it.
        resolution: Width and height in pixels of the pictures it sees, multiples of the coarsest
            stride. They are of the standard camera (`envs.wrappers.intrinsic_standardization`).
        rendered: Width and height in pixels of the pictures that are taken, before they are warped
            to the standard camera; None for the camera model's own.
        depth: `sensor`, or `off`: no depth pictures, and no depth loss either (the paper's RGB-only
            ablation; it does not say whether that kept the loss).
        spatial_enhancer: False passes image tokens on as they are (the paper's ablation): neither
            geometry nor depth enter, and there is no depth loss.
        state_encoder: `graph`, or `mlp`, the paper's ablation (`policies.sem.state_encoder`).
        losses: `released` (squared errors), `paper` (absolute errors) or `smooth_l1` (that of
            HoloBrain-0, the same authors' successor: absolute from 0.04 on).
        pose: How a link's rotation is written: `quaternion` (the paper) or `matrix` (9 numbers, as
            HoloBrain-0 compares rotations), which does not jump where a quaternion changes its
            sign.
        relative_joints: Whether joints are diffused, and states predicted, as differences from the
            current state (HoloBrain-0) instead of as such.
        horizon: Number of steps predicted.
        executed: Number of steps executed before it looks again.
        chunk: Steps that make one token of the decoder, a power of 2: 8, or 4 as in HoloBrain-0.
        train_timesteps: Steps of the noise schedule: 1000 in the released code, 100 in the paper.
        inference_steps: Solver steps.
        noise_samples: Draws of noise and timestep for each observation in a training step. More
            than the paper's one train the decoder more for each picture that is encoded.
        joint_noise: Greatest noise in rad on the arm joints of the current state in training.
        dim: Channels of image tokens, state features and decoder.
        heads: Attention heads.
        ffn: Hidden channels of feed-forward networks.
        encoder_layers: Layers of the state encoder.
        decoder_layers: Layers of the decoder.
        decoder_strides: Strides in pixels of the image tokens that the decoder reads.
        unit_gates: Whether the decoder's gates, which scale its whole stream, begin around 1
            instead of around 0 as in the released code. From 0 the stream of a fresh decoder all
            but forgets its input in each layer, which costs training steps.
        swin_dim: Channels of the first stage.
        swin_depths: Blocks in each stage.
        swin_heads: Attention heads in each stage.
        swin_window: Width of attention windows in tokens.
        drop_path: Rate of stochastic depth in the last block; rises linearly from 0.
        levels: Feature levels, strides 8, 16, ...: 3, or 4 as in the multi-task model.
        depth_channels: Channels of the depth encoder's first stage.
        depth_blocks: Residual blocks in each of its stages.
        depth_dim: Channels of depth features, and of the position embedding.
        depth_anchors: Number of depths in the depth distribution.
        depth_range: The first and the last of them, in m.
        position_gain: Factor of the first weights of the embedding of positions. Objects are a
            tenth of a metre apart: at 1, as released, embeddings all but ignore that until their
            weights have grown.
        enhancer_ffn: Hidden channels of the spatial enhancer's feed-forward network.
        depth_loss: Weight of the depth loss.
        backbone_weights: Folder of a transformers checkpoint of Grounding DINO (the paper's:
            backbone and neck) or of Swin (backbone only) to begin from; None begins from scratch.
        backbone_lr_scale: Learning rate of a pretrained backbone relative to all else. A backbone
            from scratch learns at the full rate: a tenth of it would starve it.
        gradient_checkpointing: Whether the backbone is computed twice to save memory, as the
            released code does.
    """

    cameras: tuple[str, ...] = ("head_camera", "front_camera", "left_camera", "right_camera")
    resolution: tuple[int, int] = (320, 256)
    rendered: tuple[int, int] | None = None
    depth: str = "sensor"
    spatial_enhancer: bool = True
    state_encoder: str = "graph"
    losses: str = "released"
    pose: str = "quaternion"
    relative_joints: bool = False
    horizon: int = 64
    executed: int = 32
    chunk: int = 8
    train_timesteps: int = 1000
    inference_steps: int = 10
    noise_samples: int = 1
    joint_noise: float = 0.02
    dim: int = 256
    heads: int = 8
    ffn: int = 2048
    encoder_layers: int = 4
    decoder_layers: int = 6
    decoder_strides: tuple[int, ...] = (16, 32)
    unit_gates: bool = False
    swin_dim: int = 96
    swin_depths: tuple[int, ...] = (2, 2, 6, 2)
    swin_heads: tuple[int, ...] = (3, 6, 12, 24)
    swin_window: int = 7
    drop_path: float = 0.1
    levels: int = 3
    depth_channels: int = 4
    depth_blocks: tuple[int, ...] = (3, 4, 6, 3)
    depth_dim: int = 32
    depth_anchors: int = 128
    depth_range: tuple[float, float] = (0.01, 1.2)
    position_gain: float = 1.0
    enhancer_ffn: int = 1024
    depth_loss: float = 1.0
    backbone_weights: str | None = None
    backbone_lr_scale: float = 0.1
    gradient_checkpointing: bool = False

    def __post_init__(self) -> None:
        """Checks what belongs together.

        Raises:
            ValueError: If it does not.
        """
        for name, valid in _CHOICES.items():
            if getattr(self, name) not in valid:
                raise ValueError(f"{name}={getattr(self, name)}; valid are {', '.join(valid)}")
        if self.levels not in (3, 4):
            raise ValueError(f"levels={self.levels}; valid are 3, 4")
        if any(size % max(self.strides) for size in self.resolution):
            raise ValueError(
                f"resolution={list(self.resolution)} must be multiples of {max(self.strides)}"
            )
        if not self.cameras:
            raise ValueError("cameras=[]; at least one is needed")
        if not self.decoder_strides or set(self.decoder_strides) - set(self.strides):
            raise ValueError(
                f"decoder_strides={list(self.decoder_strides)} must be some of {list(self.strides)}"
            )
        if self.chunk < 2 or self.chunk & (self.chunk - 1) or self.horizon % self.chunk:
            raise ValueError(f"chunk={self.chunk} must be a power of 2 that divides the horizon")
        if not 1 <= self.executed <= self.horizon:
            raise ValueError(f"executed={self.executed} must be in 1 .. {self.horizon}")
        if self.dim % (2 * self.heads):
            raise ValueError(f"dim={self.dim} must be a multiple of twice the {self.heads} heads")

    @property
    def strides(self) -> tuple[int, ...]:
        """Strides of the feature levels in pixels."""
        return tuple(8 * 2**level for level in range(self.levels))

    @property
    def read_strides(self) -> tuple[int, ...]:
        """Strides of the levels that something reads: the decoder, or the depth loss all."""
        return self.strides if self.uses_depth else tuple(sorted(self.decoder_strides))

    @property
    def uses_depth(self) -> bool:
        """Whether depth pictures are observed."""
        return self.depth == "sensor" and self.spatial_enhancer

    @property
    def state_channels(self) -> int:
        """Numbers of a joint's state."""
        return STATE_CHANNELS[self.pose]
