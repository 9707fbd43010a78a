"""Scenes with known colors: a textured floor, and a card above it, seen by pinhole cameras.

Every pixel is the color at the point where its ray meets the scene: no antialiasing.
"""

import numpy as np

from augment.clip import Clip

HEIGHT, WIDTH = 60, 80
CARD_HEIGHT = 0.3
CARD_HALF = 0.12
CARD_COLOR = np.array([200, 40, 40])


def camera(position, target, focal=90.0, squeeze=1.0):
    """Intrinsics and extrinsics of a camera that looks at a point; `squeeze` is fy over fx."""
    forward = np.subtract(target, position, dtype=float)
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 1.0, 0.1])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    extrinsic = np.eye(4)
    extrinsic[:3, :3] = rotation
    extrinsic[:3, 3] = -rotation @ position
    intrinsic = np.array([[focal, 0, WIDTH / 2], [0, squeeze * focal, HEIGHT / 2], [0, 0, 1.0]])
    return intrinsic, extrinsic


def smooth(xy):
    x, y = xy[..., 0], xy[..., 1]
    return np.stack(
        [128 + 90 * np.sin(9 * x + 1), 128 + 90 * np.sin(8 * y), 128 + 80 * np.sin(6 * (x + y))],
        axis=-1,
    )


def fine(xy):
    """Squares of two centimetres, which a camera from afar cannot resolve."""
    checks = np.floor(xy * 50).sum(axis=-1) % 2
    return np.stack([60 + 140 * checks, 100 + 20 * checks, 160 - 90 * checks], axis=-1)


def seen_by(intrinsic, extrinsic, texture, card):
    """Colors, depth and whether it is the card; `card` is its middle (x, y), or None."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    rays = np.stack([columns, rows, np.ones_like(rows)], axis=-1) @ np.linalg.inv(intrinsic).T
    rotation = extrinsic[:3, :3]
    position = -rotation.T @ extrinsic[:3, 3]
    world = rays @ rotation
    depth = -position[2] / world[..., 2]
    points = position + depth[..., None] * world
    rgb = texture(points[..., :2])
    is_card = np.zeros(depth.shape, dtype=bool)
    if card is not None:
        near = (CARD_HEIGHT - position[2]) / world[..., 2]
        there = (position + near[..., None] * world)[..., :2]
        is_card = (np.abs(there - card) < CARD_HALF).all(axis=-1)
        depth = np.where(is_card, near, depth)
        rgb = np.where(is_card[..., None], CARD_COLOR, rgb)
    return np.rint(rgb).astype(np.uint8), depth.astype(np.float32), is_card


def scene(cameras, texture=smooth, cards=(None,)):
    """A clip of one frame for each place of the card."""
    rgb, depth, is_card = (
        np.stack(parts)
        for parts in zip(
            *(
                [
                    np.stack(part)
                    for part in zip(
                        *(seen_by(*each, texture, card) for each in cameras), strict=True
                    )
                ]
                for card in cards
            ),
            strict=True,
        )
    )
    matrices = [
        np.tile(np.stack(part).astype(np.float32), (len(cards), 1, 1, 1))
        for part in zip(*cameras, strict=True)
    ]
    return Clip(rgb, depth, *matrices, is_card.astype(np.int16))
