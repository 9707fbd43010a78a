"""Shapes of the aloha-agilex robot's links: visual meshes made by code, collision boxes.

Every shape is given in its link's own frame (`envs.robots.aloha_agilex`), in metres. Links 3, 4
and 5 hang in frames whose z points down at the home pose, so what looks "up" has negative z.

Joint motors belong to the link that carries their housing; the next link holds them in a fork:
the shoulder's and the elbow's motor sit in link2, the wrist's in link3, the yaw and the roll
motor in link5. At home the forearm lies 56 mm above the upper arm, which bounds their radii.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import trimesh

from envs import meshes as make

Vector = tuple[float, float, float]
Parts = list[make.Part]


@dataclass(frozen=True)
class Box:
    """An axis-aligned box in a link's frame, in metres."""

    center: Vector
    half_size: Vector


@dataclass(frozen=True)
class LinkShape:
    """What a link looks like and what it collides with.

    Attributes:
        visual: Scene of meshes with PBR materials, in the link's frame.
        collisions: Boxes in the link's frame.
    """

    visual: trimesh.Scene
    collisions: tuple[Box, ...]

    def visual_glb(self) -> bytes:
        """The visual as binary glTF."""
        return make.glb(self.visual)


# Low metallic values: nothing is reflected in a scene without an environment map.
WHITE = make.Material("white shell", (0.78, 0.79, 0.80), 0.0, 0.40)
BLACK = make.Material("black plastic", (0.022, 0.022, 0.025), 0.0, 0.55)
GRAPHITE = make.Material("anodised graphite", (0.075, 0.08, 0.088), 0.15, 0.45)
SILVER = make.Material("aluminium", (0.48, 0.49, 0.51), 0.25, 0.42)
RUBBER = make.Material("rubber", (0.12, 0.12, 0.125), 0.0, 0.95)
GLASS = make.Material("lens", (0.004, 0.005, 0.012), 0.0, 0.12)
RED = make.Material("stop button", (0.55, 0.02, 0.015), 0.0, 0.5)
BLUE = make.Material("status light", (0.03, 0.22, 0.60), 0.0, 0.4)

WRIST_CAMERA_XYZ, WRIST_CAMERA_PITCH = (0.07, 0.032, 0.065), 0.4
"""The wrist camera's optical centre in link6, and its tilt below link6's +x."""

FINGER_ORIGIN = (0.073574, 0.024629)
"""x and y of link7's frame in link6; link8's is its mirror image."""

COLLISIONS: dict[str, tuple[Box, ...]] = {
    "footprint": (
        Box((0.0, 0.0, 0.1), (0.358, 0.305, 0.1)),  # mobile base
        Box((-0.03, 0.0, 0.4865), (0.25, 0.245, 0.2665)),  # frame
        Box((0.2275, 0.0, 0.7495), (0.06, 0.39, 0.028)),  # crossbeam with the arms' mounts
        Box((0.07, 0.0, 1.0655), (0.022, 0.022, 0.3125)),  # camera mast
    ),
    "base_link": (Box((0.0, 0.0, 0.03), (0.045, 0.045, 0.03)),),
    "link1": (Box((0.01, 0.0, 0.034), (0.042, 0.04, 0.032)),),
    "link2": (Box((-0.132, 0.0, 0.0), (0.158, 0.03, 0.0265)),),
    "link3": (Box((0.12, 0.0, -0.0555), (0.148, 0.038, 0.025)),),
    "link4": (Box((0.036, 0.0, -0.034), (0.058, 0.034, 0.059)),),
    "link5": (Box((0.0, 0.0, 0.055), (0.027, 0.027, 0.054)),),
    "link6": (
        Box((0.0435, 0.0, 0.0), (0.0415, 0.052, 0.028)),
        Box((0.052, 0.0, 0.054), (0.018, 0.046, 0.026)),  # the wrist camera
    ),
    # Fingers: at joint 0 the pads' inner faces touch in the plane y = 0 of link6.
    "link7": (Box((0.041426, -0.018629, 0.0), (0.030, 0.006, 0.0125)),),
    "link8": (Box((0.041426, 0.018629, 0.0), (0.030, 0.006, 0.0125)),),
}


