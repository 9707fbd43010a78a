"""Task."""

from __future__ import annotations

from envs.tasks import STEP_LIMITS
from envs.tasks.mug_hanging import MugHanging


class MugHangingHard(MugHanging):
    """Doc."""

    name = "mug_hanging_hard"
    step_limit = STEP_LIMITS[name]
    rack_x, rack_y = (0.1, 0.3), (0.05, 0.2)
