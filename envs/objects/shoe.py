"""Shoes: low sneakers, loafers and boots, for the left or the right foot; and where they go."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from envs.objects import textures
from envs.objects.instances import UNSEEN, appearance_rng, shape_rng
from envs.objects.model import CollisionHull, Color, Grasp, ObjectModel, Texture, VisualPart
from envs.objects.palette import linear, paint
from envs.objects.shapes import hull, joined, skin, tube

Array = NDArray[np.float64]

KINDS = ("sneaker", "loafer", "boot")
FEET = {"left": 1.0, "right": -1.0}
"""Feet, and the side (sign of y) on which the foot's outer edge lies."""

BEND = 0.008
"""How far the toes lie to the foot's inner side."""

TARGET_COLOR: Color = (0.03, 0.12, 0.55)
TARGET_THICKNESS = 0.001

_CORNERS = 40
_SIDE = (0.0, 0.15, 0.35, 0.65, 1.0), (0.0, 0.24, 0.50, 0.76, 1.0)
_FRONT = (0.0, 0.005, 0.05, 0.16, 0.38, 0.62, 0.82, 1.0), (0, 0.22, 0.40, 0.49, 0.58, 0.70, 0.84, 1)
"""How the upper goes from the sole's edge to the collar at its sides and over the toes: parts of
the way inwards, and parts of the rise."""


_RANGES = {
    "length": (0.224, 0.236),
    "width": (0.080, 0.087),
    "waist": (0.78, 0.83),
    "toe_spring": (0.006, 0.010),
    "collar_half_width": (0.027, 0.030),
}
_KIND_RANGES = {
    "sneaker": {
        "sole": (0.021, 0.027),
        "collar_half_length": (0.046, 0.052),
        "front": (0.086, 0.091),
        "side": (0.078, 0.084),
        "back": (0.093, 0.102),
    },
    "loafer": {
        "sole": (0.009, 0.012),
        "collar_half_length": (0.056, 0.062),
        "front": (0.070, 0.076),
        "side": (0.070, 0.075),
        "back": (0.090, 0.094),
    },
    "boot": {
        "sole": (0.015, 0.019),
        "collar_half_length": (0.042, 0.047),
        "front": (0.116, 0.124),
        "side": (0.112, 0.120),
        "back": (0.118, 0.126),
    },
}
"""What seen shoes measure, see `_Last`: of all kinds, and of each kind."""
_FIXED = {
    "sneaker": {"heel_lift": 0.004, "collar_x": -0.052},
    "loafer": {"heel_lift": 0.010, "collar_x": -0.046},
    "boot": {"heel_lift": 0.010, "collar_x": -0.056},
}
_WAIST = {"sneaker": (-0.026, 0.064), "loafer": (-0.018, 0.052), "boot": (-0.052, 0.092)}
"""x and z of the grasp: under the palm no shoe rises more than about 35 mm above it, so that the
hand stays clear."""


