"""Motion primitives that the tasks' experts are written in.

A primitive is a lazy iterator of one arm's commands (7,): it plans when its first command is asked
for, from where the arm is commanded to be by then. So primitives chain with `itertools.chain`,
and `Motion.play` runs those of both arms side by side:

    yield from motion.play(left=chain(left.reach(above), left.close()), right=right.home())

Straight lines and turns follow a minimum-jerk profile (Flash and Hogan 1985): position and
velocity are continuous, and every move starts and ends at rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import numpy as np
import sapien
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp

from envs.robots import aloha_agilex as robot
from envs.robots.kinematics import arm_kinematics
from envs.tasks.task import SceneState

Array = NDArray[np.float64]

LINE_SPEED = 0.35
"""Greatest speed of a straight move in m/s."""
TURN_SPEED = 2.0
"""Greatest speed of a turn in rad/s."""
JOINT_SPEED = 2.5
"""Greatest joint speed of a move in rad/s: half of what the joints can do."""
GRIPPER_STEPS = 6
"""Control steps in which a gripper opens or closes."""
SWING_STEPS = 22
"""Control steps of a throw's swing; it is fastest, and lets go, halfway."""
_PEAK = 1.875
"""Greatest velocity of the minimum-jerk profile over its mean velocity."""


class ExpertError(RuntimeError):
    """A scripted expert cannot go on; the message says why."""


def minimum_jerk(steps: int) -> Array:
    """Fractions of a move after each of its control steps, from above 0 to 1."""
    t = np.arange(1, steps + 1) / steps
    return np.asarray(10 * t**3 - 15 * t**4 + 6 * t**5)


def gripper_pose(fingertips: Iterable[float], quaternion_wxyz: Iterable[float]) -> sapien.Pose:
    """Pose of link6 that brings the point between the finger pads to a place."""
    pose = sapien.Pose(list(fingertips), list(quaternion_wxyz))
    return pose * sapien.Pose([-robot.FINGERTIP_OFFSET, 0.0, 0.0])


def facing_down(yaw: float = 0.0, pitch: float = 0.0) -> list[float]:
    """Quaternion wxyz of a gripper that points down; at yaw 0 it opens along the world's x.

    Args:
        yaw: Turn about the vertical in rad.
        pitch: Tilt in rad towards the world's +y (before the turn). A tilted hand reaches further.
    """
    down = Rotation.from_quat([-0.5, 0.5, -0.5, -0.5], scalar_first=True)
    turned = Rotation.from_euler("z", yaw) * Rotation.from_euler("x", pitch) * down
    return [float(v) for v in turned.as_quat(scalar_first=True)]


def facing_along(yaw: float) -> list[float]:
    """Quaternion wxyz of a level gripper that points along a yaw, 0 being the world's +x."""
    return [float(np.cos(yaw / 2)), 0.0, 0.0, float(np.sin(yaw / 2))]


def aimed(approach: Iterable[float], closing: Iterable[float]) -> list[float]:
    """Quaternion wxyz of a gripper that points along a direction and closes along another.

    Args:
        approach: Where the gripper points, in the world.
        closing: Direction along which its fingers close; what of it lies along `approach` is
            left out. Its sign says which finger is which: see `Arm.easier`.
    """
    x = np.asarray(list(approach), dtype=float)
    x /= np.linalg.norm(x)
    y = np.asarray(list(closing), dtype=float)
    y -= (y @ x) * x
    y /= np.linalg.norm(y)
    matrix = np.stack([x, y, np.cross(x, y)], axis=1)
    return [float(v) for v in Rotation.from_matrix(matrix).as_quat(scalar_first=True)]


