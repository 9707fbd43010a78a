"""All variations by name: reading them from options, drawing them for an episode.

variations = parse({"camera_azimuth": 3, "clutter": {"size": [0, 10], "probability": 0.5}})
settings, log = draw(variations, seed, SceneSettings())
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from envs.errors import InvalidOptionError, nearest
from envs.randomization import (
    camera_extrinsics,
    camera_intrinsics,
    image_noise,
    language,
    lighting,
    objects,
    surfaces,
    workspace,
)
from envs.randomization.variation import LEVELS, Variation
from envs.randomness import stream
from envs.scene_settings import SceneSettings

VARIATIONS: dict[str, type[Variation]] = {
    kind.name: kind
    for kind in (
        # In the order in which they are carried out, whatever order they are asked for in.
        camera_intrinsics.CameraModelSwap,
        camera_intrinsics.FocalLength,
        camera_intrinsics.PrincipalPoint,
        camera_intrinsics.PixelAspect,
        camera_extrinsics.CameraHeight,
        camera_extrinsics.CameraAzimuth,
        camera_extrinsics.CameraElevation,
        camera_extrinsics.CameraDistance,
        camera_extrinsics.CameraRoll,
        camera_extrinsics.CameraPosition,
        camera_extrinsics.CameraRotation,
        surfaces.TableTexture,
        surfaces.WallTexture,
        lighting.LightDirection,
        lighting.LightColor,
        lighting.LightIntensity,
        lighting.LightShadow,
        lighting.LightFlicker,
        objects.ObjectShape,
        objects.ObjectAppearance,
        objects.TableClutter,
        workspace.TableHeight,
        workspace.RobotStart,
        language.Language,
        image_noise.ImageBlur,
        image_noise.ImageNoise,
        image_noise.ImageJpeg,
        image_noise.ImageDepthNoise,
        camera_intrinsics.SensorResolution,
    )
}
"""Every variation by its name."""


def parse(specification: Mapping[str, Any]) -> tuple[Variation, ...]:
    """Reads variations.

    Args:
        specification: Names with a level in 0 .. 5, or with a mapping of options, of which `level`
            may be one.

    Returns:
        The variations, in the order in which they are carried out.

    Raises:
        InvalidOptionError: For a name, level or option that is not valid, in one line.
    """
    if not isinstance(specification, Mapping):
        raise InvalidOptionError(f"variations are a mapping of names, not {specification!r}")
    for name in specification:
        if name not in VARIATIONS:
            raise InvalidOptionError(f"unknown variation '{name}'; {nearest(name, VARIATIONS)}")
    return tuple(
        _one(kind, specification[name])
        for name, kind in VARIATIONS.items()
        if name in specification
    )


def draw(
    variations: Sequence[Variation], seed: int, settings: SceneSettings
) -> tuple[SceneSettings, dict[str, Any]]:
    """Draws an episode's values.

    Each variation has a generator of its own, by name: at another level, or beside others, it
    draws the same direction.

    Args:
        variations: In the order in which they are carried out.
        seed: The episode's seed.
        settings: The scene before them.

    Returns:
        The scene with them, and the drawn values by name; None where a variation took no part.
    """
    log: dict[str, Any] = {}
    for variation in variations:
        rng = stream(seed, f"variation {variation.name}")
        takes_part = rng.random() < variation.probability
        value = variation.sample(rng, settings)
        log[variation.name] = value if takes_part else None
        if takes_part:
            settings = variation.apply(value, settings)
    return settings, log


def _one(kind: type[Variation], given: Any) -> Variation:
    name = kind.name
    if isinstance(given, int) and not isinstance(given, bool):
        given = {"level": given}
    if not isinstance(given, Mapping):
        raise InvalidOptionError(f"{name}: {given!r} is neither a level in 0 .. 5 nor options")
    options = {key: _tuples(value) for key, value in given.items() if key != "level"}
    known = [field.name for field in dataclasses.fields(kind)]
    for key in options:
        if key not in known:
            raise InvalidOptionError(f"{name}: unknown option '{key}'; {nearest(key, known)}")
    # What has no default is what a level decides.
    decisive = [f.name for f in dataclasses.fields(kind) if f.default is dataclasses.MISSING]
    if "level" in given:
        level = given["level"]
        if isinstance(level, bool) or level not in LEVELS:
            raise InvalidOptionError(f"{name}: level {level!r} is not an integer in 0 .. 5")
        if twice := [key for key in decisive if key in options]:
            raise InvalidOptionError(f"{name}: a level or {twice[0]}, not both")
        return dataclasses.replace(kind.at_level(int(level)), **options)
    if missing := [key for key in decisive if key not in options]:
        raise InvalidOptionError(f"{name}: needs a level, or {', '.join(missing)}")
    return kind(**options)


def _tuples(value: Any) -> Any:
    """Lists, as files have them, as the tuples that a frozen variation holds."""
    return tuple(_tuples(item) for item in value) if isinstance(value, (list, tuple)) else value
