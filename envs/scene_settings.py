"""Everything about a scene that may vary from episode to episode, apart from a task's layout.

`SceneSettings()` is the scene that policies are trained in. `envs.randomization` changes it;
`Simulation`, the cameras and the environment carry it out. All of it is plain data, so that a
variation can be drawn, logged and compared without a scene.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from envs.cameras import CAMERA_MODELS, CAMERA_MOUNTS, CameraModel, CameraMount
from envs.image_effects import ImageEffect
from envs.instructions import Wording
from envs.objects.instances import SEEN
from envs.objects.model import Color, Texture, Vector

TABLE_HEIGHT = 0.74
"""Height of the table's top in m (RoboTwin)."""


@dataclass(frozen=True)
class Lighting:
    """The lights: directions and places are RoboTwin 1.0's, brightness is ours.

    Attributes:
        ambient: Linear RGB that reaches everything.
        sun_direction: Where the light that casts the shadows shines to, in the world.
        sun_color: Its linear RGB; its size is its strength.
        lamp_colors: Likewise, of the two lamps beside the table, the left one first.
        flicker: How much each light's channels change from one picture to the next: a factor
            within 1 - flicker .. 1 + flicker.
    """

    ambient: Color = (0.42, 0.42, 0.42)
    sun_direction: Vector = (0.0, 0.5, -1.0)
    sun_color: Color = (1.3, 1.3, 1.3)
    lamp_colors: tuple[Color, Color] = ((0.45, 0.45, 0.45), (0.45, 0.45, 0.45))
    flicker: float = 0.0


@dataclass(frozen=True, eq=False)
class Surface:
    """What a table top or a wall looks like.

    Attributes:
        color: Linear RGB, where there is no texture.
        texture: (H, W, 3) uint8 sRGB, repeated; None for the plain color.
        tile: Edge of one repetition in m.
    """

    color: Color
    texture: Texture | None = None
    tile: float = 0.4


@dataclass(frozen=True)
class Clutter:
    """Things on the table that the task has no use for.

    Attributes:
        count: How many, where there is room.
        instances: Numbers of shapes and appearances that they are drawn from.
    """

    count: int = 0
    instances: tuple[int, ...] = tuple(SEEN)


@dataclass(frozen=True)
class CameraSettings:
    """A camera: what it is, and where."""

    model: CameraModel
    mount: CameraMount


def cameras_of(model: CameraModel) -> dict[str, CameraSettings]:
    """RoboTwin's four cameras, all of one model, where they belong."""
    return {name: CameraSettings(model, mount) for name, mount in CAMERA_MOUNTS.items()}


@dataclass(frozen=True, eq=False)
class SceneSettings:
    """A scene, but for what a task puts on the table.

    Attributes:
        cameras: By name.
        lighting: The lights.
        table: Look of the table's top.
        wall: Look of the walls.
        table_height: Height of the table's top in m.
        object_shapes: Numbers of the shapes that the task's things are drawn from
            (`envs.objects.instances`).
        object_appearances: Numbers of the appearances, likewise.
        clutter: What else lies on the table.
        joint_offset: Where the robot starts: 14 joint values away from home, rad; grippers 0..1.
        wording: How the task is said.
        image_effects: What happens to a picture before it is observed, in order.
    """

    cameras: Mapping[str, CameraSettings] = field(
        default_factory=lambda: cameras_of(CAMERA_MODELS["D435"])
    )
    lighting: Lighting = Lighting()
    table: Surface = Surface((0.62, 0.50, 0.38))
    wall: Surface = Surface((0.80, 0.80, 0.78), tile=1.0)
    table_height: float = TABLE_HEIGHT
    object_shapes: tuple[int, ...] = tuple(SEEN)
    object_appearances: tuple[int, ...] = tuple(SEEN)
    clutter: Clutter = Clutter()
    joint_offset: tuple[float, ...] = (0.0,) * 14
    wording: Wording = field(default_factory=Wording)
    image_effects: tuple[ImageEffect, ...] = ()
