"""Task: put a shoe on the target; and what it shares with the task of two shoes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import sapien
from numpy.typing import NDArray

from envs.experts.motion import Arm, ExpertError, Motion, aimed, gripper_pose
from envs.objects.instances import Instances
from envs.objects.model import ObjectModel
from envs.objects.shoe import shoe, shoe_target
from envs.simulation import Simulation
from envs.tasks import STEP_LIMITS
from envs.tasks.layout import Range, sample_until, turned
from envs.tasks.task import Evaluation, SceneState, Task

TARGET, TARGET_HALF_SIZE = (0.0, -0.08), (0.13, 0.05)
X_TOLERANCE, Y_TOLERANCE, Z_TOLERANCE = 0.05, 0.02, 0.010
ANGLE_TOLERANCE = float(np.deg2rad(10.0))
GOAL_YAW = np.pi
"""Yaw of a shoe whose toe points to -x."""
HAND_AWAY = 0.05
LIFT = 0.07

Grip = tuple[float, float]
"""How a hand takes a shoe: the sign of its closing direction along the shoe's y axis, and how far
(rad) it leans from straight down towards the shoe's heel, so that its fingers point to the toe."""

GRIPS: tuple[Grip, ...] = tuple(
    (roll, float(np.deg2rad(lean))) for lean in (0, -15, 15, -30, 30) for roll in (1.0, -1.0)
)
"""Grips from the best one on. Leaning to the heel, a palm comes down on some shoes' high backs."""

MIDDLE_PLACES = ((0.2, -0.08), (0.2, -0.14), (0.25, -0.02))
"""Where a right arm may put a shoe down on the way; a left arm's are their mirror images."""
MIDDLE_YAWS = (GOAL_YAW, GOAL_YAW - 0.3, GOAL_YAW + 0.3, 0.0, 0.3, -0.3)
"""And how it may be turned there: across the table the wrist can take it either way round."""


def sample_shoe(
    rng: np.random.Generator, x: Range, yaw: float, others: tuple[sapien.Pose, ...] = ()
) -> sapien.Pose:
    """Samples where a shoe lies: 0.15 m from the table's middle, and not upon another shoe."""

    def free(px: float, py: float) -> bool:
        pose = turned(px, py, 0.0, yaw)
        return np.hypot(px, py) >= 0.15 and all(_apart(pose, other) >= 0.11 for other in others)

    return turned(*sample_until(rng, x, (-0.1, 0.05), free, near_middle=(-0.1, 0.0)), 0.0, yaw)


def _apart(first: sapien.Pose, second: sapien.Pose) -> float:
    """Smallest distance of two shoes' middle lines (16 cm, as far as they are full width)."""
    lines = [
        [(pose * sapien.Pose([x, 0.0, 0.0])).p[:2] for x in np.linspace(-0.08, 0.08, 9)]
        for pose in (first, second)
    ]
    gaps = np.array(lines[0])[:, None] - np.array(lines[1])[None]
    return float(np.linalg.norm(gaps, axis=2).min())


def add_shoe(simulation: Simulation, name: str, model: ObjectModel, pose: sapien.Pose) -> None:
    """Adds a shoe that rests on the table."""
    height = simulation.table_height - model.lowest()
    simulation.add(name, model, sapien.Pose([*pose.p[:2], height], pose.q))


def toe_angle(state: SceneState, name: str) -> float:
    """Angle in rad by which a shoe's toe points away from -x, be it to a side, up or down."""
    return float(np.arccos(np.clip(-state.axis(name, 0)[0], -1.0, 1.0)))


def shoe_checks(
    state: SceneState, name: str, goal: tuple[float, float], tolerance: tuple[float, float]
) -> dict[str, bool]:
    """Whether a shoe stands where it should, toe to the left."""
    offset = state.point(name, "bottom") - [*goal, state.table_height]
    return {
        "in_place": bool((np.abs(offset[:2]) < tolerance).all()),
        "on_table": bool(abs(offset[2]) < Z_TOLERANCE),
        "upright": bool(state.axis(name, 2)[2] > np.cos(ANGLE_TOLERANCE)),
        "toe_to_left": toe_angle(state, name) < ANGLE_TOLERANCE,
    }


