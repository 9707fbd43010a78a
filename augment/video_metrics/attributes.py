"""Whether things and light look as a prompt says.

**Reconstruction**: how EMMA measures text alignment is not known. A simulator knows which pixels
show what, so that the words of a prompt that say how something looks can be checked one by one;
`clip_score` is the measure for the prompt as a whole.

Colors are judged in the light of the source: people call a white wall white at dusk. How light
differs from the source's is told by surfaces that a prompt leaves as they were, as by a grey card
(von Kries). Without those, colors are judged as they are seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from augment.clip import Clip, ClipError
from augment.video_metrics.color_names import basic, checked_name, color_names, is_called
from augment.video_metrics.lab import LUMINANCE, difference, lab_of_linear, linear
from augment.video_metrics.surface_pattern import color_variation
from envs.errors import nearest

LEAST_PIXELS = 30
"""Pixels of a region in a whole clip, below which nothing can be said about it."""
MOST_PIXELS = 20_000
"""Pixels of a region that are enough; of more, every n-th counts."""
STOPS = 0.4
"""Change of brightness, as the logarithm to base 2, that makes light bright or dim."""
TINT = 0.16
"""Likewise of red against blue, for warm and cool."""
PATTERNED = 110.0
"""`color_variation` from which on a surface is not plain. Of tables of the simulator in drawn
light, 52 of 54 plain ones have less, 146 of 147 others more."""
MOST_STOPS = 3.0
"""Change of light beyond which nothing is made of it."""

LIGHTS = {"brightness": ("dim", "normal", "bright"), "temperature": ("cool", "neutral", "warm")}
"""Kinds of claims about the light, and what they may expect, from low to high."""
PATTERNS = ("plain", "patterned")
KINDS = ("color", "pattern", *LIGHTS)


@dataclass(frozen=True)
class Claim:
    """One thing that a prompt says about how a clip looks.

    Attributes:
        ids: The things it is about, as `Clip.segmentation` has them. For `color` and `pattern`,
            what has it; for the light, surfaces that the prompt leaves as they were (the robot), or
            none for whole pictures, whose own colors then count as light.
        kind: One of `KINDS`.
        expected: A name of `color_names`, or one of `PATTERNS` or `LIGHTS`.
        lit_as: For `color` and `pattern`, surfaces that the prompt leaves as they were, which tell
            the light that it is seen in; none for what is seen.
    """

    ids: tuple[int, ...]
    kind: str
    expected: str
    lit_as: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Checks the words.

        Raises:
            ClipError: In one line.
        """
        if self.kind not in KINDS:
            raise ClipError(f"unknown kind of claim '{self.kind}'; {nearest(self.kind, KINDS)}")
        if self.kind not in LIGHTS and not self.ids:
            raise ClipError(f"a claim of the {self.kind} '{self.expected}' names no thing")
        if self.kind == "color":
            checked_name(self.expected)
            return
        valid = PATTERNS if self.kind == "pattern" else LIGHTS[self.kind]
        if self.expected not in valid:
            raise ClipError(f"{self.kind} is {', '.join(valid)}, not '{self.expected}'")

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Claim:
        """What `dataclasses.asdict` gave, or JSON of it."""
        tuples = {name: tuple(fields[name]) for name in ("ids", "lit_as") if name in fields}
        return cls(**{**fields, **tuples})


