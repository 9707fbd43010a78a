"""SEM's released code's way to compute the same: what it does more than it must, one by one.

The released code (HorizonRobotics' RoboOrchardLab) is not a dependency. `released_way` puts its
ways in the place of ours in a model of `policies.sem`, with the same weights, so that both answer
the same and differ in time only.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import MethodType
from typing import Any, NamedTuple

import torch
from diffusers.models.embeddings import get_timestep_embedding
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from transformers.models.swin.modeling_swin import SwinLayer

import policies.sem.depth_loss as depth_loss_module
import policies.sem.joint_graph as joint_graph_module
import policies.sem.joint_states as joint_states_module
from envs.robots import aloha_agilex as robot
from envs.robots import torch_kinematics
from policies.imitation.batch import Batch
from policies.sem.decoder import ActionDecoder, LayerContext
from policies.sem.depth_loss import LEAST_VALID, SUBSAMPLED
from policies.sem.geometry import Rays
from policies.sem.joint_graph import JointGraphAttention
from policies.sem.joint_states import ARM_TOKENS, LinkPoses
from policies.sem.method import Sem
from policies.sem.scene_encoder import SceneEncoder
from policies.sem.spatial_enhancer import SpatialEnhancer
from policies.sem.window_block import WindowBlock

Replacement = tuple[Any, str, Any]
"""An object (or module of Python), a name in it, and what is put there."""


def embedding_of_all_anchors(module: SpatialEnhancer, logits: Tensor, rays: Rays) -> Tensor:
    """Embeds the points of all 128 depths, then averages: a tensor of tokens x 128 x 32."""
    points = rays.origin[..., None, :] + module.anchors[:, None] * rays.direction[..., None, :]
    embedded = module.position(points)
    mean: Tensor = (logits.softmax(dim=-1)[..., None] * embedded).sum(dim=-2)
    return mean


def _all_anchors(sem: Sem) -> list[Replacement]:
    enhancer = sem.scene.spatial_enhancer
    return [(enhancer, "position_embedding", MethodType(embedding_of_all_anchors, enhancer))]


def _all_levels(sem: Sem) -> list[Replacement]:
    """Tokens of stride 8 are enhanced too, which the decoder then does not read."""
    scene, config = sem.scene, sem.config
    width, height = config.resolution
    unread = [stride for stride in config.strides if stride not in config.decoder_strides]
    # The levels' tokens come one after the other, the finest first.
    count = len(config.cameras) * sum((width // s) * (height // s) for s in unread)

    def forward(batch: Batch, *, with_depth_loss: bool) -> tuple[Tensor, Tensor | None]:
        tokens, loss = SceneEncoder.forward(scene, batch, with_depth_loss=with_depth_loss)
        return tokens[:, count:], loss

    every = dataclasses.replace(config, decoder_strides=config.strides)
    return [(scene, "config", every), (scene, "forward", forward)]


class Unprojected(NamedTuple):
    """Image tokens and state features, of which every solver step makes keys and values."""

    image: Tensor
    state: Tensor


def _projections_at_every_step(sem: Sem) -> list[Replacement]:
    decoder = sem.decoder

    def forward(noisy: Tensor, timesteps: Tensor, context: Unprojected) -> Tensor:
        projected: list[LayerContext] = ActionDecoder.context(decoder, *context)
        return ActionDecoder.forward(decoder, noisy, timesteps, projected)

    return [(decoder, "context", Unprojected), (decoder, "forward", forward)]


def _graphs(sem: Sem) -> list[JointGraphAttention]:
    return [module for module in sem.modules() if isinstance(module, JointGraphAttention)]


def _relations_of_every_item(sem: Sem) -> list[Replacement]:
    """The distances' MLP runs for all 14 x 14 pairs, in each item, chunk, layer and step."""

    def answer(module: JointGraphAttention) -> Callable[..., Tensor]:
        inner = module.forward  # with or without `pair_logits`

        def forward(x: Tensor, relations: Tensor) -> Tensor:
            items = x.shape[:-2].numel()
            distances = module.distances.expand(items, -1, -1)
            embedded = get_timestep_embedding(
                distances.flatten(), x.shape[-1], flip_sin_to_cos=True, downscale_freq_shift=0
            )
            return inner(x, module.relation(embedded).view(*distances.shape, -1))

        return forward

    return [
        replacement
        for module in _graphs(sem)
        for replacement in (
            (module, "forward", answer(module)),
            (module, "relations", lambda: None),
        )
    ]