def shoe_progress(
    state: SceneState, start: SceneState, name: str, goal: tuple[float, float], hand: float
) -> float:
    """How far a shoe is on its way, 0 .. 1.

    Args:
        state: The scene now.
        start: The scene at reset.
        name: The shoe.
        goal: Where it should be (x, y).
        hand: Distance in metres from the hand that should take it to where it is to be taken.
    """
    now, begin = state.point(name, "bottom"), start.point(name, "bottom")
    left = np.linalg.norm(now[:2] - goal)
    carried = 1 - np.clip(left / np.linalg.norm(begin[:2] - goal), 0, 1)
    facing = 1 - toe_angle(state, name) / np.pi
    # What was lifted on its way is not asked to stay up at the end of it.
    lifted = max(np.clip((now[2] - state.table_height) / 0.05, 0, 1), carried**4)
    return float(0.2 * np.exp(-6 * hand) + 0.2 * lifted + 0.4 * carried + 0.2 * facing)


def hand_pose(
    model: ObjectModel, place: sapien.Pose, grip: Grip, above: float = 0.0
) -> sapien.Pose:
    """Pose of link6 that takes a shoe at a place, or waits above it."""
    roll, lean = grip
    grasp = model.grasps["waist"]
    rotation = place.to_transformation_matrix()[:3, :3].astype(float)
    approach = rotation @ [np.sin(lean), 0.0, -np.cos(lean)]
    point = (place * sapien.Pose(grasp.point)).p + [0.0, 0.0, above]
    return gripper_pose(point, aimed(approach, roll * rotation @ grasp.closing))


def _about(place: sapien.Pose) -> list[sapien.Pose]:
    """A place, and turned a little both ways: so much may a shoe turn in the hand."""
    return [place * turned(0.0, 0.0, 0.0, slip) for slip in (0.0, -0.06, 0.06)]


def plan(
    arm: Arm, model: ObjectModel, place: sapien.Pose, goal: sapien.Pose
) -> list[tuple[Grip, sapien.Pose]]:
    """Grips, and where each puts the shoe; the last one puts it on its goal.

    The wrist turns by 230 degrees, and the hand has to stand one certain way round at the goal: a
    shoe that cannot be taken that way where it lies is put down on the way, and taken again the
    other way round.

    Raises:
        ExpertError: If the arm cannot do it.
    """

    def grips(*places: sapien.Pose) -> list[Grip]:
        return [
            grip
            for grip in GRIPS
            if all(
                arm.can_reach(hand_pose(model, each, grip, above))
                for each in places
                for above in (0.0, LIFT + 0.01)
            )
        ]

    last = grips(*_about(goal))
    first = grips(place)
    direct = [grip for grip in last if grip in first]
    for grip in direct:
        if grip[1] <= 0.0:
            return [(grip, goal)]
    for yaw in MIDDLE_YAWS:
        for x, y in MIDDLE_PLACES:
            middle = turned(arm.sign * x, y, float(place.p[2]), yaw)
            reachable = grips(*_about(middle))
            ways_there = [grip for grip in first if grip in reachable]
            ways_on = [grip for grip in last if grip in reachable]
            if ways_there and ways_on:
                return [(ways_there[0], middle), (ways_on[0], goal)]
    if direct:
        return [(direct[0], goal)]
    raise ExpertError(f"{arm.side} arm cannot turn the shoe to its goal")


def take(
    arm: Arm, model: ObjectModel, place: sapien.Pose, grip: Grip
) -> Iterator[NDArray[np.float64]]:
    """Takes a shoe and lifts it."""
    yield from arm.reach(hand_pose(model, place, grip, LIFT))
    yield from arm.line(hand_pose(model, place, grip))
    yield from arm.wait(2)
    yield from arm.close()
    yield from arm.wait(2)
    yield from arm.move([0.0, 0.0, LIFT])


def held_over(motion: Motion, arm: Arm, name: str, place: sapien.Pose, above: float) -> sapien.Pose:
    """Pose of link6 that brings the shoe it holds over a place, as it lies in the hand now."""
    scene = motion.scene()
    measured = scene.endpose[0 if arm.side == "left" else 1]
    in_hand = sapien.Pose(measured[:3], measured[3:]).inv() * scene.poses[name]
    return sapien.Pose([0.0, 0.0, above]) * place * in_hand.inv()


def carry(motion: Motion, arm: Arm, name: str, place: sapien.Pose) -> Iterator[NDArray[np.float64]]:
    """Carries the shoe that an arm holds over a place."""
    yield from arm.reach(held_over(motion, arm, name, place, LIFT))
    yield from arm.wait(2)


def put(motion: Motion, arm: Arm, name: str, place: sapien.Pose) -> Iterator[NDArray[np.float64]]:
    """Puts down the shoe that an arm holds over a place, and lifts the hand."""
    yield from arm.line(held_over(motion, arm, name, place, 0.002), speed=0.25)
    yield from arm.wait(2)
    yield from arm.open()
    yield from arm.wait(1)
    yield from arm.move([0.0, 0.0, LIFT])


