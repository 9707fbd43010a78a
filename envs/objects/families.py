"""All object families by name, for the gallery, tests and tools; tasks import theirs directly."""

from __future__ import annotations

import importlib

from envs.errors import InvalidOptionError, nearest
from envs.objects.instances import Family

FAMILIES = {
    "apple": "apple",
    "bar": "blocks",
    "bin": "bin",
    "block": "blocks",
    "bottle": "bottle",
    "bowl": "bowl",
    "brush": "brush",
    "cabinet": "cabinet",
    "coaster": "coaster",
    "cup": "cup",
    "dustpan": "dustpan",
    "hammer": "hammer",
    "mug": "mug",
    "mug_rack": "mug_rack",
    "pad": "blocks",
    "plate": "plate",
    "shoe": "shoe",
    "tool": "tool",
}
"""Name of each family's function, and the module of `envs.objects` that it is in."""


def load_family(name: str) -> Family:
    """A family's function.

    Raises:
        InvalidOptionError: For a name that is none, with the nearest ones.
    """
    if name not in FAMILIES:
        raise InvalidOptionError(f"unknown family '{name}'; {nearest(name, FAMILIES)}")
    family: Family = getattr(importlib.import_module(f"envs.objects.{FAMILIES[name]}"), name)
    return family