def product_of_pairs(query: Tensor, key: Tensor, relation: Tensor) -> Tensor:
    """`pair_logits` as it is written down; the relation may have an axis of items."""
    return ((query[:, :, None] * relation) * key[:, None]).sum(dim=-1).movedim(-1, 1)


def _product_of_pairs(sem: Sem) -> list[Replacement]:
    return [(joint_graph_module, "pair_logits", product_of_pairs)]


def quaternion_wxyz(matrix: Tensor) -> Tensor:
    """Of rotation matrices (..., 3, 3): from the greatest of four candidates, as PyTorch3D's."""
    m = matrix
    trace = [
        1 + m[..., 0, 0] + m[..., 1, 1] + m[..., 2, 2],
        1 + m[..., 0, 0] - m[..., 1, 1] - m[..., 2, 2],
        1 - m[..., 0, 0] + m[..., 1, 1] - m[..., 2, 2],
        1 - m[..., 0, 0] - m[..., 1, 1] + m[..., 2, 2],
    ]
    twice = torch.stack(trace, dim=-1).clamp(min=1e-6).sqrt()
    difference = [m[..., i, j] - m[..., j, i] for i, j in ((2, 1), (0, 2), (1, 0))]
    total = [m[..., i, j] + m[..., j, i] for i, j in ((0, 1), (0, 2), (1, 2))]
    square = twice**2
    rows = [
        [square[..., 0], *difference],
        [difference[0], square[..., 1], total[0], total[1]],
        [difference[1], total[0], square[..., 2], total[2]],
        [difference[2], total[1], total[2], square[..., 3]],
    ]
    candidates = torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)
    candidates = candidates / (2 * twice[..., None].clamp(min=0.1))
    best = twice.argmax(dim=-1)[..., None, None].expand(*twice.shape[:-1], 1, 4)
    return candidates.gather(-2, best).squeeze(-2)


def poses_of_all_frames(joints: Tensor) -> LinkPoses:
    """Forward kinematics by 4 x 4 matrices of every link, both fingers too."""
    arms = joints.unflatten(-1, (len(robot.ARM_SIDES), ARM_TOKENS))
    closed = torch.zeros_like(arms[..., :2])
    poses = torch_kinematics.link_poses(torch.cat([arms[..., : robot.ARM_DOF], closed], dim=-1))
    parts = poses[..., :3, 3], quaternion_wxyz(poses[..., :3, :3])
    tokens = (
        torch.cat([p[..., : robot.ARM_DOF, :], p[..., robot.ARM_DOF :, :].mean(-2, True)], dim=-2)
        for p in parts
    )
    return LinkPoses(*(token.flatten(-3, -2) for token in tokens))


def _all_frames(sem: Sem) -> list[Replacement]:
    return [(joint_states_module, "link_poses", poses_of_all_frames)]


