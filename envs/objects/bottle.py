"""Bottles: soda, wine, squeeze and juice bottles and thermos flasks, turned on a lathe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from envs.objects import textures
from envs.objects.instances import UNSEEN, appearance_rng, shape_rng
from envs.objects.model import Color, Grasp, ObjectModel, Texture, VisualPart
from envs.objects.palette import linear, paint
from envs.objects.shapes import lathe, lathe_hull

KINDS = ("soda", "wine", "squeeze", "thermos", "juice")
NOUNS = {
    "soda": "soda bottle",
    "wine": "wine bottle",
    "squeeze": "squeeze bottle",
    "thermos": "thermos flask",
    "juice": "juice bottle",
}
MASS = 0.05
"""Kilograms: an empty plastic bottle; RoboTwin 1.0's weigh 10 g."""

_CORNERS = 16
"""Corners of a collision piece's section: a lying bottle rests on one of the flat sides."""
_FLAT = float(
    np.sqrt(2 * np.pi / _CORNERS / np.sin(2 * np.pi / _CORNERS)) * np.cos(np.pi / _CORNERS)
)
"""Distance of those sides from the axis, in radii (`shapes.circle` keeps the circle's area)."""
_COLLISION_TOLERANCE = 0.0012

Points = list[tuple[float, float]]
_Measure = Callable[[int, float, float], float]
"""Gives a measure between two bounds; the number says which of a shape's six it is."""


@dataclass(frozen=True)
class _Turned:
    """What the lathe makes: profiles of (radius, z above the ground), one going on from the other.

    Attributes:
        foot: From the bottom's middle up to the label.
        label: The straight part of the body that the label goes round.
        neck: From the label up to the cap.
        cap: From the neck up to the top's middle.
        neck_z: Where fingers can take the neck or the cap.
    """

    foot: Points
    label: Points
    neck: Points
    cap: Points
    neck_z: float


@cache
def bottle(shape: int, appearance: int) -> ObjectModel:
    """A bottle of 50 g, 5.6 to 6.8 cm in diameter and 17 to 24 cm high.

    Frame: it stands along z; the origin is on its axis at half of its height. Points: `top`,
    `bottom`, `middle` (the origin) and `side`, a point of the body on which it lies with -x down.
    Grasps, both closing along x, though any direction across the axis will do: `body`, round the
    label, and `neck`, round the neck or the cap. Kinds take turns with the shape's number.
    """
    kind = KINDS[shape % len(KINDS)]
    turned, height, radius = _turned(kind, shape)
    half = height / 2

    def centred(points: Points) -> Points:
        return [(round(r, 5), round(z - half, 5)) for r, z in points]

    foot, label, neck, cap = (
        centred(points) for points in (turned.foot, turned.label, turned.neck, turned.cap)
    )
    rng = appearance_rng("bottle", appearance)
    name, main = paint("bottle", appearance)
    accent, paper = paint("bottle", appearance, 1)[1], paint("bottle", appearance, 2)[1]
    if rng.random() < 0.5 and sum(accent) < 1.5:
        paper = linear("#efece2")
    roughness = round(float(rng.uniform(0.15, 0.35)), 2)
    return ObjectModel(
        visuals=(
            VisualPart(lathe(foot), main, roughness),
            VisualPart(
                lathe(label, 48), roughness=0.45, texture=_label(appearance, paper, accent, main)
            ),
            VisualPart(lathe(neck), main, roughness),
            VisualPart(lathe(cap), accent, 0.4),
        ),
        collisions=tuple(
            lathe_hull(piece, _CORNERS) for piece in _convex([*foot, *label, *neck, *cap])
        ),
        mass=MASS,
        points={
            "top": (0.0, 0.0, round(half, 5)),
            "bottom": (0.0, 0.0, round(-half, 5)),
            "middle": (0.0, 0.0, 0.0),
            "side": (round(-_FLAT * radius, 5), 0.0, 0.0),
        },
        grasps={
            "body": Grasp((0.0, 0.0, round((label[0][1] + label[-1][1]) / 2, 5)), (1.0, 0.0, 0.0)),
            "neck": Grasp((0.0, 0.0, round(turned.neck_z - half, 5)), (1.0, 0.0, 0.0)),
        },
        # PhysX has no rolling friction, which stops a real bottle.
        angular_damping=2.0,
        name=f"bottle-{shape}-{appearance}",
        description=f"{name} {NOUNS[kind]}",
    )


def _turned(kind: str, shape: int) -> tuple[_Turned, float, float]:
    """Profiles, height and body radius of a shape."""
    rng = shape_rng("bottle", shape)
    # Unseen bottles reach past both ends of what the seen ones measure.
    spread = rng.permutation(np.linspace(-0.2, 1.2, 6)) if shape in UNSEEN else rng.uniform(0, 1, 6)

    def measure(index: int, low: float, high: float) -> float:
        return low + float(spread[index]) * (high - low)

    return {
        "soda": _soda,
        "wine": _wine,
        "squeeze": _squeeze,
        "thermos": _thermos,
        "juice": _juice,
    }[kind](measure)


