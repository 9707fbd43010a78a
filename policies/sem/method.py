"""SEM as a method of imitation: its parts put together, its losses and its way to act."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from envs.cameras import CameraModel
from envs.wrappers.intrinsic_standardization import STANDARD_CAMERA
from policies.blocks.action_bounds import within_bounds
from policies.imitation.batch import Batch
from policies.imitation.method import ImitationMethod, Statistics, Window
from policies.policy import Observes
from policies.sem.config import SemConfig
from policies.sem.decoder import ActionDecoder, DecoderLayer, LayerContext
from policies.sem.diffusion import JointDiffusion
from policies.sem.joint_states import TOKENS, JointStates
from policies.sem.losses import state_loss, state_weights
from policies.sem.scene_encoder import SceneEncoder
from policies.sem.state_encoder import STATE_ENCODERS
from policies.sem.window_block import WindowBlock


class Anchor(NamedTuple):
    """What joints are diffused and states are predicted relative to.

    Attributes:
        joints: Normalized values (B, 1, 14).
        states: (B, 1, 14, C).
    """

    joints: Tensor
    states: Tensor

    def repeated(self, samples: int) -> Anchor:
        """For K samples of each observation, next to each other."""
        return Anchor(*(part.repeat_interleave(samples, dim=0) for part in self))


class Sem(ImitationMethod):
    """SEM: spatially enhanced image tokens, a joint graph, and diffusion of joint paths.

    The joint state is the commanded one, as in RoboTwin's data, so that the predicted path is the
    future of the observed one.
    """

    name: ClassVar[str] = "sem"
    config_class: ClassVar[type[SemConfig]] = SemConfig
    repeated_parts: ClassVar[tuple[type[nn.Module], ...]] = (WindowBlock, DecoderLayer)
    weights: Tensor

    def __init__(self, config: SemConfig) -> None:
        """Builds it with fresh weights; pretrained ones come with `fit`."""
        super().__init__()
        self.config: SemConfig = config
        self.scene = SceneEncoder(config)
        self.joint_states = JointStates(config.pose)
        self.state_encoder = STATE_ENCODERS[config.state_encoder](config)
        self.decoder = ActionDecoder(config)
        self.register_buffer("weights", state_weights(config.state_channels), persistent=False)
        self._diffusion = JointDiffusion(config)

    @property
    def observes(self) -> Observes:
        """The observation it needs."""
        mode = "rgbd" if self.config.uses_depth else "rgb"
        return Observes(mode, self.config.cameras, self.config.rendered)

    @property
    def standard_camera(self) -> CameraModel:
        """The D435, stretched to the pictures' size."""
        return STANDARD_CAMERA.resized(*self.config.resolution)

    @property
    def window(self) -> Window:
        """The steps it predicts."""
        return Window(self.config.horizon)

    @property
    def executed(self) -> int:
        """How many of them are executed."""
        return self.config.executed

    @property
    def notice(self) -> str | None:
        """What whoever trains it should know."""
        if self.config.backbone_weights is None:
            return (
                "SEM's image backbone starts from scratch; the paper's starts from Grounding DINO. "
                "Give a local copy as backbone_weights=FOLDER."
            )
        return None

    def fit(self, statistics: Statistics) -> None:
        """Sets the normalization of joints, and loads the backbone's pretrained weights.

        Raises:
            policies.sem.image_encoder.BackboneWeightsError: If those do not fit.
        """
        moments = (statistics.joint_target, statistics.action)
        low = torch.stack([each.low for each in moments]).amin(dim=0)
        high = torch.stack([each.high for each in moments]).amax(dim=0)
        self.joint_states.fit(low, high)
        if self.config.backbone_weights is not None:
            self.scene.image_encoder.load(Path(self.config.backbone_weights))

    def parameter_groups(self) -> Iterable[tuple[Iterable[nn.Parameter], float]]:
        """A pretrained backbone learns more slowly than the rest."""
        if self.config.backbone_weights is None:
            return [(self.parameters(), 1.0)]
        backbone = list(self.scene.image_encoder.backbone.parameters())
        known = {id(parameter) for parameter in backbone}
        rest = [parameter for parameter in self.parameters() if id(parameter) not in known]
        return [(rest, 1.0), (backbone, self.config.backbone_lr_scale)]

    def losses(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """The loss of each item.

        Steps after an episode's end count too: they teach it to hold still.

        Returns:
            `loss`, and its parts `state`, `kinematics` (the same with poses that follow from the
            predicted joints) and `depth`.
        """
        config, samples = self.config, self.config.noise_samples
        tokens, depth_loss = self.scene(batch, with_depth_loss=True)
        context, anchor = self._observed(tokens, self._with_noise(batch["joint_target"], generator))
        clean = self.joint_states.normalized(batch["action"])
        target = self.joint_states(clean)

        clean, target = (part.repeat_interleave(samples, dim=0) for part in (clean, target))
        anchor = anchor.repeated(samples)
        noisy, timesteps = self._diffusion.noised(clean - anchor.joints, generator)
        predicted = self._predicted(noisy, timesteps, context, anchor)
        kinematics = self.joint_states(predicted[..., 0])
        losses = {
            name: state_loss(states, target, self.weights, config.losses)
            .unflatten(0, (-1, samples))
            .mean(dim=1)
            for name, states in (("state", predicted), ("kinematics", kinematics))
        }
        if depth_loss is not None:
            losses["depth"] = config.depth_loss * depth_loss
        return {"loss": torch.stack(list(losses.values())).sum(dim=0), **losses}

    def predict(self, batch: Batch, generator: torch.Generator | None) -> Tensor:
        """Chooses actions (B, horizon, 14), denoising from zeros if there is no generator."""
        tokens, _ = self.scene(batch, with_depth_loss=False)
        context, anchor = self._observed(tokens, batch["joint_target"][:, -1])
        shape = (len(anchor.joints), self.config.horizon, TOKENS)
        start = torch.zeros(shape)
        if generator is not None:
            start = torch.randn(shape, generator=generator)

        def denoise(noisy: Tensor, timesteps: Tensor) -> Tensor:
            return self._predicted(noisy, timesteps, context, anchor)[..., 0] - anchor.joints

        path = self._diffusion.solve(denoise, start.to(anchor.joints.device)) + anchor.joints
        return within_bounds(self.joint_states.joints(path))

    def _with_noise(self, joint_target: Tensor, generator: torch.Generator) -> Tensor:
        """The current joints (B, 14) with noise on those of the arms."""
        joints = joint_target[:, -1]
        noise = 2 * torch.rand(joints.shape, generator=generator) - 1
        noise.view(-1, 2, TOKENS // 2)[..., -1] = 0
        return joints + self.config.joint_noise * noise.to(joints.device)

    def _observed(self, tokens: Tensor, joints: Tensor) -> tuple[list[LayerContext], Anchor]:
        """What the decoder knows of observations, and what it predicts relative to."""
        current = self.joint_states.normalized(joints)
        states = self.joint_states(current)
        context = self.decoder.context(tokens, self.state_encoder(states))
        anchor = Anchor(current[:, None], states[:, None])
        if not self.config.relative_joints:
            anchor = Anchor(*(torch.zeros_like(part) for part in anchor))
        return context, anchor

    def _predicted(
        self, noisy: Tensor, timesteps: Tensor, context: list[LayerContext], anchor: Anchor
    ) -> Tensor:
        """Clean states (N, H, 14, C), float32, of noisy normalized joints (N, H, 14)."""
        states = self.joint_states(noisy + anchor.joints)
        clean: Tensor = self.decoder(states, timesteps, context).float() + anchor.states
        return clean
