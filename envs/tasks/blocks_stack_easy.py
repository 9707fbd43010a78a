"""Task: stack one block on another."""

from __future__ import annotations

from envs.tasks import STEP_LIMITS
from envs.tasks.block_stack import BlockStack


class BlocksStackEasy(BlockStack):
    """Put the red block in the middle of the table and the black one on top of it.

    **Task.** A red and a black block lie apart. The red one goes to (0, -0.1), the black one onto
    it. Each is moved by the arm on its own side; the arms take turns.

    **Randomizations.** (RoboTwin 1.0.) Both blocks: x in +-0.25, y in [-0.15, 0.05] (drawn again
    from [-0.15, 0] where |x| < 0.15 and y > 0), yaw in +-1.57 rad; drawn again while |x| < 0.05,
    within 0.15 m of the stack, or within 0.1 m of each other. 5 cm cubes of 10 g.

    **Success.** The black block is above the red one within 0.025 m in x and in y, its middle
    0.05 +- 0.01 m higher; the red one stands on the table within 0.01 m; both grippers are open
    (1.0's check at test time, relative to the red block wherever it is; z made two-sided and
    relative to the table; gripper measured, not commanded). Held for 5 control steps.
    """

    name = "blocks_stack_easy"
    step_limit = STEP_LIMITS[name]
    colors = ("red", "black")
    instructions = (
        "Stack the black block on the red block.",
        "Move the red cube to the middle, then put the black cube on top of it.",
        "Build a tower with the red block below and the black block above.",
        "Place the black block onto the red block in the centre of the table.",
    )
    unseen_instructions = (
        "Make a pile of the two cubes, black over red.",
        "Set the black cube down on the red one.",
    )
