"""What the tasks share in which a vessel is taken by its rim and stood on something."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import ClassVar

import numpy as np
import sapien
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from envs.experts.motion import Arm, ExpertError, Motion, aimed, gripper_pose
from envs.tasks.task import Evaluation, SceneState, Task

UPRIGHT = np.deg2rad(10.0)

_HOVER = 0.06
_RISE = 0.010
"""How far above a grasp's point the middle between the finger pads goes, along the hand."""
_PITCHES = (0.0, 0.2, -0.2, 0.4, -0.4, 0.6, -0.6)


class RimPlace(Task):
    """One vessel, one thing that it shall stand on.

    Attributes:
        vessel: Name of the thing that is carried.
        support: Name of what it shall stand on; its `top` is the place.
        xy_tolerance: In x and in y, metres.
        z_tolerance: Of the vessel's bottom above or below the support's top, metres.
    """

    vessel: ClassVar[str]
    support: ClassVar[str]
    xy_tolerance: ClassVar[float]
    z_tolerance: ClassVar[float]

    def checks(self, state: SceneState) -> dict[str, bool]:
        """The named conditions."""
        offset = self._offset(state)
        return {
            f"over_{self.support}": bool((np.abs(offset[:2]) < self.xy_tolerance).all()),
            f"on_{self.support}": bool(abs(offset[2]) < self.z_tolerance),
            "upright": bool(state.axis(self.vessel, 2)[2] > np.cos(UPRIGHT)),
            "grippers_open": state.gripper_open(0) and state.gripper_open(1),
        }

    def evaluate(self, state: SceneState, start: SceneState) -> Evaluation:
        """Judges a moment."""
        checks = self.checks(state)
        height = float(state.point(self.vessel, "bottom")[2] - state.table_height)
        failure = f"the {self.vessel} has fallen off the table" if height < -0.05 else None
        if all(checks.values()):
            return Evaluation(checks, 1.0)
        offset, begin = self._offset(state), self._offset(start)
        away = float(np.linalg.norm(offset[:2]))
        arrived = float(np.clip(1 - away / 0.06, 0, 1))
        lifted = max(float(np.clip(height / 0.04, 0, 1)), arrived)
        carried = 1 - float(np.clip(away / np.linalg.norm(begin[:2]), 0, 1))
        reached = np.exp(-8 * min(self.rim_distance(state, side) for side in (0, 1)))
        lowered = np.exp(-20 * abs(offset[2]))
        upright = max(float(state.axis(self.vessel, 2)[2]), 0.0)
        progress = upright * (
            # With the vessel in its place, hands may leave it.
            0.15 * max(reached, arrived)
            + 0.15 * lifted
            + 0.35 * lifted * carried
            + 0.25 * arrived * lowered
        )
        return Evaluation(checks, float(progress), failure)

    def rim_distance(self, state: SceneState, side: int) -> float:
        """Distance in metres of the left (0) or right (1) fingertips from the vessel's rim."""
        radius, _, z = state.models[self.vessel].points["rim"]
        tips = (state.poses[self.vessel].inv() * sapien.Pose(state.fingertips(side))).p
        return float(np.hypot(np.hypot(tips[0], tips[1]) - radius, tips[2] - z))

    def _offset(self, state: SceneState) -> NDArray[np.float64]:
        return state.point(self.vessel, "bottom") - state.point(self.support, "top")

    def expert(self, motion: Motion, state: SceneState) -> Iterator[NDArray[np.float64]]:
        """Takes the rim from the outer side, carries the vessel over its place, sets it down."""
        side = "right" if state.position(self.vessel)[0] > 0 else "left"
        arm = motion.arm(side)
        before, grasp = self._choose(arm, state)
        yield from motion.solo(side, arm.reach(before), arm.line(grasp), arm.wait(2))
        yield from motion.solo(side, arm.close(), arm.wait(3), arm.move([0, 0, _HOVER]))
        yield from motion.solo(side, arm.wait(2))
        # Where it is in the hand now: closing may have moved it.
        scene = motion.scene()
        in_hand = scene.poses[self.vessel].inv() * arm.pose
        place = scene.point(self.support, "top") - scene.models[self.vessel].points["bottom"]
        raised = sapien.Pose([0, 0, _HOVER])
        for facing in (state.poses[self.vessel].q, scene.poses[self.vessel].q):
            down = sapien.Pose(place + [0, 0, 0.001], facing) * in_hand
            over = raised * down
            if arm.can_reach(over) and arm.can_reach(down):
                break  # else as it hangs in the hand: it stands up when it is set down
        yield from motion.solo(side, arm.line(over), arm.wait(2), arm.line(down, 0.2), arm.wait(3))
        yield from motion.solo(side, arm.open(), arm.wait(2), arm.line(over), arm.wait(8))

    def _choose(self, arm: Arm, state: SceneState) -> tuple[sapien.Pose, sapien.Pose]:
        """Poses of link6 before and at the outermost grasp of the rim that serves to the end."""
        vessel, model = state.poses[self.vessel], state.models[self.vessel]
        goal = state.point(self.support, "top") - model.points["bottom"]
        carry = sapien.Pose(goal, vessel.q) * vessel.inv()
        raised = sapien.Pose([0, 0, _HOVER])
        outermost = sorted(
            model.grasps, key=lambda name: -arm.sign * state.closing(self.vessel, name)[0]
        )
        for pitch, name in product(_PITCHES, outermost[: len(outermost) // 2]):
            closing = state.closing(self.vessel, name)
            # Along the wall, downwards; then tilted sideways, if need be, which reaches further.
            along = np.cross(np.cross([0.0, 0.0, 1.0], closing), closing)
            approach = Rotation.from_rotvec(pitch * closing).apply(along / np.linalg.norm(along))
            tips = state.point(self.vessel, name) - _RISE * approach
            facing = gripper_pose(tips, aimed(approach, closing))
            for grasp in (facing, facing * sapien.Pose(q=[0.0, 1.0, 0.0, 0.0])):
                before = grasp * sapien.Pose([-_HOVER, 0, 0])
                way = (before, grasp, raised * grasp, raised * carry * grasp, carry * grasp)
                if all(arm.can_reach(pose) for pose in way):
                    return before, grasp
        raise ExpertError(f"{arm.side} arm cannot reach the rim of the {self.vessel}")
