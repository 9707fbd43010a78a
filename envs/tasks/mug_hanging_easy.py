"""Task."""

from __future__ import annotations

from envs.tasks import STEP_LIMITS
from envs.tasks.mug_hanging import MugHanging


class MugHangingEasy(MugHanging):
    """Doc."""

    name = "mug_hanging_easy"
    step_limit = STEP_LIMITS[name]
    rack_x, rack_y = (0.2, 0.2), (0.1, 0.1)