def _hubs(u: float, v: float, radius: float, reach: float) -> Parts:
    """Round lids and their hubs on both outer faces of a fork whose axis is y."""
    lid = make.peg((u, v, radius), -reach, reach, "y", points=16)
    hub = make.peg((u, v, 0.4 * radius), -reach - 1e-3, reach + 1e-3, "y")
    return [(BLACK, lid), (SILVER, hub)]


def _depth_camera(x: float, y: float, z: float, pitch: float) -> Parts:
    """A stereo depth camera's bar, all of it behind its colour lens, which looks along +x.

    The arguments are the colour lens's place and the camera's tilt below the horizon in radians.
    As in the real camera, the lens sits 32 mm to the left of the bar's middle.
    """
    bar = make.corners((-0.077, 0.013), (-0.0125, 0.0125), 0.0122)
    shell = make.extrude(bar, -0.026, -0.004, "x", 0.003)
    face = make.extrude(make.corners((-0.072, 0.008), (-0.009, 0.009), 0.008), -0.008, -0.003, "x")
    lenses = (make.peg((y, 0, 0.005), -0.005, -0.002, "x") for y in (0, -0.0145, -0.0645))
    parts = make.painted({SILVER: [shell], BLACK: [face], GLASS: lenses})
    return [(material, solid.moved(x, y, z, pitch)) for material, solid in parts]


def _base_link() -> Parts:
    foot = make.extrude(make.corners((-0.055, 0.055), (-0.055, 0.055), 0.018), 0, 0.008, "z", 0.002)
    plug = make.block((-0.058, -0.035), (-0.016, 0.016), (0.012, 0.034))
    can = make.cylinder((0, 0, 0.045), 0.008, 0.050, "z")
    ring = make.peg((0, 0, 0.0425), 0.050, 0.054, "z", points=20)
    neck = make.peg((0, 0, 0.0400), 0.054, 0.0605, "z", points=20)
    holes = [(x, y, 0.005) for x in (-0.043, 0.043) for y in (-0.043, 0.043)]
    bolts = [make.peg(hole, 0.008, 0.0115, "z", points=6) for hole in holes]
    return make.painted({BLACK: [can, neck], GRAPHITE: [foot, plug], SILVER: [ring, *bolts]})


def _link1() -> Parts:
    side = [(0.02, 0.0402, 0.029), (-0.016, 0.011, 0.009), (0.038, 0.011, 0.009)]
    cheek = make.extrude(side, 0.0315, 0.0395, "y", 0.0025, points=20)
    sole = [(0, 0, 0.0405), (0.03, 0.026, 0.013), (0.03, -0.026, 0.013)]
    floor = make.extrude(sole, 0.0005, 0.0095, "z", 0.0025, points=20)
    return make.painted({WHITE: [floor, *cheek.pair()]}) + _hubs(0.02, 0.0402, 0.021, 0.042)


def _link2() -> Parts:
    shell = make.beam(
        (x, (-w, w), (-h, h), 0.0135)
        for x, w, h in (
            (-0.254, 0.0215, 0.0190),
            (-0.215, 0.0235, 0.0205),
            (-0.130, 0.0245, 0.0220),
            (-0.050, 0.0255, 0.0245),
            (-0.008, 0.0245, 0.0225),
        )
    )
    inlay = make.extrude([(-0.215, 0, 0.009), (-0.055, 0, 0.0125)], -0.0265, 0.0265, "y", 0.001)
    shoulder = make.cylinder((0, 0, 0.0285), -0.0305, 0.0305, "y")
    elbow = make.cylinder((-0.264, 0, 0.0275), -0.0295, 0.0295, "y")
    return make.painted({WHITE: [shell], GRAPHITE: [inlay, shoulder, elbow]})


def _link3() -> Parts:
    side = [(0, 0, 0.0265), (0.006, -0.058, 0.021), (0.052, -0.058, 0.019)]
    cheek = make.extrude(side, 0.0305, 0.0375, "y", 0.0025, points=24)
    shell = make.beam(
        (
            (-0.020, (-0.0290, 0.0290), (-0.0690, -0.0430), 0.0110),
            (-0.014, (-0.0340, 0.0340), (-0.0780, -0.0340), 0.0150),
            (0.050, (-0.0335, 0.0335), (-0.0800, -0.0315), 0.0175),
            (0.095, (-0.0270, 0.0270), (-0.0785, -0.0325), 0.0190),
            (0.222, (-0.0225, 0.0225), (-0.0745, -0.0375), 0.0170),
            (0.240, (-0.0215, 0.0215), (-0.0720, -0.0400), 0.0150),
        ),
        points=20,
    )
    inlay = make.extrude([(0.112, -0.0555, 0.0095), (0.2, -0.056, 0.007)], -0.0268, 0.0268, "y")
    wrist = make.cylinder((0.245, -0.056, 0.0265), -0.0270, 0.0270, "y")
    parts = make.painted({WHITE: [shell, *cheek.pair()], GRAPHITE: [inlay, wrist]})
    return parts + _hubs(0, 0, 0.0195, 0.040)