def take_for(
    motion: Motion, arm: Arm, name: str, state: SceneState, goal: sapien.Pose
) -> Iterator[NDArray[np.float64]]:
    """Takes a shoe so that it can be put on its goal; turns it round on the table if it must."""
    model, place = state.models[name], state.poses[name]
    *turns, (grip, _) = plan(arm, model, place, goal)
    for first, middle in turns:
        yield from take(arm, model, place, first)
        yield from carry(motion, arm, name, middle)
        yield from put(motion, arm, name, middle)
        place = motion.scene().poses[name]
    yield from take(arm, model, place, grip)


class ShoePlace(Task):
    """Put the shoe on the blue rectangle, its toe to the left.

    **Task.** A shoe stands somewhere, turned in any way. The arm on its side takes it across its
    waist, turns it, and puts it on a blue rectangle in front of the robot, its toe towards -x. A
    shoe that lies the wrong way round for the wrist is put down on the way and taken again.

    **Randomizations.** (RoboTwin 1.0.) Shoe: x in +-0.25, y in [-0.1, 0.05] (drawn again from
    [-0.1, 0] where |x| < 0.15 and y > 0), yaw in +-3.14 rad; drawn again within 0.15 m of the
    table's middle; 100 g. The rectangle, 26 x 10 cm and only to be seen, is fixed at (0, -0.08).

    **Success.** The shoe's middle is within 0.05 m in x and 0.02 m in y of the rectangle's (1.0);
    its toe points to -x and it is upright, both within 10 degrees (for 1.0's quaternion, compared
    element by element); it stands on the table within 0.01 m (ours); both grippers are open (1.0,
    measured instead of commanded); both hands are 0.05 m away from where one takes a shoe (for
    1.0's height of the higher hand, which means: it has been lifted off). Held for 5 control
    steps. *Failure*: the shoe has fallen off the table.
    """

    name = "shoe_place"
    step_limit = STEP_LIMITS[name]
    instructions = (
        "Put the shoe on the blue rectangle with its toe pointing to the left.",
        "Pick up the shoe and place it on the blue target, toe to the left.",
        "Place the shoe in the blue area so that its tip faces left.",
        "Turn the shoe to the left and set it down on the blue mark.",
    )
    unseen_instructions = (
        "Set the footwear onto the blue field, heel to the right.",
        "The shoe belongs on the blue patch, facing left.",
    )

    def build(self, simulation: Simulation, rng: np.random.Generator, instances: Instances) -> None:
        """Adds the target and the shoe."""
        target = turned(*TARGET, simulation.table_height, 0.0)
        simulation.add("target", shoe_target(*TARGET_HALF_SIZE), target, fixed=True)
        pose = sample_shoe(rng, (-0.25, 0.25), float(rng.uniform(-3.14, 3.14)))
        add_shoe(simulation, "shoe", instances.draw(shoe), pose)

    def evaluate(self, state: SceneState, start: SceneState) -> Evaluation:
        """Judges a moment."""
        waist = state.point("shoe", "waist")
        hands = [float(np.linalg.norm(state.fingertips(side) - waist)) for side in (0, 1)]
        checks = shoe_checks(state, "shoe", TARGET, (X_TOLERANCE, Y_TOLERANCE))
        placed = all(checks.values())
        checks |= {
            "left_gripper_open": state.gripper_open(0),
            "right_gripper_open": state.gripper_open(1),
            "hands_away": min(hands) > HAND_AWAY,
        }
        if all(checks.values()):
            return Evaluation(checks, 1.0)
        hand = 0.0 if placed else min(hands)
        progress = 0.9 * shoe_progress(state, start, "shoe", TARGET, hand)
        fallen = state.point("shoe", "bottom")[2] < state.table_height - 0.05
        return Evaluation(checks, progress, "the shoe has fallen off the table" if fallen else None)

    def expert(self, motion: Motion, state: SceneState) -> Iterator[NDArray[np.float64]]:
        """Takes the shoe, turns it, puts it down, lifts the hand."""
        side = "right" if state.position("shoe")[0] > 0 else "left"
        arm = motion.arm(side)
        goal = turned(*TARGET, state.table_height - state.models["shoe"].lowest(), GOAL_YAW)
        yield from motion.solo(
            side,
            take_for(motion, arm, "shoe", state, goal),
            carry(motion, arm, "shoe", goal),
            put(motion, arm, "shoe", goal),
            arm.wait(6),
        )
