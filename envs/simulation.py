"""One SAPIEN scene: physics, lights, things, cameras. The only file that touches the renderer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import sapien
from numpy.typing import NDArray

from envs.cameras import FAR, NEAR, VIEWER_POSE, CameraModel, CameraMount, extrinsic_cv
from envs.objects.model import ObjectModel
from envs.robots.dual_arm import DualArm
from envs.vulkan import RENDERING_HELP

PHYSICS_DT = 1.0 / 250.0
"""Seconds of one physics step."""
TABLE_HEIGHT = 0.74
"""Height of the table's top in metres."""
TABLE_HALF_SIZE = (0.6, 0.35, 0.025)
FRICTION = 0.5
SHADER_FOLDER = Path(__file__).with_name("shaders")
"""Our shader pack; see its `composite0.frag`."""


class RenderingUnavailableError(RuntimeError):
    """Pictures are wanted, but no Vulkan driver can make them."""


@cache
def _renderer() -> sapien.render.RenderSystem:
    """Starts the renderer of this process, once.

    Raises:
        RenderingUnavailableError: With one line that says what to install.
    """
    try:
        sapien.render.set_camera_shader_dir(str(SHADER_FOLDER))
        sapien.render.set_picture_format("Color", "r8g8b8a8unorm")
        return sapien.render.RenderSystem()
    except RuntimeError as error:
        raise RenderingUnavailableError(f"{RENDERING_HELP} (SAPIEN says: {error})") from None