@dataclass(frozen=True)
class _Last:
    """The form that a shoe is built on. Metres; x towards the toe, z up from the ground.

    Angles `phi` go round the shoe, 0 at the toe, counter-clockwise seen from above; `t` goes up
    the upper, from 0 at the sole to 1 at the collar.

    Attributes:
        kind: One of `KINDS`.
        side_y: Sign of y on the foot's outer side.
        length: Of the sole.
        width: Of the sole, where it is widest.
        waist: Width of the sole's middle in parts of the width.
        toe_spring: How high the toe end is off the ground.
        sole: Thickness of the sole in front.
        heel_lift: What the heel adds to it.
        collar_x: Middle of the opening.
        collar_half_length: Of the opening.
        collar_half_width: Of the opening.
        front: Height of the opening's edge above the ground, in front.
        side: At the sides.
        back: At the heel.
    """

    kind: str
    side_y: float
    length: float
    width: float
    waist: float
    toe_spring: float
    sole: float
    heel_lift: float
    collar_x: float
    collar_half_length: float
    collar_half_width: float
    front: float
    side: float
    back: float

    def outline(self, phi: Array) -> Array:
        """(n, 2) points of the sole's edge."""
        u = np.cos(phi)
        widths = PchipInterpolator(
            [-1.0, -0.6, -0.1, 0.42, 0.8, 1.0],
            [0.75, 0.83, self.waist, 1.0, 0.94, 0.8],
        )
        sine = np.sin(phi)
        y = self.width / 2 * widths(u) * np.sign(sine) * np.abs(sine) ** 0.62
        inwards = BEND * np.clip(u + 0.1, 0.0, None) ** 2
        return np.stack([self.length / 2 * u, y - self.side_y * inwards], axis=1)

    def sole_top(self, x: Array) -> Array:
        """Height of the sole's top."""
        back = np.clip(0.5 - 2.4 * x / self.length, 0.0, 1.0)
        lift = self.heel_lift * back * back * (3 - 2 * back)
        return self.sole + lift + 0.6 * self._spring(x)

    def sole_bottom(self, x: Array) -> Array:
        """Height of the sole's bottom: heel and ball stand on the ground."""
        arch = np.clip(1 - np.abs(x / self.length + 0.1) / 0.17, 0.0, 1.0)
        return self._spring(x) + 0.8 * self.heel_lift * arch * arch * (3 - 2 * arch)

    def _spring(self, x: Array) -> Array:
        return self.toe_spring * np.clip((x / self.length - 0.22) / 0.28, 0.0, 1.0) ** 2

    def sole_ring(self, phi: Array, scale: float, part: float) -> Array:
        """(n, 3) points of the sole at a part of its thickness, drawn in by a scale."""
        xy = scale * self.outline(phi)
        low, high = self.sole_bottom(xy[:, 0]), self.sole_top(xy[:, 0])
        return np.column_stack([xy, low + part * (high - low)])

    def rim(self, phi: Array, scale: float = 1.0, raised: float = 0.0) -> Array:
        """(n, 3) points of the opening's edge, drawn in by a scale and raised."""
        u = np.cos(phi)
        sine = np.sin(phi)
        ends = (self.front + self.back) / 2 + (self.front - self.back) / 2 * u
        z = u * u * ends + (1 - u * u) * self.side
        x = self.collar_x + scale * self.collar_half_length * np.sign(u) * np.abs(u) ** 0.9
        y = scale * self.collar_half_width * np.sign(sine) * np.abs(sine) ** 0.75
        return np.column_stack([x, y, z + raised])

    def upper(self, phi: Array, t: float) -> Array:
        """(n, 3) points of the upper."""
        start = self.sole_ring(phi, 0.965, 0.9)
        front = np.clip((np.cos(phi) - 0.15) / 0.7, 0.0, 1.0)
        front = front * front * (3 - 2 * front)
        inwards, rise = (
            (1 - front) * np.interp(t, np.linspace(0, 1, len(side)), side)
            + front * float(PchipInterpolator(np.linspace(0, 1, len(over)), over)(t))
            for side, over in zip(_SIDE, _FRONT, strict=True)
        )
        way = self.rim(phi) - start
        return start + np.column_stack([inwards, inwards, rise]) * way


def _round(value: float) -> float:
    return round(float(value), 5)


def _last(shape: int, foot: str) -> _Last:
    rng = shape_rng("shoe", shape)
    kind = KINDS[shape % len(KINDS)]
    ranges = _RANGES | _KIND_RANGES[kind]
    # Unseen shoes reach past both ends of what the seen ones measure.
    count = len(ranges)
    parts = (
        rng.permutation(np.linspace(-0.25, 1.25, count)) if shape in UNSEEN else rng.random(count)
    )
    measures = {
        name: _round(low + float(part) * (high - low))
        for (name, (low, high)), part in zip(ranges.items(), parts, strict=True)
    }
    return _Last(kind=kind, side_y=FEET[foot], **_FIXED[kind], **measures)


def _angles(count: int) -> Array:
    """Evenly spaced angles round the shoe."""
    return np.asarray(np.arange(count) * (2 * np.pi / count), dtype=np.float64)


@cache
def shoe(shape: int, appearance: int, foot: str = "right") -> ObjectModel:
    """A shoe, 100 g (RoboTwin 1.0): 22 to 24 cm long, 7.4 to 8.4 cm wide, 9 to 14 cm high.

    It stands on its sole; the origin is on the ground under the middle of its length, x points to
    the toe, z up. Shapes are sneakers, loafers and boots in turn. Points: `toe`, `heel` and
    `bottom` (the origin); grasp: `waist`, across the shoe behind the instep, for fingers that come
    from above. The opening is filled for contacts.
    """
    last = _last(shape, foot)
    name, _ = paint("shoe", appearance)
    if last.kind != "loafer":
        name = f"{name} and {paint('shoe', appearance, 1)[0]}"
    grasp_x, grasp_z = _WAIST[last.kind]
    half_length = _round(last.length / 2)
    return ObjectModel(
        visuals=tuple(_visuals(last, appearance)),
        collisions=tuple(_collisions(last)),
        mass=0.1,
        points={
            "toe": (half_length, 0.0, 0.0),
            "heel": (-half_length, 0.0, 0.0),
            "bottom": (0.0, 0.0, 0.0),
        },
        grasps={"waist": Grasp((grasp_x, 0.0, grasp_z), (0.0, 1.0, 0.0))},
        name=f"shoe-{shape}-{appearance}",
        description=f"{name} {last.kind}",
    )