def _soda(measure: _Measure) -> tuple[_Turned, float, float]:
    height, radius = measure(0, 0.195, 0.235), measure(1, 0.0285, 0.0335)
    label_low, label_high = measure(2, 0.33, 0.38) * height, measure(3, 0.60, 0.66) * height
    cap_low, groove = height - 0.017, 0.93 * radius
    return (
        _Turned(
            foot=[
                (0.0, 0.0),
                (0.80 * radius, 0.0),
                (0.94 * radius, 0.003),
                (radius, 0.012),
                (radius, label_low - 0.020),
                *_shoulder(radius, label_low - 0.018, groove, label_low - 0.010, "bell"),
                *_shoulder(groove, label_low - 0.010, radius, label_low - 0.002, "bell")[1:],
                (radius, label_low),
            ],
            label=[(radius, label_low), (radius, label_high)],
            neck=[
                *_shoulder(radius, label_high, 0.0125, cap_low - 0.012, "slope"),
                (0.0125, cap_low - 0.005),
                (0.0165, cap_low - 0.005),
                (0.0165, cap_low - 0.002),
                (0.0130, cap_low - 0.002),
                (0.0130, cap_low),
            ],
            cap=_cap(0.0150, cap_low, height),
            neck_z=height - 0.009,
        ),
        height,
        radius,
    )


def _wine(measure: _Measure) -> tuple[_Turned, float, float]:
    height, radius = measure(0, 0.228, 0.246), measure(1, 0.0290, 0.0345)
    label_low, label_high = measure(2, 0.16, 0.24) * height, measure(3, 0.46, 0.52) * height
    straight, neck_low = label_high + 0.010, measure(4, 0.68, 0.74) * height
    capsule = height - measure(5, 0.035, 0.055)
    return (
        _Turned(
            foot=[
                (0.0, 0.0),
                (0.90 * radius, 0.0),
                (radius, 0.004),
                (radius, label_low),
            ],
            label=[(radius, label_low), (radius, label_high)],
            neck=[
                (radius, label_high),
                *_shoulder(radius, straight, 0.0140, neck_low, "round"),
                (0.0132, capsule),
            ],
            cap=[
                (0.0132, capsule),
                (0.0138, capsule),
                (0.0132, height - 0.010),
                (0.0148, height - 0.009),
                (0.0148, height - 0.002),
                (0.0135, height),
                (0.0, height),
            ],
            neck_z=(capsule + height - 0.010) / 2,
        ),
        height,
        radius,
    )


def _squeeze(measure: _Measure) -> tuple[_Turned, float, float]:
    height, radius = measure(0, 0.170, 0.205), measure(1, 0.0295, 0.0345)
    label_low, label_high = measure(2, 0.14, 0.20) * height, measure(3, 0.52, 0.60) * height
    cap_low, cap = measure(4, 0.76, 0.81) * height, measure(5, 0.52, 0.66) * radius
    return (
        _Turned(
            foot=[
                (0.0, 0.0),
                (0.88 * radius, 0.0),
                (0.97 * radius, 0.003),
                (radius, 0.010),
                (radius, label_low),
            ],
            label=[(radius, label_low), (radius, label_high)],
            neck=[*_shoulder(radius, label_high, 0.92 * cap, cap_low, "slope")],
            cap=[
                (0.92 * cap, cap_low),
                (cap, cap_low),
                (cap, cap_low + 0.014),
                (0.95 * cap, cap_low + 0.016),
                (0.50 * cap, cap_low + 0.019),
                (0.28 * cap, height - 0.003),
                (0.20 * cap, height),
                (0.0, height),
            ],
            neck_z=cap_low + 0.008,
        ),
        height,
        radius,
    )


def _thermos(measure: _Measure) -> tuple[_Turned, float, float]:
    height, radius = measure(0, 0.205, 0.245), measure(1, 0.0280, 0.0345)
    label_low, label_high = measure(2, 0.34, 0.42) * height, measure(3, 0.54, 0.60) * height
    cap_low, cap = measure(4, 0.72, 0.80) * height, measure(5, 0.80, 0.94) * radius
    return (
        _Turned(
            foot=[
                (0.0, 0.0),
                (0.92 * radius, 0.0),
                (0.98 * radius, 0.002),
                (radius, 0.006),
                (radius, label_low),
            ],
            label=[(radius, label_low), (radius, label_high)],
            neck=[
                (radius, label_high),
                (radius, cap_low - 0.010),
                *_shoulder(radius, cap_low - 0.010, 0.90 * cap, cap_low, "round")[1:],
            ],
            cap=[
                (0.90 * cap, cap_low),
                (cap, cap_low + 0.001),
                (0.97 * cap, height - 0.008),
                (0.90 * cap, height - 0.002),
                (0.82 * cap, height),
                (0.0, height),
            ],
            neck_z=(cap_low + height) / 2,
        ),
        height,
        radius,
    )


