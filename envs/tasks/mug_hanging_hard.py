"""Task: hang a mug on a rack that stands somewhere on the right."""

from __future__ import annotations

from envs.tasks import STEP_LIMITS
from envs.tasks.mug_hanging import MugHanging


class MugHangingHard(MugHanging):
    """Hang a mug on a rack that may stand anywhere on the right.

    **Task.** A mug stands on the left. The left arm sets it down in the middle, with the handle
    away from the robot; from there the right arm takes it, leads its handle over a peg of the rack
    and lets it hang there.

    **Randomizations.** Mug: x in [-0.25, -0.1], y in [-0.05, 0.1] (drawn again from [-0.05, 0]
    where |x| < 0.15 and y > 0), yaw in +-1.57 rad (1.0; that its handle points away from the robot
    at yaw 0 is ours). Rack: x in [0.1, 0.3], y in [0.05, 0.2], never turned (1.0). Shapes,
    hook and weight as in `mug_hanging_easy`.

    **Success.** As in `mug_hanging_easy`: the handle's bar lies on a peg within 0.01 m across and
    above it and within 0.03 m of the hook along it, the mug is 0.02 m clear of the table, both
    hands are more than 0.12 m away and the right gripper is open, for 10 control steps. *Failure*:
    the mug has fallen off the table.
    """

    name = "mug_hanging_hard"
    step_limit = STEP_LIMITS[name]
    rack_x, rack_y = (0.1, 0.3), (0.05, 0.2)