def _link4() -> Parts:
    side = [(0, 0, 0.0225), (0.031, -0.071, 0.006), (0.031, 0.012, 0.006)]
    cheek = make.extrude(side, 0.0280, 0.0335, "y", 0.0015)
    web = make.block((0.0305, 0.0370), (-0.0325, 0.0325), (-0.084, 0.016))
    top = [(0.06575, -0.001, 0.0275), (0.037, -0.027, 0.0065), (0.037, 0.027, 0.0065)]
    roof = make.extrude(top, -0.0895, -0.0830, "z", 0.002, points=20)
    lid = make.peg((0.06575, -0.001, 0.0185), -0.0915, -0.089, "z", points=16)
    hub = make.peg((0.06575, -0.001, 0.0075), -0.0925, -0.091, "z")
    parts = make.painted({WHITE: [web, roof, *cheek.pair()], BLACK: [lid], SILVER: [hub]})
    return parts + _hubs(0, 0, 0.0165, 0.0355)


def _link5() -> Parts:
    section = make.corners((-0.0225, 0.0225), (-0.0225, 0.0225), 0.012)
    neck = make.extrude(section, 0.05, 0.082, "z", points=12)
    collar = make.peg((0, 0, 0.0235), 0.0005, 0.005, "z", points=16)
    yaw = make.cylinder((0, 0, 0.0268), 0.004, 0.052, "z")
    roll = make.cylinder((0, 0.0825, 0.0268), -0.0265, 0.0225, "x")
    flange = make.peg((0, 0.0825, 0.0215), -0.0285, 0.0282, "x", points=16)
    return make.painted({WHITE: [neck], GRAPHITE: [yaw, roll], BLACK: [collar, flange]})


def _link6() -> Parts:
    flange = make.cylinder((0, 0, 0.0245), 0.0005, 0.013, "x")
    housing = make.beam(
        (
            (0.011, (-0.0260, 0.0260), (-0.0245, 0.0245), 0.014),
            (0.021, (-0.0430, 0.0430), (-0.0262, 0.0262), 0.014),
            (0.029, (-0.0505, 0.0505), (-0.0275, 0.0275), 0.010),
            (0.074, (-0.0515, 0.0515), (-0.0275, 0.0275), 0.010),
            (0.077, (-0.0490, 0.0490), (-0.0250, 0.0250), 0.008),
        )
    )
    lid = make.extrude(make.corners((0.028, 0.070), (-0.040, 0.040), 0.010), -0.0287, 0.0287, "z")
    upper_rail = make.block((0.075, 0.083), (-0.0515, 0.0515), (0.0115, 0.0185), 0.0012)
    lower_rail = make.block((0.075, 0.083), (-0.0515, 0.0515), (-0.0185, -0.0115), 0.0012)
    bracket = make.beam(
        (
            (0.018, (-0.019, 0.019), (0.026, 0.035), 0.002),
            (0.030, (-0.019, 0.019), (0.027, 0.045), 0.002),
            (0.050, (-0.015, 0.015), (0.058, 0.068), 0.002),
        ),
        points=8,
    )
    metal = [flange, upper_rail, lower_rail]
    parts = make.painted({SILVER: metal, GRAPHITE: [housing], BLACK: [lid, bracket]})
    return parts + _depth_camera(*WRIST_CAMERA_XYZ, WRIST_CAMERA_PITCH)


