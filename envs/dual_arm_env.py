"""The environment: a task, the robot and its cameras as a `gymnasium.Env`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from envs import actions, observation
from envs.cameras import CAMERA_MODELS, CAMERA_MOUNTS, OBSERVER, OBSERVER_MODEL, OBSERVER_MOUNT
from envs.clutter import add_clutter
from envs.errors import InvalidOptionError, nearest
from envs.instructions import instruction
from envs.objects.instances import Instances
from envs.picture import Picture
from envs.randomization import Variation, draw, parse
from envs.randomness import stream
from envs.scene_settings import SceneSettings, cameras_of
from envs.simulation import PHYSICS_DT, Simulation
from envs.tasks import load_task
from envs.tasks.task import Evaluation, SceneState

PHYSICS_STEPS_PER_ACTION = 15
"""With 250 Hz physics: 16.67 actions a second, the rate at which RoboTwin records."""
SETTLE_STEPS = 50
"""Physics steps (0.2 s) after reset in which things come to rest."""

_HAS_DISPLAY = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


class DualArmEnv(gymnasium.Env[dict[str, Any], NDArray[np.float32]]):
    """A dual-arm task.

    **Actions.** `joint` (14 numbers) or `ee` (16), see `envs.actions`. In `ee` a pose that an arm
    cannot reach leaves that arm's joint targets as they are and is named in
    `info["unreachable"]`. An action takes 15 physics steps; targets move linearly, at most at the
    joints' velocity limits.

    **Observations.** See `envs.observation`.

    **Reward.** The task's progress in [0, 1].

    **Episode end.** `terminated` when the task has been successful for its `hold_steps`, or has
    failed for good. One may go on stepping, to see whether success lasts.

    **Info.** `success` (held now) and `is_success` (the same), `success_once`, `checks`,
    `progress`, `failure`; in `ee` mode `unreachable`; at reset also `instruction`, `seed`,
    `instances` (which one of its family each thing is), `variations` (the value drawn for each
    variation, None where it took no part) and `clutter` (what else lies on the table).

    **Variations.** By name, with a level in 0 .. 5 or options; see `envs.randomization`. They
    never change the spaces, nor the layout of an episode: the same seed without them is its
    unperturbed twin.

    Attributes:
        render_next: Whether the next step takes pictures. If not, its observation repeats the
            last ones: a policy that executes a chunk of actions does not look in between.
    """

    # Gymnasium tries every mode listed here, so `human` is listed only where a window can open.
    metadata = {  # noqa: RUF012
        "render_modes": ["rgb_array", "human"] if _HAS_DISPLAY else ["rgb_array"],
        "render_fps": 16.67,
    }
    control_hz = 1.0 / (PHYSICS_DT * PHYSICS_STEPS_PER_ACTION)

    def __init__(
        self,
        task: str,
        *,
        obs_mode: str = "state",
        cameras: Sequence[str] = tuple(CAMERA_MOUNTS),
        camera_model: str = "D435",
        resolution: tuple[int, int] | None = None,
        action_mode: str = "joint",
        variations: Mapping[str, Any] | None = None,
        render_mode: str | None = None,
    ) -> None:
        """Builds the spaces; the scene comes with `reset`.

        Args:
            task: Task name, or `module:Class`.
            obs_mode: `state`, `rgb`, `rgbd` or `pointcloud`.
            cameras: Which cameras the observation has, out of `envs.cameras.CAMERA_MOUNTS`.
                Not used in `state`.
            camera_model: `D435`, `L515`, `Large_D435` or `Large_L515`.
            resolution: Width and height in pixels in place of the camera model's. The view stays
                the same; in another shape of picture, pixels are not square.
            action_mode: `joint` or `ee`.
            variations: What varies in every episode, such as `{"camera_azimuth": 3}`; None for
                nothing but the layout and the seen instances.
            render_mode: `rgb_array`, `human` or None.

        Raises:
            InvalidOptionError: For a name or value that is not valid, with those that are.
            envs.tasks.UnknownTaskError: With the nearest valid names.
        """
        _choose("obs_mode", obs_mode, observation.OBS_MODES)
        _choose("action_mode", action_mode, actions.ACTION_MODES)
        _choose("render_mode", render_mode, (None, "rgb_array", "human"))
        if render_mode == "human" and not _HAS_DISPLAY:
            raise InvalidOptionError("render_mode 'human' needs a display; use 'rgb_array'")
        _choose("camera_model", camera_model, CAMERA_MODELS)
        for camera in cameras:
            _choose("camera", camera, CAMERA_MOUNTS)
        if obs_mode != "state" and not cameras:
            raise InvalidOptionError(f"obs_mode '{obs_mode}' needs at least one camera")
        model = CAMERA_MODELS[camera_model]
        if resolution is not None:
            if min(resolution) < 16 or max(resolution) > 4096:
                raise InvalidOptionError(f"resolution {resolution} is not within 16 .. 4096 pixels")
            model = model.resized(*resolution)
        self.task = load_task(task)
        self.obs_mode, self.action_mode, self.render_mode = obs_mode, action_mode, render_mode
        self.variations = parse(variations or {})
        self.camera_model = model
        self.cameras = () if obs_mode == "state" else tuple(cameras)
        self.render_next = True
        self.instruction = ""
        self._simulation: Simulation | None = None
        self._pictures: dict[str, Picture] = {}
        self._viewer: Any = None
        self.observation_space = observation.space(
            obs_mode,
            self.cameras,
            model,
            len(self._add_things(Simulation(visuals=False), SceneSettings(), 0)),
        )
        self._action_box = actions.space(action_mode)
        self.action_space = self._action_box  # type: ignore[assignment]

    @property
    def simulation(self) -> Simulation:
        """The present episode's scene.

        Raises:
            gymnasium.error.ResetNeeded: Before the first `reset`.
        """
        if self._simulation is None:
            raise gymnasium.error.ResetNeeded("call reset() before anything else")
        return self._simulation

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begins an episode, which is a function of its seed alone.

        Args:
            seed: Episode seed; None draws one from the generator of the last seed.
            options: `variations`: what varies in this episode, in place of the environment's own.

        Raises:
            InvalidOptionError: For options or variations that are not valid.
        """
        super().reset(seed=seed)
        if unknown := sorted(set(options or {}) - {"variations"}):
            raise InvalidOptionError(f"unknown reset options {unknown}; valid: variations")
        variations = parse(options["variations"]) if options else self.variations
        self._seed = int(self.np_random.integers(2**31)) if seed is None else seed
        self._moment = 0
        drawn = self._build(variations)
        self.start = self.scene_state()
        self._held = 0
        self._success_once = False
        evaluation = self.task.evaluate(self.start, self.start)
        info = self._info(evaluation)
        instances = {name: model.name for name, model in self.start.models.items() if model.name}
        info.update(instruction=self.instruction, seed=self._seed, instances=instances)
        info.update(variations=drawn, clutter=self._clutter)
        self._take_pictures()
        if self.render_mode == "human":
            self.render()
        return self._observation(self.start), info

    def step(
        self, action: NDArray[np.floating[Any]]
    ) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Executes one action.

        Raises:
            envs.errors.InvalidActionError: For a wrong shape, NaN, or values out of bounds.
            gymnasium.error.ResetNeeded: Before the first `reset`.
        """
        target = actions.checked(action, self._action_box)
        unreachable: dict[str, bool] = {}
        if self.action_mode == "ee":
            present = self.simulation.robot.joint_target
            target, unreachable = actions.joint_target_of_poses(target, present)
        self.simulation.act(target, PHYSICS_STEPS_PER_ACTION)
        self._moment += 1
        state = self.scene_state()
        evaluation = self.task.evaluate(state, self.start)
        self._held = self._held + 1 if evaluation.success else 0
        self._success_once |= self._held >= self.task.hold_steps
        info = self._info(evaluation)
        if self.action_mode == "ee":
            info["unreachable"] = unreachable
        if self.render_next:
            self._take_pictures()
        if self.render_mode == "human":
            self.render()
        terminated = self._success_once or evaluation.failure is not None
        return self._observation(state), evaluation.progress, terminated, False, info

    def observe(self) -> dict[str, Any]:
        """Takes pictures now and returns the present observation."""
        self._take_pictures()
        return self._observation(self.scene_state())

    def render(self) -> NDArray[np.uint8] | None:  # type: ignore[override]
        """The observer camera's picture (H, W, 3), or None in `human`, which shows a window."""
        if self.render_mode == "human":
            self._viewer = self.simulation.show(self._viewer)
            return None
        if self.render_mode is None:
            gymnasium.logger.warn("render() needs render_mode='rgb_array' or 'human'")
            return None
        picture: NDArray[np.uint8] = self.simulation.take_pictures([OBSERVER])[OBSERVER].rgb
        return picture

    def close(self) -> None:
        """Closes the window and lets go of the scene."""
        if self._viewer is not None:
            self._viewer.close()
            self._viewer = None
        self._simulation = None

    def hold_action(self) -> NDArray[np.float32]:
        """The action that keeps both arms where they are commanded to be."""
        return actions.hold(self.action_mode, self.simulation.robot.joint_target)

    def scene_state(self) -> SceneState:
        """What the task judges by, now."""
        simulation = self.simulation
        return SceneState(
            poses={name: simulation.pose(name) for name in self._things},
            models=self._models,
            joint_position=simulation.robot.joint_position,
            endpose=simulation.robot.endpose,
            table_height=simulation.table_height,
        )

    def state_sha256(self) -> str:
        """Hash of the physical state: equal only for bit-identical states."""
        return self.simulation.state_sha256()

    @property
    def asset_sha256(self) -> str:
        """Hash of the shapes of everything in the scene."""
        return self.simulation.asset_sha256

    def _build(self, variations: Sequence[Variation]) -> dict[str, Any]:
        """Builds the episode's scene; returns the variations' values."""
        seed = self._seed
        settings, drawn = draw(
            variations, seed, SceneSettings(cameras=cameras_of(self.camera_model))
        )
        simulation = Simulation(
            settings, visuals=bool(self.cameras) or self.render_mode is not None
        )
        self._things = self._add_things(simulation, settings, seed)
        self._models = {name: simulation.models[name] for name in self._things}
        self._clutter = add_clutter(
            simulation,
            settings.clutter,
            self._things,
            self.task.keep_clear,
            stream(seed, "clutter"),
        )
        for name in self.cameras:
            camera = settings.cameras[name]
            simulation.add_camera(name, camera.model, camera.mount)
        if self.render_mode == "rgb_array":
            simulation.add_camera(OBSERVER, OBSERVER_MODEL, OBSERVER_MOUNT)
        self.instruction = instruction(
            self.task.instructions,
            self.task.unseen_instructions,
            settings.wording,
            stream(seed, "instruction"),
        )
        for _ in range(SETTLE_STEPS):
            simulation.step()
        self._simulation, self._settings = simulation, settings
        return drawn

    def _add_things(self, simulation: Simulation, settings: SceneSettings, seed: int) -> list[str]:
        """Adds the task's things to a scene; returns their names."""
        room = set(simulation.things)
        instances = Instances(
            stream(seed, "instances"), settings.object_shapes, settings.object_appearances
        )
        self.task.build(simulation, stream(seed, "layout"), instances)
        return [name for name in simulation.things if name not in room]

    def _take_pictures(self) -> None:
        if not self.cameras:
            return
        # By moment, so that what is seen now does not depend on how often one looked before.
        moment = f"moment {self._moment}"
        pictures = self.simulation.take_pictures(self.cameras, stream(self._seed, moment))
        self._pictures = {}
        for name, picture in pictures.items():
            rng = stream(self._seed, f"{moment} {name}")
            for effect in self._settings.image_effects:
                picture = effect.apply(picture, rng)
            self._pictures[name] = picture

    def _observation(self, state: SceneState) -> dict[str, Any]:
        target = self.simulation.robot.joint_target
        return observation.build(self.obs_mode, state, target, self._pictures, self.instruction)

    def _info(self, evaluation: Evaluation) -> dict[str, Any]:
        success = self._held >= self.task.hold_steps
        return {
            "success": success,
            "is_success": success,
            "success_once": self._success_once,
            "checks": evaluation.checks,
            "progress": evaluation.progress,
            "failure": evaluation.failure,
        }


def _choose(what: str, value: Any, valid: Any) -> None:
    if value not in valid:
        raise InvalidOptionError(f"unknown {what} '{value}'; {nearest(value, valid)}")
