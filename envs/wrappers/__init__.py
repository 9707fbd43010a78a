"""Gymnasium wrappers: chunks, histories, one hand's view of a task, a reward for learning."""

from envs.wrappers.action_chunk import ActionChunk
from envs.wrappers.frame_history import FrameHistory
from envs.wrappers.one_hand import OneHand, OneHandWrapper
from envs.wrappers.progress_gain import ProgressGain

__all__ = ["ActionChunk", "FrameHistory", "OneHand", "OneHandWrapper", "ProgressGain"]
