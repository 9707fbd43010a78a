"""Clips out of nothing, and the same clip in blocks."""

import dataclasses

import numpy as np

from augment.clip import Clip


def clip_of(rgb):
    """A clip with these pictures (F, V, H, W, 3) of a wall 1 m away."""
    shape = rgb.shape[:4]
    return Clip(
        rgb,
        np.ones(shape, np.float32),
        np.tile(np.eye(3, dtype=np.float32), (*shape[:2], 1, 1)),
        np.tile(np.eye(4, dtype=np.float32), (*shape[:2], 1, 1)),
    )


def frames_of(clip, which):
    """Some frames of a clip."""
    arrays = {field.name: getattr(clip, field.name) for field in dataclasses.fields(clip)}
    return Clip(**{name: None if a is None else a[which] for name, a in arrays.items()})


def in_blocks(restyling, clip, *lengths):
    """What a restyling makes of a clip that comes in blocks."""
    ends = np.cumsum(lengths)
    assert ends[-1] == clip.frames
    blocks = [slice(end - length, end) for end, length in zip(ends, lengths, strict=True)]
    return np.concatenate([restyling(frames_of(clip, block)) for block in blocks])
