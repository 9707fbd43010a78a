"""Views of several cameras side by side in one picture.

A reconstruction: the paper does not say how its network sees several views. RoboTransfer encodes
views that are joined along the width, and GigaWorld-0 does so too and cites EMMA for it: attention
then compares views as it compares places of one picture, with a network made for one. A single view
is a panorama of one.

The VAE encodes the whole panorama (RoboTransfer: `x0 = E([V1, ..., VN])`), so its convolutions see
a view's neighbours at the seams, in training and in use alike.
"""

from __future__ import annotations

import torch
from torch import Tensor


def side_by_side(views: Tensor) -> Tensor:
    """Joins views along the width.

    Args:
        views: (B, F, V, H, W, C).

    Returns:
        (B, C, F, H, V * W); views from left to right in their order.
    """
    return views.permute(0, 5, 1, 3, 2, 4).flatten(4)


def apart(panorama: Tensor, views: int) -> Tensor:
    """The inverse of `side_by_side`.

    Args:
        panorama: (B, C, F, H, V * W).
        views: V.

    Returns:
        (B, F, V, H, W, C).

    Raises:
        ValueError: If the width does not divide into the views.
    """
    if panorama.shape[-1] % views:
        raise ValueError(
            f"a panorama {panorama.shape[-1]} wide is not {views} views of equal width"
        )
    views_apart: Tensor = panorama.unflatten(4, (views, -1))
    return views_apart.permute(0, 2, 4, 3, 5, 1)


def views_to_panorama(views: Tensor) -> Tensor:
    """Pictures as networks see them.

    Args:
        views: (B, F, V, H, W, C) uint8.

    Returns:
        (B, C, F, H, V * W) float32 in [-1, 1].

    Raises:
        ValueError: If the pictures are not uint8.
    """
    if views.dtype != torch.uint8:
        raise ValueError(f"pictures are {views.dtype}; they must be uint8")
    return side_by_side(views).float() / 127.5 - 1


def panorama_to_views(panorama: Tensor, views: int) -> Tensor:
    """The inverse of `views_to_panorama`, exact for what came from it.

    Args:
        panorama: (B, C, F, H, V * W); what is outside of [-1, 1] is clipped.
        views: V.

    Returns:
        (B, F, V, H, W, C) uint8.
    """
    levels = ((panorama.float().clamp(-1, 1) + 1) * 127.5).round()
    return apart(levels.to(torch.uint8), views).contiguous()
