"""Gymnasium wrappers: chunks, histories, standard cameras, varied training, one hand's view."""

from envs.wrappers.action_chunk import ActionChunk
from envs.wrappers.frame_history import FrameHistory
from envs.wrappers.intrinsic_standardization import IntrinsicStandardization, standardize
from envs.wrappers.one_hand import OneHand, OneHandWrapper
from envs.wrappers.progress_gain import ProgressGain
from envs.wrappers.random_variations import RandomVariations

__all__ = [
    "ActionChunk",
    "FrameHistory",
    "IntrinsicStandardization",
    "OneHand",
    "OneHandWrapper",
    "ProgressGain",
    "RandomVariations",
    "standardize",
]
