"""Task: pick an apple up from a messy table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import sapien
from numpy.typing import NDArray

from envs.experts.motion import Arm, ExpertError, Motion, facing_down, gripper_pose
from envs.objects.apple import apple
from envs.objects.brush import brush
from envs.objects.coaster import coaster
from envs.objects.cup import cup
from envs.objects.dustpan import dustpan
from envs.objects.hammer import hammer
from envs.objects.instances import Family, Instances
from envs.objects.mug_rack import mug_rack
from envs.room import TABLE_HALF_SIZE
from envs.simulation import Simulation
from envs.tasks import STEP_LIMITS
from envs.tasks.layout import LayoutError, sample_until, turned
from envs.tasks.task import Evaluation, SceneState, Task

Array = NDArray[np.float64]

PIECES = 4
X, Y = (-0.35, 0.35), (-0.15, 0.3)
"""Where the middles of the clutter lie, in metres."""
RACK_Y = (0.1, 0.3)
APART = 0.15
"""Least distance between the middles of any two things (RoboTwin 1.0), in metres."""
HAND_ROOM = 0.08
"""Least distance of the clutter from the apple's middle: room for the hand, in metres."""
GAP = 0.01
RACK_MASS = 0.3
LOWEST, HIGHEST = 0.04, 0.35
HELD_WITHIN = 0.03
HOVER, LIFT = 0.14, 0.08
_SQUARE = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
PITCHES = (0.0, 0.15, 0.3, 0.45, 0.6)
"""How far the hand may lean forward to reach the apple, in rad."""


@dataclass(frozen=True)
class Clutter:
    """A kind of clutter.

    Attributes:
        family: What it is drawn from.
        half_size: Half length (x) and half width (y) of a rectangle that any of its family keeps
            within at the table's level.
        reach: How far it reaches from its middle higher up, where only others like it reach.
        y: Where its middle may lie.
    """

    family: Family
    half_size: tuple[float, float]
    reach: float = 0.0
    y: tuple[float, float] = Y


CLUTTER = (
    Clutter(brush, (0.115, 0.035)),
    Clutter(cup, (0.05, 0.05)),
    Clutter(coaster, (0.055, 0.063)),
    Clutter(mug_rack, (0.072, 0.072), 0.108, RACK_Y),
    Clutter(dustpan, (0.12, 0.087)),
    Clutter(hammer, (0.122, 0.023)),
)


class PickAppleMessy(Task):
    """Pick up the apple that lies among other things.

    **Task.** An apple and four other things lie on the table. The arm on the apple's side takes it
    and lifts it.

    **Randomizations.** (RoboTwin 1.0.) Apple: x in +-0.25, y in +-0.1 (drawn again from [-0.1, 0]
    where |x| < 0.15 and y > 0). Four things drawn with replacement from brush, cup, coaster, mug
    rack, dustpan and hammer: x in +-0.35, y up to 0.3; middles at least 0.15 m from each other and
    from the apple's. Ours: their y is at least -0.15, a mug rack's, which stands as high as the
    arms, at least 0.1; any yaw; nothing overlaps or hangs over the table's edge, and 0.08 m round
    the apple's middle stay free for a hand. The apple weighs 100 g instead of 10 g, the clutter 10
    to 300 g; all of it can be pushed.

    **Success.** The apple is between 0.04 m and 0.35 m higher than at reset (1.0: z > 0.81, which
    is about 0.035 m more than where it lies; the upper bound is ours), and a hand holds it: its
    middle is within 0.03 m of the fingertips (ours). Held for 5 control steps. *Failure*: the apple
    has fallen off the table (ours).
    """

    name = "pick_apple_messy"
    step_limit = STEP_LIMITS[name]
    instructions = (
        "Pick up the apple from the messy table.",
        "Find the apple among the other things and lift it.",
        "Grasp the apple and raise it off the table.",
        "Take the apple out of the clutter.",
    )
    unseen_instructions = (
        "Get hold of the fruit and hold it in the air.",
        "Only the apple is wanted: lift it clear of the mess.",
    )

    def build(self, simulation: Simulation, rng: np.random.Generator, instances: Instances) -> None:
        """Adds the apple and the clutter."""
        x, y = sample_until(rng, (-0.25, 0.25), (-0.1, 0.1), near_middle=(-0.1, 0.0))
        model = instances.draw(apple)
        height = simulation.table_height - model.lowest()
        simulation.add("apple", model, turned(x, y, height, rng.uniform(-np.pi, np.pi)))
        kinds = [CLUTTER[int(i)] for i in rng.integers(len(CLUTTER), size=PIECES)]
        for i, place in enumerate(_places(rng, kinds, (x, y))):
            model = instances.draw(place.kind.family)
            if not model.mass:  # a mug rack, which stands fixed elsewhere
                model = replace(model, mass=RACK_MASS)
            height = simulation.table_height - model.lowest()
            simulation.add(f"clutter_{i}", model, turned(place.x, place.y, height, place.yaw))

    def evaluate(self, state: SceneState, start: SceneState) -> Evaluation:
        """Judges a moment."""
        fruit = state.position("apple")
        hands = [float(np.linalg.norm(state.fingertips(side) - fruit)) for side in (0, 1)]
        nearest = int(np.argmin(hands))
        rise = float(
            fruit[2] - state.table_height - (start.position("apple")[2] - start.table_height)
        )
        checks = {
            "apple_lifted": bool(LOWEST < rise < HIGHEST),
            "apple_held": bool(hands[nearest] < HELD_WITHIN),
        }
        fallen = bool(fruit[2] - state.table_height < -0.05)
        failure = "the apple has fallen off the table" if fallen else None
        if all(checks.values()):
            return Evaluation(checks, 1.0)
        near = 1.0 - np.tanh(4.0 * hands[nearest])
        around = np.clip(1.5 - hands[nearest] / 0.02, 0.0, 1.0)
        closed = np.clip((1.0 - state.joint_position[6 + 7 * nearest]) / 0.15, 0.0, 1.0)
        lifted = near * np.clip(rise / LOWEST, 0.0, 1.0)
        progress = 0.4 * near + 0.15 * around * closed + 0.4 * lifted
        return Evaluation(checks, float(progress), failure)

    def expert(self, motion: Motion, state: SceneState) -> Iterator[NDArray[np.float64]]:
        """Takes the apple from above and lifts it."""
        fruit = state.point("apple", "body")
        side = "right" if fruit[0] > 0 else "left"
        arm = motion.arm(side)
        above, at = _from_above(arm, fruit)
        yield from motion.solo(side, arm.reach(above), arm.line(at), arm.wait(2))
        yield from motion.solo(side, arm.close(), arm.wait(2), arm.move([0, 0, LIFT]), arm.wait(8))