def _link7() -> Parts:
    # In link6's frame at joint 0: the pad faces the plane y = 0 from y > 0.
    finger = make.beam(
        (x, (0.0025, outer), (-half, half), 0.003)
        for x, outer, half in (
            (0.0865, 0.0330, 0.0150),
            (0.0935, 0.0290, 0.0150),
            (0.1020, 0.0195, 0.0140),
            (0.1130, 0.0145, 0.0132),
            (0.1290, 0.0120, 0.0125),
            (0.1400, 0.0105, 0.0120),
            (0.1447, 0.0075, 0.0100),
        )
    )
    pad = make.extrude(make.corners((0.09, 0.1445), (-0.0122, 0.0122), 0.004), 0, 0.0035, "y")
    carriage = make.block((0.0835, 0.0915), (0.0030, 0.0400), (-0.0215, 0.0215))
    x, y = FINGER_ORIGIN
    parts = make.painted({GRAPHITE: [carriage], BLACK: [finger], RUBBER: [pad]})
    return [(material, solid.moved(-x, -y)) for material, solid in parts]


def _link8() -> Parts:
    return [(material, solid.mirrored()) for material, solid in _link7()]


def _footprint() -> Parts:
    """The Tracer base, the aluminium frame that carries the arms, and the camera mast."""
    plan = make.corners((-0.355, 0.355), (-0.255, 0.255), 0.06)
    hull = make.extrude(plan, 0.045, 0.185, "z", 0.02)
    deck = make.extrude(plan, 0.165, 0.197, "z", 0.02)
    light = make.extrude([(x, y, 0.062) for x, y, _ in plan], 0.138, 0.146, "z")
    wheels = ((0, 0.085, 0.025), (0.25, 0.05, 0.018), (-0.25, 0.05, 0.018))  # x, radius, half width
    tyres = (make.cylinder((x, r, r), 0.275 - w, 0.275 + w, "y").pair() for x, r, w in wheels)
    rims = (make.peg((x, r, r / 2), 0.25, 0.277 + w, "y").pair() for x, r, w in wheels)
    cabinet = make.block((-0.23, 0.13), (-0.185, 0.185), (0.197, 0.46), 0.012)
    doors = make.block((-0.20, 0.1315), (-0.187, 0.187), (0.235, 0.425))
    posts = [make.block((x, x + 0.04), (0.2, 0.24), (0.197, 0.705)) for x in (-0.27, 0.18)]
    along = [make.block((-0.27, 0.22), (0.2, 0.24), (z, z + 0.04)) for z in (0.48, 0.705)]
    across = [make.block((x, x + 0.04), (-0.2, 0.2), (0.48, 0.52)) for x in (-0.27, 0.18)]
    crossbeam = make.block((0.193, 0.273), (-0.385, 0.385), (0.725, 0.765))
    left_mount = make.block((0.170, 0.287), (0.238, 0.362), (0.765, 0.7775))
    right_mount = left_mount.moved(y=-0.607)
    shelf = make.block((-0.265, 0.19), (-0.235, 0.235), (0.745, 0.753))
    computer = make.block((-0.235, -0.075), (-0.085, 0.085), (0.753, 0.806), 0.004)
    mast = make.block((0.05, 0.09), (-0.02, 0.02), (0.745, 1.378))
    arm = make.block((0.045, 0.103), (-0.022, 0.022), (1.335, 1.372), 0.003)
    stop = make.block((-0.255, -0.205), (-0.225, -0.175), (0.745, 0.785), 0.004)
    button = make.cylinder((-0.23, -0.20, 0.017), 0.785, 0.803, "z", points=12)
    frame = (solid for part in (*posts, *along) for solid in part.pair())
    black = [hull, doors, arm, stop, left_mount, right_mount, *sum(tyres, ())]
    silver = [*frame, *across, crossbeam, mast, *sum(rims, ())]
    parts = make.painted({BLACK: black, SILVER: silver, GRAPHITE: [deck, shelf, computer]})
    parts += [(WHITE, cabinet), (BLUE, light), (RED, button)]
    return parts + _depth_camera(0.117, 0.032, 1.352, 0.6)


BUILDERS: dict[str, Callable[[], Parts]] = {
    "footprint": _footprint,
    "base_link": _base_link,
    "link1": _link1,
    "link2": _link2,
    "link3": _link3,
    "link4": _link4,
    "link5": _link5,
    "link6": _link6,
    "link7": _link7,
    "link8": _link8,
}


@cache
def link_shape(kind: str) -> LinkShape:
    """Shape of a link kind (`footprint`, `base_link`, `link1` ... `link8`)."""
    return LinkShape(make.assemble(BUILDERS[kind]()), COLLISIONS[kind])