def other_shoe(model: ObjectModel) -> ObjectModel:
    """The left shoe that makes a pair with a right one."""
    _, shape, appearance = model.name.split("-")
    return shoe(int(shape), int(appearance), foot="left")


@cache
def shoe_target(half_length: float, half_width: float) -> ObjectModel:
    """A blue rectangle on the table, to be seen only; its origin is in the middle of its bottom."""
    box = ObjectModel.box((half_length, half_width, TARGET_THICKNESS / 2), TARGET_COLOR)
    (part,) = box.visuals
    part.mesh.apply_translation((0.0, 0.0, TARGET_THICKNESS / 2))
    return ObjectModel(visuals=(part,), collisions=(), description="blue rectangle")


def _collisions(last: _Last) -> list[CollisionHull]:
    """Slices across the shoe: three of the sole, six of the upper."""
    phi = _angles(64)
    sole = [(0.93, 0.0), (1.0, 0.25), (1.0, 0.8), (0.97, 1.0)]
    points = np.concatenate([last.sole_ring(phi, scale, part) for scale, part in sole])
    pieces = _slices(points, np.array([-0.5, -0.16, 0.12, 0.5]) * last.length)
    levels = [last.upper(phi, t) for t in np.linspace(0, 1, 9)]
    points = np.concatenate([*levels, last.rim(phi, 0.93, 0.003)])
    return pieces + _slices(
        points, np.array([-0.5, -0.3, -0.02, 0.1, 0.2, 0.32, 0.5]) * last.length
    )


def _slices(points: Array, edges: Array) -> list[CollisionHull]:
    margin = 0.004
    return [
        hull(points[(points[:, 0] >= low - margin) & (points[:, 0] <= high + margin)])
        for low, high in pairwise(edges)
    ]


def _visuals(last: _Last, appearance: int) -> list[VisualPart]:
    rng = appearance_rng("shoe", appearance)
    _, main = paint("shoe", appearance)
    _, accent = paint("shoe", appearance, 1)
    rubber = linear(("#e9e6dd", "#2a2826", "#b98a55")[int(rng.integers(3))])
    if last.kind != "sneaker":
        rubber = linear(("#2a2320", "#3d2a1c", "#1c1c1e")[int(rng.integers(3))])
    lace = linear(("#f1efe8", "#1e1e20")[int(sum(main) > 0.9)])
    lining = linear("#26221f")
    phi = _angles(_CORNERS)

    rows = [(0.93, 0.0), (1.0, 0.22), (1.005, 0.6), (1.0, 0.93), (0.95, 1.0)]
    sole = skin(np.array([last.sole_ring(phi, scale, part) for scale, part in rows]))
    levels = [last.upper(phi, t) for t in np.linspace(0, 1, 13)]
    upper = skin(np.array(levels), caps=False)
    rim = skin(
        np.array(
            [
                levels[-1],
                last.rim(phi, 0.95, 0.003),
                last.rim(phi, 0.88, 0.003),
                last.rim(phi, 0.82),
            ]
        ),
        caps=False,
    )
    floor = last.rim(phi, 0.80)
    floor[:, 2] = last.sole_top(floor[:, 0]) + 0.012
    inside = skin(np.array([last.rim(phi, 0.82), last.rim(phi, 0.81, -0.01), floor]))
    parts = [
        VisualPart(sole, rubber, 0.85),
        VisualPart(upper, roughness=0.65, texture=_leather(last, main, accent, rng)),
        VisualPart(rim, accent if last.kind == "sneaker" else main, 0.9),
        VisualPart(inside, lining, 0.95),
    ]
    if last.kind != "loafer":
        parts.append(VisualPart(_laces(last), lace, 0.9))
        parts.append(VisualPart(_tongue(last), main, 0.8))
    return parts