def shader() -> str:
    """Name of the shader pack with a hash of its sources: other shaders are other pictures."""
    digest = hashlib.sha256()
    for path in sorted(SHADER_FOLDER.iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return f"emma_gym-{digest.hexdigest()[:12]}"


def render_device() -> str:
    """Name of the device that renders. Starts the renderer."""
    return str(_renderer().device.name)


@dataclass(frozen=True)
class Picture:
    """What one camera saw.

    Attributes:
        rgb: (H, W, 3) uint8.
        depth: (H, W) float32, metres along the optical axis, 0 where nothing was hit.
        segmentation: (H, W) int16, scene id of the thing hit, 0 where none.
        intrinsic_cv: (3, 3) float32.
        extrinsic_cv: (4, 4) float32, world to camera, OpenCV axes.
    """

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    segmentation: NDArray[np.int16]
    intrinsic_cv: NDArray[np.float32]
    extrinsic_cv: NDArray[np.float32]


class Simulation:
    """A scene with room, table and robot, to which a task adds its things.

    Made anew for every episode: nothing that PhysX remembers of the last one can leak into it.
    """

    def __init__(self, *, visuals: bool) -> None:
        """Builds the scene.

        Args:
            visuals: Whether pictures will be taken. Physics is the same either way.

        Raises:
            RenderingUnavailableError: If pictures are wanted and cannot be made.
        """
        self.visuals = visuals
        systems: list[sapien.System] = [sapien.physx.PhysxCpuSystem()]
        if visuals:
            _renderer()
            systems.append(sapien.render.RenderSystem())
        self.scene = sapien.Scene(systems)
        self.scene.set_timestep(PHYSICS_DT)
        self.material = self.scene.create_physical_material(FRICTION, FRICTION, 0.0)
        self.things: dict[str, sapien.Entity] = {}
        self._bodies: list[sapien.physx.PhysxRigidDynamicComponent] = []
        self._cameras: dict[str, sapien.render.RenderCameraComponent] = {}
        self._models: dict[str, CameraModel] = {}
        self._asset = hashlib.sha256()
        self._build_room()
        self.robot = DualArm(self.scene, visuals=visuals)
        self._asset.update(self.robot.asset_sha256.encode())

    def _build_room(self) -> None:
        floor, wall, table = (0.46, 0.44, 0.42), (0.80, 0.80, 0.78), (0.62, 0.50, 0.38)
        boxes = {
            "floor": ((3.0, 3.0, 0.05), (0.0, 0.0, -0.05), floor),
            "wall": ((3.0, 0.6, 1.5), (0.0, 1.0, 1.5), wall),
            "wall_left": ((0.1, 3.0, 1.5), (-3.1, 0.0, 1.5), wall),
            "wall_right": ((0.1, 3.0, 1.5), (3.1, 0.0, 1.5), wall),
            "wall_back": ((3.0, 0.1, 1.5), (0.0, -3.1, 1.5), wall),
            "table": (
                TABLE_HALF_SIZE,
                (0.0, 0.0, TABLE_HEIGHT - TABLE_HALF_SIZE[2]),
                table,
            ),
        }
        leg = (0.025, 0.025, (TABLE_HEIGHT - 2 * TABLE_HALF_SIZE[2]) / 2)
        for x in (-0.55, 0.55):
            for y in (-0.30, 0.30):
                boxes[f"table_leg_{x}_{y}"] = (leg, (x, y, leg[2]), (0.25, 0.25, 0.26))
        for name, (half_size, center, color) in boxes.items():
            self.add(name, ObjectModel.box(half_size, color), sapien.Pose(center), fixed=True)
        if self.visuals:
            self.scene.set_ambient_light([0.42, 0.42, 0.42])
            self.scene.add_directional_light(
                [0.0, 0.5, -1.0],
                [1.3, 1.3, 1.3],
                shadow=True,
                # The shadow map covers the table and the robot, and no more: 4 mm a texel. Twice
                # the resolution would cost as much as all the rest of a picture.
                position=[0.0, -0.2, TABLE_HEIGHT],
                shadow_scale=1.0,
                shadow_near=-3.0,
                shadow_far=3.0,
                shadow_map_size=512,
            )
            for x in (-1.0, 1.0):
                self.scene.add_point_light([x, 0.0, 1.8], [0.45, 0.45, 0.45])

    def add(
        self, name: str, model: ObjectModel, pose: sapien.Pose, *, fixed: bool = False
    ) -> sapien.Entity:
        """Adds a thing.

        Args:
            name: Its name in `state`, unique in the scene.
            model: Shape, material and mass.
            pose: Pose of the model's origin in the world.
            fixed: Whether it stays where it is whatever pushes it.

        Raises:
            ValueError: If the name is taken.
        """
        if name in self.things:
            raise ValueError(f"there is a '{name}' in the scene already")
        entity = sapien.Entity()
        entity.name = name
        body = sapien.physx.PhysxRigidStaticComponent() if fixed else model.dynamic_body()
        for shape in model.collision_shapes(self.material):
            body.attach(shape)
        entity.add_component(body)
        if self.visuals:
            entity.add_component(model.render_body())
        entity.pose = pose
        self.scene.add_entity(entity)
        self.things[name] = entity
        if not fixed:
            self._bodies.append(body)
        self._asset.update(name.encode() + model.sha256().encode())
        return entity

    @property
    def asset_sha256(self) -> str:
        """Hash of the shapes of everything in the scene, the robot included."""
        return self._asset.hexdigest()

    def step(self) -> None:
        """Advances physics by `PHYSICS_DT`."""
        self.scene.step()

    def act(self, action: NDArray[np.float64], steps: int) -> None:
        """Drives the robot towards 14 joint targets over a number of physics steps."""
        for _ in self.robot.follow(action, steps, PHYSICS_DT):
            self.scene.step()

    def pose(self, name: str) -> sapien.Pose:
        """Pose of a thing in the world."""
        return self.things[name].pose

    def state(self) -> NDArray[np.float64]:
        """All poses and velocities of what can move, and the robot's state, as one vector."""
        bodies = []
        for body in self._bodies:
            pose = body.entity_pose
            bodies += [pose.p, pose.q, body.linear_velocity, body.angular_velocity]
        return np.concatenate([*bodies, self.robot.state()]).astype(np.float64)

    def state_sha256(self) -> str:
        """Hash of `state`: equal for bit-identical physical states."""
        return hashlib.sha256(self.state().tobytes()).hexdigest()

    def add_camera(self, name: str, model: CameraModel, mount: CameraMount) -> None:
        """Adds a camera; one that rides on a link moves with it."""
        component = sapien.render.RenderCameraComponent(model.width, model.height)
        f = model.focal_length
        component.set_perspective_parameters(
            NEAR, FAR, f, f, model.width / 2, model.height / 2, 0.0
        )
        component.name = name
        if mount.link is None:
            entity = sapien.Entity()
            entity.add_component(component)
            entity.pose = mount.pose
            self.scene.add_entity(entity)
        else:
            link = self.robot.articulation.find_link_by_name(mount.link)
            link.entity.add_component(component)
            component.local_pose = mount.pose
        self._cameras[name] = component
        self._models[name] = model

    def take_pictures(self, names: Sequence[str]) -> Mapping[str, Picture]:
        """Renders the scene as it is now through some of the cameras.

        Raises:
            RenderingUnavailableError: If a picture comes back black, as broken drivers do.
        """
        self.scene.update_render()
        for name in names:
            self._cameras[name].take_picture()
        return {name: self._read(name) for name in names}

    def _read(self, name: str) -> Picture:
        camera, model = self._cameras[name], self._models[name]
        rgb = camera.get_picture("Color")[..., :3]
        if not rgb.any():
            raise RenderingUnavailableError(f"camera '{name}' gave a black frame")
        # The bits of float positions in OpenGL's camera frame, and the entity id (gbuffer.frag).
        packed = camera.get_picture("PositionSegmentation")
        return Picture(
            rgb=np.ascontiguousarray(rgb),
            depth=-packed[..., 2].view(np.float32),
            segmentation=(packed[..., 3] & 0xFFFF).astype(np.int16),
            intrinsic_cv=model.intrinsic_cv.astype(np.float32),
            extrinsic_cv=extrinsic_cv(camera.global_pose).astype(np.float32),
        )

    def show(self, viewer: Any = None) -> Any:
        """Shows the scene in SAPIEN's interactive window (needs a display).

        Args:
            viewer: The window, if there is one already; its view stays as the user turned it.

        Returns:
            The window.
        """
        if viewer is None:
            viewer = sapien.utils.Viewer()
            viewer.set_scene(self.scene)
            viewer.set_camera_pose(VIEWER_POSE)
        elif viewer.scene is not self.scene:
            pose = viewer.window.get_camera_pose()
            viewer.set_scene(self.scene)
            viewer.set_camera_pose(pose)
        viewer.render()
        return viewer