class Arm:
    """One arm's primitives.

    Attributes:
        side: `left` or `right`.
        sign: -1 for the left arm, +1 for the right: multiplies what is mirrored.
        command: The arm's last command (7,): six joint angles in rad, gripper 0..1.
    """

    def __init__(self, side: str, command: Array, control_dt: float) -> None:
        """Starts from a command; `control_dt` is the time between commands in s."""
        self.side = side
        self.sign = 1.0 if side == "right" else -1.0
        self.command = command
        self._kinematics = arm_kinematics(side)
        self._dt = control_dt

    @property
    def pose(self) -> sapien.Pose:
        """Where link6 is commanded to be, in the world."""
        return self._kinematics.forward(self.command[:6])

    @property
    def base(self) -> Array:
        """Where the arm is mounted in the world (3,); its first joint turns about a line above."""
        root = sapien.Pose(robot.ROBOT_POSITION, robot.ROBOT_QUATERNION_WXYZ)
        return np.asarray((root * sapien.Pose(robot.ARM_BASE[self.side])).p, dtype=np.float64)

    def easier(self, *poses: sapien.Pose) -> sapien.Pose:
        """The pose among several, and those rolled half a turn, that needs the least joint travel.

        Rolled by half a turn about where it points, a gripper grasps the same way.

        Raises:
            ExpertError: If the arm can reach none of them.
        """
        half_turn = sapien.Pose(q=[0.0, 1.0, 0.0, 0.0])
        found = []
        for pose in [*poses, *(each * half_turn for each in poses)]:
            joints = self._kinematics.inverse(pose, self.command[:6])
            if joints is not None:
                found.append((float(np.abs(joints - self.command[:6]).max()), pose))
        if not found:
            raise ExpertError(f"{self.side} arm cannot reach {_place(poses[0])} or the like")
        return min(found, key=lambda each: each[0])[1]

    def can_reach(self, pose: sapien.Pose) -> bool:
        """Whether link6 can be brought to a pose."""
        return self._kinematics.inverse(pose, self.command[:6]) is not None

    def _steps(self, greatest: float, speed: float) -> int:
        return max(2, int(np.ceil(_PEAK * greatest / speed / self._dt)))

    def _solve(self, pose: sapien.Pose, near: Array, *, restarts: bool) -> Array:
        joints = self._kinematics.inverse(pose, near, restarts=restarts)
        if joints is None:
            raise ExpertError(f"{self.side} arm cannot reach {_place(pose)}")
        return joints

    def _follow(self, path: Array) -> Iterator[Array]:
        for joints in path:
            self.command = np.append(joints, self.command[6])
            yield self.command

    def _joint_path(self, goal: Array) -> Array:
        start = self.command[:6]
        steps = self._steps(float(np.abs(goal - start).max()), JOINT_SPEED)
        return np.asarray(start + minimum_jerk(steps)[:, None] * (goal - start))

    def home(self) -> Iterator[Array]:
        """Goes back to all joints zero, through joint space."""
        yield from self._follow(self._joint_path(np.zeros(6)))

    def reach(self, pose: sapien.Pose) -> Iterator[Array]:
        """Goes to a pose of link6 through joint space: quick, not straight."""
        goal = self._solve(pose, self.command[:6], restarts=True)
        yield from self._follow(self._joint_path(goal))

    def line(self, pose: sapien.Pose, speed: float = LINE_SPEED) -> Iterator[Array]:
        """Goes to a pose of link6 along a straight line, turning evenly on the way.

        Args:
            pose: Where to go, in the world.
            speed: Greatest speed on the line in m/s.
        """
        start = self.pose
        rotations = Rotation.from_quat([start.q, pose.q], scalar_first=True)
        turn = float((rotations[0].inv() * rotations[1]).magnitude())
        length = float(np.linalg.norm(pose.p - start.p))
        steps = max(self._steps(length, speed), self._steps(turn, TURN_SPEED))
        path = self._line_path(start, pose, rotations, steps)
        fastest = np.abs(np.diff(path, axis=0, prepend=self.command[None, :6])).max() / self._dt
        if fastest > JOINT_SPEED:  # near a singularity a slow line needs quick joints
            steps = int(np.ceil(steps * fastest / JOINT_SPEED))
            path = self._line_path(start, pose, rotations, steps)
        yield from self._follow(path)

    def _line_path(
        self, start: sapien.Pose, end: sapien.Pose, rotations: Rotation, steps: int
    ) -> Array:
        fractions = minimum_jerk(steps)
        turns = Slerp([0.0, 1.0], rotations)(fractions).as_quat(scalar_first=True)
        joints, path = self.command[:6], []
        for fraction, quaternion in zip(fractions, turns, strict=True):
            waypoint = sapien.Pose(start.p + fraction * (end.p - start.p), quaternion)
            joints = self._solve(waypoint, joints, restarts=False)
            path.append(joints)
        return np.array(path)

    def move(self, offset: Iterable[float], speed: float = LINE_SPEED) -> Iterator[Array]:
        """Goes straight by an offset in the world's axes, without turning."""
        here = self.pose
        yield from self.line(sapien.Pose(here.p + np.asarray(list(offset)), here.q), speed)

    def grip(self, opening: float) -> Iterator[Array]:
        """Moves the fingers to an opening, 0 closed .. 1 open, in `GRIPPER_STEPS` steps."""
        start = float(self.command[6])
        for fraction in np.arange(1, GRIPPER_STEPS + 1) / GRIPPER_STEPS:
            self.command = np.append(self.command[:6], start + fraction * (opening - start))
            yield self.command

    def open(self) -> Iterator[Array]:
        """Opens the gripper."""
        return self.grip(1.0)

    def close(self) -> Iterator[Array]:
        """Closes the gripper; it squeezes what is in between."""
        return self.grip(0.0)

    def swing_turn(self, speed: float) -> float:
        """Angle in rad by which the first joint turns in a `throw` of a greatest speed in rad/s."""
        return speed * SWING_STEPS * self._dt / _PEAK

    def throw(self, speed: float) -> Iterator[Array]:
        """Swings round the upright first joint and opens the gripper halfway, at full speed.

        What the hand holds flies off across the arm. The other joints stay as they are.

        Args:
            speed: Greatest speed of the joint in rad/s; positive is counter-clockwise from above.
        """
        start = self.command.copy()
        turned = self.swing_turn(speed) * minimum_jerk(SWING_STEPS)
        for step, angle in enumerate(turned, start=1):
            opening = start[6] if step <= SWING_STEPS // 2 else 1.0
            self.command = np.concatenate([[start[0] + angle], start[1:6], [opening]])
            yield self.command

    def wait(self, steps: int) -> Iterator[Array]:
        """Stays for a number of control steps, so that the arm settles on its command."""
        for _ in range(steps):
            yield self.command


