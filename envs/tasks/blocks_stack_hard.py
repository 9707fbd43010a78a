"""Task: stack three blocks in a given order."""

from __future__ import annotations

from envs.tasks import STEP_LIMITS
from envs.tasks.block_stack import BlockStack


class BlocksStackHard(BlockStack):
    """Put the red block in the middle of the table, the green one on it, the blue one on top.

    **Task.** Three blocks lie apart. The red one goes to (0, -0.1), the green one onto it, the
    blue one onto that. Each is moved by the arm on its own side; the arms take turns.

    **Randomizations.** (RoboTwin 1.0.) All blocks: x in +-0.25, y in [-0.15, 0.05] (drawn again
    from [-0.15, 0] where |x| < 0.15 and y > 0), yaw in +-1.57 rad; drawn again while |x| < 0.05,
    within 0.15 m of the stack, or within 0.1 m of another one. 5 cm cubes of 10 g.

    **Success.** The green and the blue block are above the red one within 0.025 m in x and in y;
    each stands on the one below it within 0.01 m and the red one on the table within 0.01 m; both
    grippers are open (1.0's check at test time, relative to the red block wherever it is; z made
    relative to the block below; gripper measured, not commanded). Held for 5 control steps.
    """

    name = "blocks_stack_hard"
    step_limit = STEP_LIMITS[name]
    colors = ("red", "green", "blue")
    instructions = (
        "Stack the green block on the red block and the blue block on the green one.",
        "Build a tower of three cubes: red below, green in the middle, blue on top.",
        "Move the red block to the centre, put the green block on it, then the blue block.",
        "Pile up the blocks from red over green to blue.",
    )
    unseen_instructions = (
        "Make a tower in the order red, green, blue, starting from the table.",
        "Put all three cubes on top of each other, the blue one highest and the red one lowest.",
    )