def region_color(
    clip: Clip, ids: Sequence[int], light: NDArray[np.float32] | float = 1.0
) -> NDArray[np.float32] | None:
    """The main color (Lab) of some things in a clip.

    A thing may have a label, shadows and highlights: it has the basic color that most of its pixels
    have, and of those it is the geometric median. Pixels at the edge of a thing are left out where
    others are enough, as they may be mixed with what is behind it.

    Args:
        clip: With segmentation.
        ids: The things.
        light: How much light there is, in linear RGB (3,), as a part of that in which the color is
            wanted (`light_change`).

    Returns:
        The color; None where they are hardly in the picture.

    Raises:
        ClipError: If the clip has no segmentation.
    """
    mask = clip.mask(ids)
    cross = ndimage.generate_binary_structure(2, 1)[None, None]
    inner = ndimage.binary_erosion(mask, cross, border_value=1)
    if inner.sum() >= LEAST_PIXELS:
        mask = inner
    pixels = clip.rgb[mask]
    if len(pixels) < LEAST_PIXELS:
        return None
    seen = linear(pixels[:: -(-len(pixels) // MOST_PIXELS)])
    colors = lab_of_linear(np.minimum(seen / light, 1.0, dtype=np.float32))
    kinds, kind, counts = np.unique(color_names(colors), return_inverse=True, return_counts=True)
    terms = np.array([basic(name) for name in kinds])
    votes = {term: counts[terms == term].sum() for term in terms}
    return _geometric_median(colors[terms[kind] == max(votes, key=lambda term: votes[term])])


def brightness(clip: Clip, reference: Clip, ids: Sequence[int] = ()) -> float | None:
    """How much brighter a clip is than a reference, in stops.

    Args:
        clip: The clip.
        reference: What it is compared with: its source.
        ids: Surfaces that are compared; none for whole pictures.

    Returns:
        Logarithm to base 2 of the ratio of mean luminances; None where there is nothing to see.
    """
    lights = _lights(clip, reference, ids)
    if lights is None:
        return None
    now, before = (float(light @ LUMINANCE) for light in lights)
    return float(np.log2(now / before))


def temperature(clip: Clip, reference: Clip, ids: Sequence[int] = ()) -> float | None:
    """How much warmer the light of a clip is than that of a reference, in stops of red over blue.

    Args:
        clip: The clip.
        reference: What it is compared with: its source.
        ids: Surfaces that are compared; none for whole pictures.

    Returns:
        Logarithm to base 2 of the ratio of red to blue, less the reference's; None where there is
        nothing to see.
    """
    change = light_change(clip, reference, ids)
    return None if change is None else float(np.log2(change[0] / change[2]))


def light_change(
    clip: Clip, reference: Clip, ids: Sequence[int] = ()
) -> NDArray[np.float32] | None:
    """Ratio of the light of a clip to that of a reference.

    Args:
        clip: The clip.
        reference: What it is compared with: its source.
        ids: Surfaces that are compared; none for whole pictures.

    Returns:
        Of linear red, green and blue (3,); None where there is nothing to see.
    """
    lights = _lights(clip, reference, ids)
    return None if lights is None else lights[0] / lights[1]


def holds(clip: Clip, claim: Claim, reference: Clip | None = None) -> bool | None:
    """Whether a claim is true of a clip; None where it cannot be seen.

    Args:
        clip: The clip.
        claim: What is said.
        reference: The clip's source, which light is compared with.

    Raises:
        ClipError: If light counts and there is no reference, or things and no segmentation.
    """
    if claim.kind in LIGHTS:
        return _light_holds(clip, claim, _needed(claim, reference))
    light: NDArray[np.float32] | float = 1.0
    if claim.lit_as:
        change = light_change(clip, _needed(claim, reference), claim.lit_as)
        if change is not None:
            light = np.clip(change, 2.0**-MOST_STOPS, 2.0**MOST_STOPS)
    if claim.kind == "color":
        color = region_color(clip, claim.ids, light)
        return None if color is None else is_called(color, claim.expected)
    variation = color_variation(clip, claim.ids, light)
    return None if variation is None else PATTERNS[variation >= PATTERNED] == claim.expected


def attribute_accuracy(
    clips: Sequence[Clip],
    claims: Sequence[Sequence[Claim]],
    references: Sequence[Clip] | None = None,
) -> float | None:
    """Part of the claims that are true, over all clips.

    Args:
        clips: N clips.
        claims: What the prompt of each says.
        references: The source of each, which light is compared with.

    Returns:
        The part; None where no claim can be seen.

    Raises:
        ClipError: If there are not as many claims or references as clips.
    """
    if len(claims) != len(clips) or (references is not None and len(references) != len(clips)):
        raise ClipError(f"{len(clips)} clips need as many lists of claims, and references if any")
    sources: Sequence[Clip | None] = [None] * len(clips) if references is None else references
    found = [
        holds(clip, claim, source)
        for clip, said, source in zip(clips, claims, sources, strict=True)
        for claim in said
    ]
    seen = [truth for truth in found if truth is not None]
    return float(np.mean(seen)) if seen else None


def _light_holds(clip: Clip, claim: Claim, reference: Clip) -> bool | None:
    if claim.kind == "brightness":
        amount, limit = brightness(clip, reference, claim.ids), STOPS
    else:
        amount, limit = temperature(clip, reference, claim.ids), TINT
    if amount is None:
        return None
    level = 1 + int(amount >= limit) - int(amount <= -limit)
    return LIGHTS[claim.kind][level] == claim.expected


def _needed(claim: Claim, reference: Clip | None) -> Clip:
    if reference is None:
        raise ClipError(f"a claim of {claim.kind} needs a reference clip")
    return reference


def _lights(
    clip: Clip, reference: Clip, ids: Sequence[int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Mean linear RGB (3,) of a region, or of whole pictures, in both."""
    found = []
    for each in (clip, reference):
        pixels = each.rgb[each.mask(ids)] if ids else each.rgb.reshape(-1, 3)
        if len(pixels) < LEAST_PIXELS:
            return None
        mean: NDArray[np.float32] = linear(pixels).mean(axis=0, dtype=np.float64)
        found.append(np.maximum(mean, 1e-4))  # a black picture has no tint
    return found[0], found[1]


def _geometric_median(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """The point (3,) with the least sum of distances to points (N, 3) (Weiszfeld's iteration)."""
    middle = np.median(points, axis=0)
    for _ in range(20):
        weights = 1.0 / np.maximum(difference(points, middle), 0.1)
        middle = weights @ points / weights.sum()
    return middle.astype(np.float32)
