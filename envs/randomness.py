"""Generators of an episode's randomness."""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, name: str) -> np.random.Generator:
    """An own generator for each kind of randomness, so that adding one changes no other.

    Args:
        seed: The episode's seed.
        name: What it is for, such as `layout`.
    """
    key = zlib.crc32(name.encode())
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(key,))))
