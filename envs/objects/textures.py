"""Textures made by code: (H, W, 3) uint8 sRGB arrays that repeat without a seam.

Colors come in linear RGB, as everywhere else. u runs along columns, v along rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from envs.objects.model import Color, Texture

SIZE = 128
"""Edge of a texture in pixels."""


def encoded(linear: NDArray[np.float64]) -> Texture:
    """Linear RGB (H, W, 3) in [0, 1] as sRGB (IEC 61966-2-1)."""
    values = np.clip(linear, 0.0, 1.0)
    high = 1.055 * np.power(values, 1 / 2.4) - 0.055
    return np.round(255 * np.where(values <= 0.0031308, 12.92 * values, high)).astype(np.uint8)


def bands(rows: Sequence[tuple[float, Color]]) -> Texture:
    """Bands along v: each with where it ends in (0, 1] and its color; the last ends at 1."""
    v = (np.arange(SIZE) + 0.5) / SIZE
    index = np.searchsorted([end for end, _ in rows[:-1]], v)
    colors = np.array([color for _, color in rows])[index]
    return encoded(np.repeat(colors[:, None], 8, axis=1))


def stripes(first: Color, second: Color, count: int, *, along_v: bool = False) -> Texture:
    """`count` pairs of stripes across u (or across v)."""
    place = (np.arange(SIZE) + 0.5) / SIZE * count % 1.0
    row = np.where((place < 0.5)[:, None], np.array(first), np.array(second))
    image = np.broadcast_to(row, (SIZE, SIZE, 3))
    return encoded(image.transpose(1, 0, 2) if along_v else image)


def checks(first: Color, second: Color, count: int) -> Texture:
    """A chessboard of `count` pairs of squares both ways."""
    place = (np.arange(SIZE) * 2 * count // SIZE) % 2
    return encoded(np.where((place[:, None] ^ place)[..., None] == 0, first, second))


def dots(ground: Color, dot: Color, count: int, radius: float = 0.3) -> Texture:
    """`count` x `count` dots of a radius in parts of their spacing."""
    place = (np.arange(SIZE) + 0.5) / SIZE * count % 1.0 - 0.5
    inside = np.hypot(place[:, None], place[None, :]) < radius
    return encoded(np.where(inside[..., None], dot, ground))


def speckled(ground: Color, speck: Color, rng: np.random.Generator, part: float = 0.08) -> Texture:
    """Small specks that cover a part of the ground, as on stoneware."""
    noise = _noise(rng, 32)
    limit = np.quantile(noise, 1 - part)
    return encoded(np.where((noise > limit)[..., None], speck, ground))


def mottled(color: Color, rng: np.random.Generator, strength: float = 0.25) -> Texture:
    """A color that varies softly in brightness, as fruit and cloth do."""
    noise = _noise(rng, 4) + 0.5 * _noise(rng, 12)
    return encoded(np.array(color) * (1 + strength * noise / np.abs(noise).max())[..., None])


def wood(color: Color, rng: np.random.Generator, rings: int = 7) -> Texture:
    """Wood whose grain runs along v."""
    u = np.arange(SIZE) / SIZE
    bend = 0.10 * _noise(rng, 2) + 0.02 * _noise(rng, 24)
    grain = np.sin(2 * np.pi * (rings * u[None, :] + 3 * bend))
    return encoded(np.array(color) * (0.85 + 0.22 * grain)[..., None])


def _noise(rng: np.random.Generator, frequency: int) -> NDArray[np.float64]:
    """Smooth periodic noise (SIZE, SIZE), mean 0 and deviation about 1, of a highest frequency."""
    waves = np.zeros((SIZE, SIZE), dtype=complex)
    across = np.fft.fftfreq(SIZE, 1 / SIZE)
    low = np.hypot(across[:, None], across[None, :]) <= frequency
    low[0, 0] = False
    phases = rng.uniform(0, 2 * np.pi, (SIZE, SIZE))
    waves[low] = np.exp(1j * phases[low])
    noise = np.fft.ifft2(waves).real
    return np.asarray(noise / noise.std())
