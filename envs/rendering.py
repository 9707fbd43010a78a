"""The only file that touches the renderer: starting it, lights, pictures, the window."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import sapien

from envs.cameras import FAR, NEAR, VIEWER_POSE, CameraModel, extrinsic_cv
from envs.errors import RenderingUnavailableError
from envs.picture import Picture
from envs.scene_settings import Lighting
from envs.vulkan import RENDERING_HELP

SHADER_FOLDER = Path(__file__).with_name("shaders")
"""Our shader pack; see its `composite0.frag`."""


@cache
def start() -> sapien.render.RenderSystem:
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
    return str(start().device.name)


class Lights:
    """The lights of a scene: ambient, a sun with soft shadows, two lamps beside the table."""

    def __init__(self, scene: sapien.Scene, lighting: Lighting) -> None:
        """Adds them to a scene; only the sun casts shadows."""
        self._scene = scene
        self._lighting = lighting
        scene.set_ambient_light(list(lighting.ambient))
        sun = scene.add_directional_light(
            list(lighting.sun_direction),
            list(lighting.sun_color),
            shadow=True,
            # The shadow map covers the table and the robot, and no more: 4 mm a texel. Twice
            # the resolution would cost as much as all the rest of a picture.
            position=[0.0, -0.2, 0.74],
            shadow_scale=1.0,
            shadow_near=-3.0,
            shadow_far=3.0,
            shadow_map_size=512,
        )
        lamps = [
            scene.add_point_light([x, 0.0, 1.8], list(color))
            for x, color in zip((-1.0, 1.0), lighting.lamp_colors, strict=True)
        ]
        self._lights = [
            (sun, np.array(lighting.sun_color)),
            *zip(lamps, np.array(lighting.lamp_colors), strict=True),
        ]

    def flicker(self, rng: np.random.Generator | None) -> None:
        """Changes the lights as much as their flicker says, for the pictures taken next.

        Args:
            rng: Source of randomness; None leaves the lights as they are.
        """
        size = self._lighting.flicker
        if rng is None or size == 0.0:
            return
        ambient = np.array(self._lighting.ambient)
        self._scene.set_ambient_light((ambient * rng.uniform(1 - size, 1 + size)).tolist())
        for light, color in self._lights:
            light.set_color((color * rng.uniform(1 - size, 1 + size, 3)).tolist())


class Camera:
    """A camera in a scene."""

    def __init__(
        self,
        scene: sapien.Scene,
        model: CameraModel,
        pose: sapien.Pose,
        link: sapien.physx.PhysxArticulationLinkComponent | None,
    ) -> None:
        """Adds the camera to the scene.

        Args:
            scene: Where it is.
            model: Resolution and projection.
            pose: SAPIEN pose in the world, or in the frame of `link`.
            link: The link that it rides on, if any.
        """
        self._model = model
        self._component = sapien.render.RenderCameraComponent(model.width, model.height)
        self._component.set_perspective_parameters(
            NEAR, FAR, model.fx, model.fy, model.cx, model.cy, 0.0
        )
        if link is None:
            entity = sapien.Entity()
            entity.add_component(self._component)
            entity.pose = pose
            scene.add_entity(entity)
        else:
            link.entity.add_component(self._component)
            self._component.local_pose = pose

    def take(self) -> None:
        """Begins to render; `read` waits for the outcome."""
        self._component.take_picture()

    def read(self, name: str) -> Picture:
        """The picture taken last.

        Raises:
            RenderingUnavailableError: If it is black; names the camera.
        """
        color = self._component.get_picture("Color")
        # Channel by channel: numpy takes seven times as long to copy [..., :3] at once.
        rgb = np.empty((*color.shape[:2], 3), dtype=np.uint8)
        for channel in range(3):
            rgb[..., channel] = color[..., channel]
        if not rgb.any():
            raise RenderingUnavailableError(f"camera '{name}' gave a black frame")
        # The bits of float positions in OpenGL's camera frame, and the entity id (gbuffer.frag).
        packed = self._component.get_picture("PositionSegmentation")
        return Picture(
            rgb=rgb,
            depth=-packed[..., 2].view(np.float32),
            segmentation=(packed[..., 3] & 0xFFFF).astype(np.int16),
            intrinsic_cv=self._model.intrinsic_cv.astype(np.float32),
            extrinsic_cv=extrinsic_cv(self._component.global_pose).astype(np.float32),
        )


def show(scene: sapien.Scene, viewer: Any = None) -> Any:
    """Shows a scene in SAPIEN's interactive window (needs a display).

    Args:
        scene: What to show.
        viewer: The window, if there is one already; its view stays as the user turned it.

    Returns:
        The window.
    """
    if viewer is None:
        viewer = sapien.utils.Viewer()
        viewer.set_scene(scene)
        viewer.set_camera_pose(VIEWER_POSE)
    elif viewer.scene is not scene:
        pose = viewer.window.get_camera_pose()
        viewer.set_scene(scene)
        viewer.set_camera_pose(pose)
    viewer.render()
    return viewer
