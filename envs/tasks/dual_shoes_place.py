"""Task: put a pair of shoes side by side on the target."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import sapien
from numpy.typing import NDArray

from envs.experts.motion import Motion
from envs.objects.instances import Instances
from envs.objects.shoe import other_shoe, shoe, shoe_target
from envs.simulation import Simulation
from envs.tasks import STEP_LIMITS
from envs.tasks.layout import turned
from envs.tasks.shoe_place import (
    GOAL_YAW,
    HAND_AWAY,
    add_shoe,
    carry,
    put,
    sample_shoe,
    shoe_checks,
    shoe_progress,
    take_for,
)
from envs.tasks.task import Evaluation, SceneState, Task

TARGET, TARGET_HALF_SIZE = (0.0, -0.13), (0.13, 0.1)
GOALS = {"left": (0.0, -0.19), "right": (0.0, -0.07)}
TOLERANCE = (0.02, 0.02)
WAITING = (0.25, -0.07)


class DualShoesPlace(Task):
    """Put both shoes of a pair side by side on the blue rectangle, their toes to the left.

    **Task.** The left shoe of a pair stands on the left, the right one on the right, each turned
    in any way. Each arm takes the shoe on its side and turns it. The left arm puts the left shoe
    on the near half of a blue rectangle and gets out of the way, then the right arm puts the right
    shoe beside it. Toes point to -x, so that the pair stands as it is worn.

    **Randomizations.** (RoboTwin 1.0.) Left shoe: x in [-0.25, -0.1]; right shoe: x in [0.1,
    0.25]; both: y in [-0.1, 0.05] (drawn again from [-0.1, 0] where |x| < 0.15 and y > 0), yaw in
    +-3.14 rad, drawn again within 0.15 m of the table's middle; 100 g. The right shoe is drawn
    again while it would touch the left one (ours: 1.0's could). The rectangle, 26 x 20 cm and only
    to be seen, is fixed at (0, -0.13).

    **Success.** The left shoe's middle is within 0.02 m of (0, -0.19) in x and in y, the right
    one's of (0, -0.07) (1.0); both toes point to -x and both shoes are upright, within 10 degrees
    (for 1.0's quaternions, compared element by element); both stand on the table within 0.01 m
    (ours); both grippers are open (1.0, measured instead of commanded) and 0.05 m away from where
    one takes a shoe (ours, as in `shoe_place`). Held for 5 control steps. *Failure*: a shoe has
    fallen off the table.
    """

    name = "dual_shoes_place"
    step_limit = STEP_LIMITS[name]
    instructions = (
        "Put both shoes on the blue rectangle side by side, their toes pointing to the left.",
        "Place the pair of shoes on the blue target, toes to the left.",
        "Pick up the two shoes and set them next to each other in the blue area, facing left.",
        "Arrange the left and the right shoe on the blue mark so that both tips face left.",
    )
    unseen_instructions = (
        "Line up the footwear on the blue field with the heels to the right.",
        "The pair belongs on the blue patch, both shoes facing left.",
    )

    def build(self, simulation: Simulation, rng: np.random.Generator, instances: Instances) -> None:
        """Adds the target and the pair."""
        target = turned(*TARGET, simulation.table_height, 0.0)
        simulation.add("target", shoe_target(*TARGET_HALF_SIZE), target, fixed=True)
        left_yaw, right_yaw = (float(yaw) for yaw in rng.uniform(-3.14, 3.14, 2))
        left = sample_shoe(rng, (-0.25, -0.1), left_yaw)
        right = sample_shoe(rng, (0.1, 0.25), right_yaw, (left,))
        model = instances.draw(shoe)
        add_shoe(simulation, "left_shoe", other_shoe(model), left)
        add_shoe(simulation, "right_shoe", model, right)

    def evaluate(self, state: SceneState, start: SceneState) -> Evaluation:
        """Judges a moment."""
        checks: dict[str, bool] = {}
        progress, away, fallen = 0.0, True, None
        for side, goal in GOALS.items():
            name = f"{side}_shoe"
            waist = state.point(name, "waist")
            hands = [float(np.linalg.norm(state.fingertips(i) - waist)) for i in (0, 1)]
            found = shoe_checks(state, name, goal, TOLERANCE)
            hand = 0.0 if all(found.values()) else min(hands)
            progress += 0.45 * shoe_progress(state, start, name, goal, hand)
            away = away and min(hands) > HAND_AWAY
            checks |= {f"{side}_{check}": holds for check, holds in found.items()}
            if state.point(name, "bottom")[2] < state.table_height - 0.05:
                fallen = f"the {side} shoe has fallen off the table"
        checks |= {
            "left_gripper_open": state.gripper_open(0),
            "right_gripper_open": state.gripper_open(1),
            "hands_away": away,
        }
        return Evaluation(checks, 1.0 if all(checks.values()) else progress, fallen)

    def expert(self, motion: Motion, state: SceneState) -> Iterator[NDArray[np.float64]]:
        """Takes both shoes at once, puts the left one down, then the right one."""
        left, right = motion.left, motion.right
        heights = {
            side: state.table_height - state.models[f"{side}_shoe"].lowest() for side in GOALS
        }
        goals = {side: turned(*goal, heights[side], GOAL_YAW) for side, goal in GOALS.items()}
        waiting = turned(*WAITING, heights["right"], GOAL_YAW)

        def take_and_turn(side: str, place: sapien.Pose) -> Iterator[NDArray[np.float64]]:
            arm, name = motion.arm(side), f"{side}_shoe"
            yield from take_for(motion, arm, name, state, goals[side])
            yield from carry(motion, arm, name, place)

        yield from motion.play(
            left=take_and_turn("left", goals["left"]), right=take_and_turn("right", waiting)
        )
        yield from motion.solo("left", put(motion, left, "left_shoe", goals["left"]))
        yield from motion.play(
            left=left.home(), right=carry(motion, right, "right_shoe", goals["right"])
        )
        yield from motion.solo(
            "right", put(motion, right, "right_shoe", goals["right"]), right.wait(6)
        )
