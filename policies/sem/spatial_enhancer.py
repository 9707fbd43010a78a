"""Image tokens that know where in the robot's frame they look (SEM, section 3.3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from policies.sem.config import SemConfig
from policies.sem.geometry import Rays


class SpatialEnhancer(nn.Module):
    """Predicts each token's depth and adds an embedding of the point it sees.

    The paper embeds the points of all depths (its anchors), x_k, and averages with the predicted
    probabilities: sum_k p_k (W x_k + b). Because that is affine in x, x is affine in depth along a
    ray, and probabilities sum to 1, it equals W x(sum_k p_k d_k) + b: the point at the expected
    depth. So it is computed here, without a tensor of tokens x anchors x channels.
    """

    anchors: Tensor

    def __init__(self, config: SemConfig) -> None:
        """Builds it."""
        super().__init__()
        dim, depth_dim = config.dim, config.depth_dim
        if config.uses_depth:
            self.image_projection: nn.Module | None = nn.Linear(dim, depth_dim)
            width, fused = 2 * depth_dim, dim + 2 * depth_dim
        else:
            self.image_projection = None
            width, fused = dim, dim + depth_dim
        self.depth_head = nn.Sequential(
            nn.Linear(width, width), nn.ReLU(), nn.Linear(width, config.depth_anchors)
        )
        self.position = nn.Linear(3, depth_dim)
        with torch.no_grad():
            self.position.weight.mul_(config.position_gain)
        self.ffn = nn.Sequential(
            nn.Linear(fused, config.enhancer_ffn),
            nn.ReLU(),
            nn.Linear(config.enhancer_ffn, fused),
        )
        self.output = nn.Linear(fused, dim)
        self.norm = nn.LayerNorm(dim)
        self.register_buffer(
            "anchors", torch.linspace(*config.depth_range, config.depth_anchors), persistent=False
        )

    def depth_logits(self, image: Tensor, depth: Tensor | None) -> Tensor:
        """Logits (..., N, anchors) of each token's depth.

        Args:
            image: Image tokens (..., N, dim).
            depth: Depth tokens (..., N, depth_dim), if the model has depth.
        """
        if self.image_projection is not None:
            assert depth is not None
            image = torch.cat([self.image_projection(image), depth], dim=-1)
        logits: Tensor = self.depth_head(image)
        return logits

    def position_embedding(self, logits: Tensor, rays: Rays) -> Tensor:
        """Embeddings (..., N, depth_dim) of the points that tokens see.

        Args:
            logits: Of their depths.
            rays: Of the tokens.
        """
        expected = logits.float().softmax(dim=-1).matmul(self.anchors)
        embedding: Tensor = self.position(rays.at(expected))
        return embedding

    def forward(self, image: Tensor, depth: Tensor | None, logits: Tensor, rays: Rays) -> Tensor:
        """Enhanced image tokens (..., N, dim).

        Args:
            image: Image tokens (..., N, dim).
            depth: Depth tokens (..., N, depth_dim), if the model has depth.
            logits: `depth_logits` of them.
            rays: Of the tokens.
        """
        parts = [image, self.position_embedding(logits, rays)]
        if depth is not None:
            parts.insert(1, depth)
        fused = torch.cat(parts, dim=-1)
        enhanced: Tensor = self.norm(self.output(fused + self.ffn(fused)) + image)
        return enhanced