def _instep(last: _Last, t: float, y: Array, above: float) -> Array:
    """(n, 3) points across the instep at given y, a little above the upper."""
    phi = np.asarray(np.linspace(-0.9, 0.9, 37), dtype=np.float64)
    ring = last.upper(phi, t)
    return np.column_stack(
        [np.interp(y, ring[:, 1], ring[:, 0]), y, np.interp(y, ring[:, 1], ring[:, 2]) + above]
    )


def _laces(last: _Last) -> trimesh.Trimesh:
    """Bars across the instep and a bow's two loops."""
    high = 0.97 if last.kind == "boot" else 0.92
    count = 6 if last.kind == "boot" else 5
    y = np.linspace(-0.015, 0.015, 5)
    bars = [
        tube(_instep(last, float(t), y, 0.0025), np.tile([0.0032, 0.0022], (5, 1)), 6)
        for t in np.linspace(0.55, high, count)
    ]
    x, _, z = _instep(last, high, np.zeros(1), 0.004)[0]
    turn = np.linspace(0.0, 2 * np.pi, 9)[:-1]
    loops = []
    for side in (-1.0, 1.0):
        across = side * (0.012 - 0.012 * np.cos(turn))
        loop = np.stack(
            [
                x + 0.012 * (1 - np.cos(turn)) / 2 + 0.006 * np.sin(turn),
                across,
                z + 0.003 - 0.004 * (1 - np.cos(turn)) / 2,
            ],
            axis=1,
        )
        loops.append(tube(loop, 0.002, 6))
    return joined(*bars, *loops)


def _tongue(last: _Last) -> trimesh.Trimesh:
    """The tongue's end, which looks out of the opening in front."""
    x, _, z = last.rim(np.zeros(1))[0]
    rise = 0.018 if last.kind == "boot" else 0.008  # a hand has its palm over a sneaker's tongue
    path = np.array(
        [
            [x + 0.006, 0, z - 0.02],
            [x - 0.002, 0, z],
            [x - 0.005, 0, z + 0.7 * rise],
            [x - 0.006, 0, z + rise],
        ]
    )
    return tube(
        path,
        np.array([[0.017, 0.004], [0.019, 0.004], [0.018, 0.0035], [0.011, 0.002]]),
        12,
        up=(1.0, 0.0, 0.0),
    )


def _leather(last: _Last, main: Color, accent: Color, rng: np.random.Generator) -> Texture:
    """The upper's panels and stripes over (phi, t)."""
    width, height = 256, 128
    phi = (np.arange(width) + 0.5) / width * 2 * np.pi
    front = np.minimum(phi, 2 * np.pi - phi)[None, :]  # angle from the toe
    t = ((np.arange(height) + 0.5) / height)[:, None]
    image = np.ones((height, width, 3)) * np.array(main)
    dark = 0.55 * np.array(main)
    style = int(rng.integers(3))

    def fill(where: NDArray[np.bool_], color: Color | Array) -> None:
        image[where] = color

    if last.kind == "sneaker":
        for k in range(3 if style == 0 else 1):
            place = 1.15 + 0.21 * k + 0.45 * (1 - t)
            breadth = 0.07 if style == 0 else 0.35 * (1 - t) + 0.05
            if style < 2:
                fill((np.abs(front - place) < breadth) & (t > 0.06) & (t < 0.95), accent)
        if style == 2:
            fill((front > 1.0) & (front < 2.3) & (t < 0.45), accent)
        fill((front > 2.45) & (t < 0.85), accent)
        fill((front < 0.85) & (t < 0.36 - 0.1 * front), accent if style else dark)
        fill((front < 0.62) & (t > 0.5), dark)
    elif last.kind == "loafer":
        edge = 0.40 - 0.10 * (front / 1.2) ** 2
        fill((front < 1.3) & (np.abs(t - edge) < 0.02), dark)
        fill((front < 1.25) & (t > 0.62) & (t < 0.84), dark if style else accent)
        fill((front > 2.7) & (t < 0.9), dark)
    else:
        fill((front < 0.9) & (np.abs(t - 0.38 + 0.1 * front) < 0.018), dark)
        if style:
            fill((front < 0.9) & (t < 0.36 - 0.1 * front), dark)
        fill((front > 2.5) & (t < 0.6), dark)
        fill((front < 0.5) & (t > 0.5), dark)
        fill(np.broadcast_to(t > 0.93, (height, width)), accent)
    return textures.encoded(image)