def _from_above(arm: Arm, point: Array) -> tuple[sapien.Pose, sapien.Pose]:
    """Poses above a point and at it, with the least lean forward."""
    for pitch in PITCHES:
        down = facing_down(pitch=pitch)
        above, at = gripper_pose(point + [0, 0, HOVER], down), gripper_pose(point, down)
        if arm.can_reach(above) and arm.can_reach(at):
            return above, at
    raise ExpertError(f"{arm.side} arm cannot reach the apple at {np.round(point, 3).tolist()}")


@dataclass(frozen=True)
class Place:
    """Where a piece of clutter lies: its middle in metres, its yaw in rad."""

    kind: Clutter
    x: float
    y: float
    yaw: float

    def footprint(self) -> Array:
        """Corners (4, 2) of the rectangle on the table that holds it."""
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        turn = np.array([[cos, -sin], [sin, cos]])
        return np.asarray((_SQUARE * self.kind.half_size) @ turn.T + [self.x, self.y])


def _places(
    rng: np.random.Generator, kinds: list[Clutter], fruit: tuple[float, float]
) -> list[Place]:
    """Samples where the clutter lies; it starts again when there is no room for the last pieces.

    Raises:
        LayoutError: If there is no room for it in 50 attempts.
    """
    for _ in range(50):
        places: list[Place] = []
        try:
            for kind in kinds:
                places.append(_place(rng, kind, fruit, places))
        except LayoutError:
            continue
        return places
    raise LayoutError("no room for the clutter")


def _place(
    rng: np.random.Generator, kind: Clutter, fruit: tuple[float, float], others: list[Place]
) -> Place:
    """Samples where a thing lies, apart from the apple and from the others."""
    hand = HAND_ROOM * _SQUARE + fruit
    footprints = [other.footprint() for other in others]
    yaw = 0.0

    def accept(x: float, y: float) -> bool:
        nonlocal yaw
        yaw = float(rng.uniform(-np.pi, np.pi))
        if np.hypot(x - fruit[0], y - fruit[1]) < max(APART, HAND_ROOM + kind.reach):
            return False
        for other in others:
            least = max(APART, other.kind.reach + kind.reach)
            if np.hypot(x - other.x, y - other.y) < least:
                return False
        corners = Place(kind, x, y, yaw).footprint()
        on_table = bool((np.abs(corners) < np.array(TABLE_HALF_SIZE[:2]) - GAP).all())
        return on_table and all(_separate(corners, other) for other in [hand, *footprints])

    x, y = sample_until(rng, X, kind.y, accept)
    return Place(kind, x, y, yaw)


def _separate(first: Array, second: Array) -> bool:
    """Whether one of two rectangles lies beyond a side of the other, by a gap at least."""
    sides = np.concatenate([first[1:3] - first[:2], second[1:3] - second[:2]])
    for axis in sides / np.linalg.norm(sides, axis=1, keepdims=True):
        a, b = first @ axis, second @ axis
        if a.max() + GAP < b.min() or b.max() + GAP < a.min():
            return True
    return False