def _juice(measure: _Measure) -> tuple[_Turned, float, float]:
    height, radius = measure(0, 0.168, 0.198), measure(1, 0.0310, 0.0350)
    label_low, label_high = measure(2, 0.16, 0.22) * height, measure(3, 0.50, 0.56) * height
    cap, cap_low = measure(4, 0.0180, 0.0230), height - measure(5, 0.014, 0.020)
    return (
        _Turned(
            foot=[
                (0.0, 0.0),
                (0.86 * radius, 0.0),
                (0.96 * radius, 0.004),
                (radius, 0.012),
                (radius, label_low),
            ],
            label=[(radius, label_low), (radius, label_high)],
            neck=[
                (radius, label_high),
                *_shoulder(radius, label_high + 0.006, 0.88 * cap, cap_low - 0.008, "bell"),
                (0.88 * cap, cap_low),
            ],
            cap=_cap(cap, cap_low, height),
            neck_z=(cap_low + height) / 2,
        ),
        height,
        radius,
    )


def _shoulder(r0: float, z0: float, r1: float, z1: float, form: str) -> Points:
    """A curve from one radius to another.

    Args:
        r0: Radius at the start.
        z0: Height of the start.
        r1: Radius at the end.
        z1: Height of the end.
        form: `round` (a quarter of an ellipse), `bell` (upright at both ends) or `slope` (nearly
            a cone, rounded at its start).
    """
    t = np.linspace(0.0, 1.0, 9)
    drop = {
        "round": 0.8 * (1 - np.sqrt(1 - (0.98 * t) ** 2)) / (1 - np.sqrt(1 - 0.98**2))
        + 0.2 * t * t * (3 - 2 * t),
        "bell": t * t * (3 - 2 * t),
        "slope": t**1.5,
    }[form]
    return [
        (float(r0 + (r1 - r0) * d), float(z0 + (z1 - z0) * s)) for s, d in zip(t, drop, strict=True)
    ]


def _cap(radius: float, low: float, high: float) -> Points:
    """A screw cap."""
    return [
        (radius - 0.001, low),
        (radius, low + 0.001),
        (radius, high - 0.002),
        (radius - 0.002, high),
        (0.0, high),
    ]


def _convex(profile: Points) -> list[Points]:
    """Cuts a profile into parts whose hulls keep within `_COLLISION_TOLERANCE` of it."""
    points: Points = []
    for point in profile:
        if not points or point != points[-1]:
            points.append(point)
    pieces, first = [], 0
    for last in range(2, len(points)):
        if _dent(points[first : last + 1]) > _COLLISION_TOLERANCE:
            pieces.append(points[first:last])
            first = last - 1
    return [*pieces, points[first:]]


def _dent(points: Points) -> float:
    """By how much the hull of what a lathe makes of some points is wider than they are."""
    depth = 0.0
    for i, (r0, z0) in enumerate(points):
        for j in range(i + 2, len(points)):
            r1, z1 = points[j]
            for r, z in points[i + 1 : j]:
                if z1 > z0:
                    chord = r0 + (r1 - r0) * (z - z0) / (z1 - z0)
                    depth = max(depth, chord - r)
    return depth


def _label(appearance: int, paper: Color, ink: Color, edge: Color) -> Texture:
    """A label: edge stripes, a mark twice round the bottle, and lines like print.

    Unseen appearances have a pattern over the whole of it instead of the mark.
    """
    rng = appearance_rng("bottle label", appearance)
    width, height = 256, 128
    u, v = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    image = np.ones((height, width, 3)) * np.array(paper)
    across = (2 * u) % 1.0 - 0.5  # -0.5 .. 0.5 on each of the two halves
    style = int(rng.integers(3))
    if appearance in UNSEEN:
        count = int(rng.integers(4, 7))
        pattern = (
            (u * 2 * count + v * 3) % 1.0 < 0.5,  # slanting stripes
            np.floor(u * 4 * count).astype(int) % 2 == np.floor(v * 4).astype(int) % 2,
            np.hypot((u * 2 * count) % 1.0 - 0.5, ((v * 4) % 1.0 - 0.5) * 0.8) < 0.3,
        )[appearance % 3]
        image[pattern] = ink
    else:
        high = v - 0.60
        mark = (
            np.hypot(across / 0.26, high / 0.26) < 1,  # a disc
            np.abs(across) / 0.30 + np.abs(high) / 0.28 < 1,  # a rhombus
            np.abs(high - 0.25 * np.sin(2 * np.pi * across) * 0.4) < 0.13,  # a wave
        )[style]
        image[mark] = ink
        row = np.floor(v / 0.055).astype(int)
        lengths = rng.uniform(0.12, 0.3, 32)
        print_ = (v > 0.12) & (v < 0.29) & (row % 2 == 1) & (np.abs(across) < lengths[row])
        image[print_] = 0.15 * np.array(paper)
    image[(v < 0.05) | (v > 0.95)] = edge if style else ink
    return textures.encoded(image)
