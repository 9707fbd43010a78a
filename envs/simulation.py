"""One SAPIEN scene: physics, the room, the robot, the task's things."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sapien
from numpy.typing import NDArray

from envs import rendering
from envs.cameras import CameraModel, CameraMount
from envs.objects import articulated
from envs.objects.articulated import ArticulatedModel
from envs.objects.model import ObjectModel
from envs.picture import Picture
from envs.rendering import Camera
from envs.robots.dual_arm import ACTION_LOWER, ACTION_UPPER, DualArm
from envs.room import room
from envs.scene_settings import SceneSettings

PHYSICS_DT = 1.0 / 250.0
"""Seconds of one physics step."""
FRICTION = 0.5


class Simulation:
    """A scene with room, table and robot, to which a task adds its things.

    Made anew for every episode: nothing that PhysX remembers of the last one can leak into it.

    Attributes:
        things: Everything but the robot, by name.
        models: What each thing is made of, by the same names.
        table_height: Height of the table's top in m; tasks place their things relative to it.
    """

    def __init__(self, settings: SceneSettings | None = None, *, visuals: bool) -> None:
        """Builds the scene.

        Args:
            settings: What it is like; None for the scene of training.
            visuals: Whether pictures will be taken. Physics is the same either way.

        Raises:
            RenderingUnavailableError: If pictures are wanted and cannot be made.
        """
        settings = settings or SceneSettings()
        self.table_height = settings.table_height
        self.visuals = visuals
        systems: list[sapien.System] = [sapien.physx.PhysxCpuSystem()]
        if visuals:
            rendering.start()
            systems.append(sapien.render.RenderSystem())
        self.scene = sapien.Scene(systems)
        self.scene.set_timestep(PHYSICS_DT)
        self.material = self.scene.create_physical_material(FRICTION, FRICTION, 0.0)
        self.things: dict[str, sapien.Entity] = {}
        self.models: dict[str, ObjectModel] = {}
        self._bodies: list[sapien.physx.PhysxRigidDynamicComponent] = []
        self._articulations: list[sapien.physx.PhysxArticulation] = []
        self._cameras: dict[str, Camera] = {}
        self._assets: list[tuple[str, ObjectModel | ArticulatedModel]] = []
        for name, (model, pose) in room(settings).items():
            self.add(name, model, pose, fixed=True)
        self._lights = rendering.Lights(self.scene, settings.lighting) if visuals else None
        self.robot = DualArm(self.scene, visuals=visuals)
        if any(settings.joint_offset):
            home = self.robot.joint_position + np.asarray(settings.joint_offset)
            self.robot.set_joint_position(np.clip(home, ACTION_LOWER, ACTION_UPPER))

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
        entity = sapien.Entity()
        body = (
            sapien.physx.PhysxRigidStaticComponent()
            if fixed
            else sapien.physx.PhysxRigidDynamicComponent()
        )
        for shape in model.collision_shapes(self.material):
            body.attach(shape)
        entity.add_component(body)
        if self.visuals:
            entity.add_component(model.render_body())
        entity.pose = pose
        self._register(name, entity, model)
        self.scene.add_entity(entity)
        if not fixed:
            body.angular_damping = model.angular_damping
            self._bodies.append(body)
        self._assets.append((name, model))
        return entity

    def add_articulated(
        self, name: str, model: ArticulatedModel, pose: sapien.Pose
    ) -> sapien.Entity:
        """Adds a thing with a part that slides, as two things: `name` and the part's name.

        Args:
            name: Name of the body, which stays where it is.
            model: Shapes and slide.
            pose: Pose of the body's origin in the world.

        Returns:
            The part.

        Raises:
            ValueError: If a name is taken.
        """
        body, part = articulated.build(model, self.material, visuals=self.visuals)
        body.pose = pose
        self._register(name, body, model.body)
        self._register(model.part.name, part, model.part.model)
        for entity in (body, part):
            self.scene.add_entity(entity)
        link = part.find_component_by_type(sapien.physx.PhysxArticulationLinkComponent)
        self._articulations.append(link.articulation)
        self._assets.append((name, model))
        return part

    def _register(self, name: str, entity: sapien.Entity, model: ObjectModel) -> None:
        if name in self.things:
            raise ValueError(f"there is a '{name}' in the scene already")
        entity.name = name
        self.things[name] = entity
        self.models[name] = model

    @property
    def asset_sha256(self) -> str:
        """Hash of the shapes of everything in the scene, the robot included."""
        digest = hashlib.sha256(self.robot.asset_sha256.encode())
        for name, model in self._assets:
            digest.update(name.encode() + model.sha256().encode())
        return digest.hexdigest()

    def step(self) -> None:
        """Advances physics by `PHYSICS_DT`."""
        self.scene.step()

    def act(self, action: NDArray[np.float64], steps: int) -> None:
        """Drives the robot towards 14 joint targets over a number of physics steps."""
        step = self.scene.physx_system.step  # what `Scene.step` calls, after looking it up
        for _ in self.robot.follow(action, steps, PHYSICS_DT):
            step()

    def pose(self, name: str) -> sapien.Pose:
        """Pose of a thing in the world."""
        return self.things[name].pose

    def state(self) -> NDArray[np.float64]:
        """All poses and velocities of what can move, and the robot's state, as one vector."""
        bodies = []
        for body in self._bodies:
            pose = body.entity_pose
            bodies += [pose.p, pose.q, body.linear_velocity, body.angular_velocity]
        slides = [np.append(each.qpos, each.qvel) for each in self._articulations]
        return np.concatenate([*bodies, *slides, self.robot.state()]).astype(np.float64)

    def state_sha256(self) -> str:
        """Hash of `state`: equal for bit-identical physical states."""
        return hashlib.sha256(self.state().tobytes()).hexdigest()

    def add_camera(self, name: str, model: CameraModel, mount: CameraMount) -> None:
        """Adds a camera; one that rides on a link of the robot moves with it."""
        link = self.robot.articulation.find_link_by_name(mount.link) if mount.link else None
        self._cameras[name] = Camera(self.scene, model, mount.pose, link)

    def take_pictures(
        self, names: Sequence[str], rng: np.random.Generator | None = None
    ) -> Mapping[str, Picture]:
        """Renders the scene as it is now through some of the cameras.

        Args:
            names: The cameras.
            rng: Source of the lights' flicker; None for steady light.

        Raises:
            RenderingUnavailableError: If a picture comes back black, as broken drivers do.
        """
        if self._lights is not None:
            self._lights.flicker(rng)
        self.scene.update_render()
        for name in names:
            self._cameras[name].take()
        return {name: self._cameras[name].read(name) for name in names}

    def show(self, viewer: Any = None) -> Any:
        """Shows the scene in SAPIEN's interactive window; see `envs.rendering.show`."""
        return rendering.show(self.scene, viewer)