def one_hot_targets(
    depth: Tensor, anchors: Tensor, strides: Sequence[int]
) -> Mapping[int, tuple[Tensor, Tensor]]:
    """`depth_targets` by pictures of 128 channels, pooled for each level."""
    thinned = depth[:, ::SUBSAMPLED, ::SUBSAMPLED].float()
    bins = len(anchors)
    place = ((thinned - anchors[0]) / (anchors[1] - anchors[0])).clamp(0, bins - 1)
    lower = place.floor().clamp(max=bins - 2)
    part = (place - lower)[..., None]
    low, high = (functional.one_hot(lower.long() + i, bins) for i in (0, 1))
    valid = (thinned > 0)[..., None]
    shares = (torch.where(valid, low * (1 - part) + high * part, 0)).movedim(-1, 1)
    targets = {}
    for stride in strides:
        side = stride // SUBSAMPLED
        pooled = functional.avg_pool2d(shares, side).flatten(2).transpose(1, 2)
        ratio = functional.avg_pool2d(valid.float().movedim(-1, 1), side).flatten(1)
        distribution = pooled / ratio.clamp(min=LEAST_VALID)[..., None]
        targets[stride] = distribution, torch.where(ratio >= LEAST_VALID - 1e-4, ratio, 0)
    return targets


def _one_hot_targets(sem: Sem) -> list[Replacement]:
    return [(depth_loss_module, "depth_targets", one_hot_targets)]


def _checkpointing(sem: Sem) -> list[Replacement]:
    """Each block of Swin is computed twice."""

    def again(block: nn.Module) -> Callable[..., Any]:
        inner = block.forward

        def forward(*arguments: Any, **options: Any) -> Any:
            if not torch.is_grad_enabled():
                return inner(*arguments, **options)
            return checkpoint(inner, *arguments, use_reentrant=False, **options)

        return forward

    return [(block, "forward", again(block)) for block in _blocks(sem)]


def _blocks(sem: Sem) -> list[WindowBlock]:
    return [m for m in sem.scene.image_encoder.modules() if isinstance(m, WindowBlock)]


def _padded_projections(sem: Sem) -> list[Replacement]:
    """Swin's blocks pad, shift and cut their maps into windows before they project tokens.

    Their attention is plain products, as mmdetection's.
    """
    config = sem.scene.image_encoder.backbone.config
    replacements: list[Replacement] = [(config, "_attn_implementation_internal", "eager")]
    for block in _blocks(sem):
        attention = block.attention
        width = attention.num_attention_heads * attention.head_dim
        with torch.device("meta"):  # its parameters are the block's
            other = SwinLayer(config, width, (0, 0), attention.num_attention_heads)
        other.attention, other.mlp, other.drop_path = attention, block.mlp, block.drop_path
        other.layernorm_before = block.layernorm_before
        other.layernorm_after = block.layernorm_after
        other.shift_size = block.shift
        other.train(block.training)
        replacements.append((block, "forward", other.forward))
    return replacements


WAYS: dict[str, Callable[[Sem], list[Replacement]]] = {
    "embedding of the 128 depths of each token": _all_anchors,
    "enhanced tokens of stride 8": _all_levels,
    "image keys and values at every step": _projections_at_every_step,
    "distance MLP for every pair of every item": _relations_of_every_item,
    "logits of joint pairs as one product": _product_of_pairs,
    "kinematics by matrices of all frames": _all_frames,
    "depth targets from one-hot tensors": _one_hot_targets,
    "gradient checkpointing of Swin": _checkpointing,
    "padding of Swin's maps before projections": _padded_projections,
}
"""What the released code does and we do not, in the order in which `sem_speed.py` leaves it out."""

TRAINING_ONLY = ("depth targets from one-hot tensors", "gradient checkpointing of Swin")


@contextlib.contextmanager
def released_way(sem: Sem, ways: Collection[str]) -> Iterator[None]:
    """Has a model compute in some of `WAYS` as the released code does."""
    before: list[tuple[Any, str, bool, Any]] = []
    try:
        for name in reversed(WAYS):  # what is wrapped before what wraps it
            for owner, attribute, value in WAYS[name](sem) if name in ways else ():
                own = vars(owner)
                before.append((owner, attribute, attribute in own, own.get(attribute)))
                setattr(owner, attribute, value)
        yield
    finally:
        for owner, attribute, existed, value in reversed(before):
            if existed:
                setattr(owner, attribute, value)
            else:
                delattr(owner, attribute)
