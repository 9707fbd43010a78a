"""Gymnasium wrappers: action chunks and observation histories."""

from envs.wrappers.action_chunk import ActionChunk
from envs.wrappers.frame_history import FrameHistory

__all__ = ["ActionChunk", "FrameHistory"]
