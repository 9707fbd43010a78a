"""The robot's shapes: reproducible, cheap, clear of cameras and table, exact at the finger pads."""

import hashlib
import itertools
import os
import subprocess
import sys

import numpy as np
import pytest

from envs.robots.aloha_agilex import (
    ARM_BASE,
    ARM_JOINTS,
    FINGER_JOINTS,
    FINGER_UPPER,
    LINK_MASS,
)
from envs.robots.aloha_shapes import (
    COLLISIONS,
    WRIST_CAMERA_PITCH,
    WRIST_CAMERA_XYZ,
    link_shape,
)

KINDS = tuple(LINK_MASS)
DIGEST_SCRIPT = """
import hashlib
from envs.robots.aloha_shapes import COLLISIONS, link_shape
print(hashlib.sha256(b"".join(link_shape(kind).visual_glb() for kind in COLLISIONS)).hexdigest())
"""


def meshes(kind):
    return link_shape(kind).visual.geometry.values()


def vertices(kind):
    return np.concatenate([mesh.vertices for mesh in meshes(kind)])


def home_frames():
    """Origin of each link in the left arm's base frame at home, and its axes' signs."""
    origin, sign = np.zeros(3), np.ones(3)
    frames = {"base_link": (origin, sign)}
    for index, joint in enumerate(ARM_JOINTS):
        origin = origin + sign * joint.xyz
        sign = sign * ((1, 1, 1) if joint.rpy[0] == 0 else (1, -1, -1))
        frames[f"link{index + 1}"] = (origin, sign)
    for index, joint in zip((7, 8), FINGER_JOINTS, strict=True):
        frames[f"link{index}"] = (frames["link6"][0] + sign * joint.xyz, sign)
    frames["footprint"] = (-np.array(ARM_BASE["left"]), np.ones(3))
    return frames


def gap(first, second):
    """Distance of two links' collision boxes at home along their best separating axis."""
    frames, gaps = home_frames(), []
    for a, b in itertools.product(COLLISIONS[first], COLLISIONS[second]):
        (origin_a, sign_a), (origin_b, sign_b) = frames[first], frames[second]
        apart = np.abs(origin_a + sign_a * a.center - origin_b - sign_b * b.center)
        gaps.append(np.max(apart - a.half_size - b.half_size))
    return min(gaps)


def test_bytes_depend_on_neither_process_nor_processor():
    here = hashlib.sha256(b"".join(link_shape(kind).visual_glb() for kind in COLLISIONS))
    other = {"PYTHONHASHSEED": "1", "OPENBLAS_CORETYPE": "Nehalem"}
    there = subprocess.run(
        [sys.executable, "-c", DIGEST_SCRIPT],
        env=os.environ | other,
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.strip() == here.hexdigest()


def test_triangle_budget():
    count = {kind: sum(len(mesh.faces) for mesh in meshes(kind)) for kind in KINDS}
    assert count["footprint"] + 2 * sum(count[kind] for kind in KINDS[1:]) <= 15_000


@pytest.mark.parametrize("kind", KINDS)
def test_normals_are_unit_and_point_outwards(kind):
    for mesh in meshes(kind):
        assert np.linalg.norm(mesh.vertex_normals, axis=1) == pytest.approx(1.0, abs=3e-4)
        corner_normals = mesh.vertex_normals[mesh.faces].mean(axis=1)
        assert (np.sum(corner_normals * mesh.face_normals, axis=1) > 0).all()


@pytest.mark.parametrize(("kind", "side", "joint"), [("link7", 1, 0), ("link8", -1, 1)])
def test_finger_pads_meet_in_the_middle(kind, side, joint):
    origin = np.array(FINGER_JOINTS[joint].xyz)
    box = COLLISIONS[kind][0]
    inner = origin[1] + box.center[1] - side * box.half_size[1]
    assert inner == pytest.approx(0.0, abs=1e-9)
    seen = side * (vertices(kind) + origin)[:, 1]
    assert 0.0 <= seen.min() + 1e-6 <= 1e-3
    pad = link_shape(kind).visual.geometry["rubber"].vertices + origin
    face = pad[side * pad[:, 1] < 1e-6]
    assert face[:, 0].max() == pytest.approx(0.145, abs=1e-3)
    assert np.ptp(face[:, 2]) == pytest.approx(2 * box.half_size[2], abs=1e-3)


def test_gripper_body_leaves_the_grasp_free():
    assert vertices("link6")[:, 0].max() <= 0.085
    assert max(box.center[0] + box.half_size[0] for box in COLLISIONS["link6"]) <= 0.085 + 1e-9


def in_wrist_camera(points):
    """Depth along the optical axis, and height above it, of points in link6."""
    c, s = np.cos(WRIST_CAMERA_PITCH), np.sin(WRIST_CAMERA_PITCH)
    offset = points - np.array(WRIST_CAMERA_XYZ)
    return offset @ (c, 0, -s), offset @ (s, 0, c)


def test_wrist_camera_is_not_occluded():
    depth, height = in_wrist_camera(vertices("link6"))
    ahead = depth > 0
    assert (height[ahead] < -depth[ahead]).all()  # over 45 deg below the axis
    for kind, joint in (("link7", 0), ("link8", 1)):
        for travel in (0.0, FINGER_UPPER):
            shift = np.multiply(FINGER_JOINTS[joint].axis, travel) + FINGER_JOINTS[joint].xyz
            depth, height = in_wrist_camera(vertices(kind) + shift)
            assert (height < -0.2 * depth).all()  # 11 deg below the axis


def test_base_stays_clear_of_table_and_cameras():
    points = vertices("footprint")
    assert points[:, 2].min() >= 0.0
    assert points[points[:, 2] > 0.6, 0].max() <= 0.29
    assert points[points[:, 2] > 0.8, 0].max() <= 0.12  # the mast, behind both cameras
    assert np.linalg.norm(points - (0.2, 0.0, 0.85), axis=1).min() >= 0.08
    for box in COLLISIONS["footprint"]:
        if box.center[2] + box.half_size[2] > 0.6:
            assert box.center[0] + box.half_size[0] <= 0.29


def test_arm_stands_on_its_mount():
    for x, y, z in ARM_BASE.values():
        below = vertices("footprint") - (x, y, z)
        near = below[np.abs(below[:, :2]).max(axis=1) < 0.08]
        assert near[:, 2].max() == pytest.approx(0.0, abs=1e-6)


ARM = [f"link{index}" for index in range(1, 9)]
APART = [
    (a, b)
    for a, b in itertools.combinations(["base_link", *ARM], 2)
    if KINDS.index(b) - KINDS.index(a) > 1 and a not in ("link6", "link7")
]


@pytest.mark.parametrize(("first", "second"), APART)
def test_collision_boxes_do_not_overlap_at_home(first, second):
    assert gap(first, second) > 0


@pytest.mark.parametrize("kind", ARM)
def test_moving_links_keep_off_the_base_at_home(kind):
    assert gap("footprint", kind) > 0.02
