"""Task: hang a mug on a rack that stands in one place."""

from __future__ import annotations

from envs.tasks import STEP_LIMITS
from envs.tasks.mug_hanging import MugHanging


class MugHangingEasy(MugHanging):
    """Hang a mug on a rack that always stands in the same place.

    **Task.** A mug stands on the left. The left arm sets it down in the middle, with the handle
    away from the robot; from there the right arm takes it, leads its handle over a peg of the rack
    and lets it hang there.

    **Randomizations.** Mug: x in [-0.25, -0.1], y in [-0.05, 0.1] (drawn again from [-0.05, 0]
    where |x| < 0.15 and y > 0), yaw in +-1.57 rad (1.0; that its handle points away from the robot
    at yaw 0 is ours). Rack fixed at (0.2, 0.1) (1.0). The rack's shape is ours, since 1.0's is not
    known: a mug tree whose peg for the mug points left and a little to the front. Its hook is about
    (-0.065, -0.03, 0.20) from the rack's foot instead of 1.0's (-0.02, -0.02, 0.10), so that a mug
    hangs clear of post and table. The mug weighs 150 g instead of 1 g.

    **Success.** The mug hangs: the inner side of its handle's bar lies on a peg, within 0.01 m
    across and above it (1.0's tolerance on its mug and rack points, two-sided) and within 0.03 m
    of the hook along it (ours: a mug hangs as well a little further out); its lowest point is at
    least 0.02 m above the table (ours); both hands are more than 0.12 m from the mug and the right
    gripper is open (ours, for 1.0's right arm within 0.05 m of its home place: it has let go and
    left). Any peg will do. Held for 10 control steps instead of 5, so that a mug which only passes
    by or falls does not count. *Failure*: the mug has fallen off the table.
    """

    name = "mug_hanging_easy"
    step_limit = STEP_LIMITS[name]
    rack_x, rack_y = (0.2, 0.2), (0.1, 0.1)
