"""Clutter: things on the table that the task has no use for, where they are not in its way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import sapien
from numpy.typing import NDArray

from envs.objects.families import load_family
from envs.objects.model import ObjectModel
from envs.room import TABLE_HALF_SIZE
from envs.scene_settings import Clutter
from envs.simulation import Simulation
from envs.tasks.layout import turned

FAMILIES = (
    *("apple", "bowl", "brush", "coaster", "cup", "hammer"),
    *("mug", "plate", "shoe", "tool"),
)
"""Families that are drawn from: up to 11 cm high (boots: 14 cm), so that arms pass above."""

PREFIX = "distractor_"
GAP = 0.07
"""Room for a gripper between clutter and what the task needs, m."""
MAX_TRIES = 50
"""Places tried for each thing (RoboTwin 2.0)."""
_EDGE = 0.02

Disc = tuple[float, float, float]


def add_clutter(
    simulation: Simulation,
    clutter: Clutter,
    needed: Sequence[str],
    keep_clear: Iterable[Disc],
    rng: np.random.Generator,
) -> list[str]:
    """Adds clutter to a scene in which the task's things are.

    Nothing is put within `GAP` of the task's things, nor into places that are to stay clear, and
    nothing of a family that the task has: its look-alikes would make another task of it.

    Args:
        simulation: The scene.
        clutter: How much, and of what.
        needed: Names of the task's things.
        keep_clear: Places (x, y, radius) in the world in m.
        rng: Source of randomness.

    Returns:
        Names of the instances, such as `cup-3-5`; fewer than asked for where there is no room.
    """
    taken = [*keep_clear]
    used = set()
    for name in needed:
        model = simulation.models[name]
        taken.append(_footprint(model, simulation.pose(name)))
        used.add(model.name.partition("-")[0])
    families = [family for family in FAMILIES if family not in used]
    placed: list[str] = []
    for index in range(clutter.count):
        family = families[int(rng.integers(len(families)))]
        shape, appearance = (int(rng.choice(clutter.instances)) for _ in range(2))
        model = load_family(family)(shape, appearance)
        for _ in range(MAX_TRIES):
            x, y, yaw = rng.uniform(-1, 1), rng.uniform(-1, 1), rng.uniform(-np.pi, np.pi)
            z = simulation.table_height - model.lowest() + 0.0005
            pose = turned(TABLE_HALF_SIZE[0] * x, TABLE_HALF_SIZE[1] * y, z, yaw)
            disc = _footprint(model, pose)
            if _on_table(disc) and all(_apart(disc, other) for other in taken):
                simulation.add(f"{PREFIX}{index}", model, pose)
                taken.append((*disc[:2], disc[2] - GAP))  # clutter may stand close to clutter
                placed.append(model.name)
                break
    return placed


def _footprint(model: ObjectModel, pose: sapien.Pose) -> Disc:
    """The smallest disc around the middle of a thing's bounds, seen from above."""
    points: NDArray[np.float64] = np.concatenate([part.mesh.vertices for part in model.visuals])
    matrix = pose.to_transformation_matrix().astype(np.float64)
    flat = points @ matrix[:2, :3].T + matrix[:2, 3]
    x, y = ((flat.min(axis=0) + flat.max(axis=0)) / 2).tolist()
    return x, y, float(np.linalg.norm(flat - [x, y], axis=1).max())


def _on_table(disc: Disc) -> bool:
    x, y, radius = disc
    reach = radius + _EDGE
    return abs(x) + reach < TABLE_HALF_SIZE[0] and abs(y) + reach < TABLE_HALF_SIZE[1]


def _apart(one: Disc, other: Disc) -> bool:
    distance = float(np.hypot(one[0] - other[0], one[1] - other[1]))
    return distance > one[2] + other[2] + GAP