def _place(pose: sapien.Pose) -> str:
    return f"{np.round(np.append(pose.p, pose.q), 3).tolist()} (xyz, quaternion wxyz)"


class Motion:
    """Both arms, and a look at the scene.

    Attributes:
        left: The left arm's primitives.
        right: The right arm's primitives.
    """

    def __init__(
        self, joint_target: Array, observe: Callable[[], SceneState], control_dt: float
    ) -> None:
        """Starts from the commanded joint values.

        Args:
            joint_target: Commands (14,) at the start.
            observe: Gives the scene's present state.
            control_dt: Seconds between actions.
        """
        self.left = Arm("left", np.asarray(joint_target[:7]), control_dt)
        self.right = Arm("right", np.asarray(joint_target[7:]), control_dt)
        self._observe = observe

    def arm(self, side: str) -> Arm:
        """The arm of a side, `left` or `right`."""
        return self.left if side == "left" else self.right

    def scene(self) -> SceneState:
        """The scene as it is now."""
        return self._observe()

    def play(
        self, left: Iterable[Array] = (), right: Iterable[Array] = ()
    ) -> Iterator[NDArray[np.float64]]:
        """Runs both arms' primitives at the same time, until both have ended.

        Yields:
            Actions (14,). An arm that has nothing to do stays where it is commanded to be.
        """
        streams = [iter(left), iter(right)]
        while True:
            moved = [next(stream, None) is not None for stream in streams]
            if not any(moved):
                return
            yield np.concatenate([self.left.command, self.right.command])

    def solo(self, side: str, *parts: Iterable[Array]) -> Iterator[NDArray[np.float64]]:
        """Runs one arm's primitives one after the other, while the other arm stays."""
        return self.play(**{side: chain(*parts)})
