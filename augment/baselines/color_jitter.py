"""Color jitter: the colors of an episode are shifted all alike.

The operations are torchvision's `ColorJitter`. What is drawn is drawn once an episode and holds for
all of its frames and views, and so does the grey that contrast is measured from: torchvision takes
each picture's own mean, with which a surface would change its color from view to view.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from augment.clip import Clip
from augment.restyling import RestylingError, Things
from envs.randomness import stream

_LUMA = np.array([0.2989, 0.587, 0.114], dtype=np.float32)
"""How much red, green and blue count for grey."""

Colors = NDArray[np.float32]
"""RGB (..., 3) in [0, 1]."""


@dataclass(frozen=True)
class ColorJitter:
    """Shifts brightness, contrast, saturation and hue, in an order that is drawn as well.

    The defaults are those of robomimic's `ColorRandomizer`. Hue turns by up to 0.3 of the circle:
    a red thing may turn green, whatever its instruction says.

    Attributes:
        brightness: A factor on all channels is drawn from 1 - brightness .. 1 + brightness, at
            least 0.
        contrast: Likewise a factor on the distance from the first frame's mean grey.
        saturation: Likewise on each pixel's distance from its own grey.
        hue: Hues turn by -hue .. hue of the circle; at most 0.5.
    """

    brightness: float = 0.3
    contrast: float = 0.3
    saturation: float = 0.3
    hue: float = 0.3

    name: ClassVar[str] = "color_jitter"
    cameras: ClassVar[None] = None
    frames: ClassVar[int] = 32
    needs_segmentation: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Checks the ranges.

        Raises:
            RestylingError: In one line.
        """
        for factor in ("brightness", "contrast", "saturation"):
            if not 0 <= getattr(self, factor) < float("inf"):
                raise RestylingError(f"{factor}={getattr(self, factor)} is not 0 or more")
        if not 0 <= self.hue <= 0.5:
            raise RestylingError(f"hue={self.hue} is not in 0 .. 0.5")

    def begin(self, prompt: str, seed: int, things: Things) -> Jitter:
        """Draws an episode's jitter; the prompt is ignored."""
        rng = stream(seed, self.name)

        def factor(size: float) -> float:
            return float(rng.uniform(max(0.0, 1.0 - size), 1.0 + size))

        amounts = {
            "brightness": factor(self.brightness),
            "contrast": factor(self.contrast),
            "saturation": factor(self.saturation),
            "hue": float(rng.uniform(-self.hue, self.hue)),
        }
        order = rng.permutation(list(amounts)).tolist()
        return Jitter({operation: amounts[operation] for operation in order})


class Jitter:
    """One episode's jitter."""

    def __init__(self, amounts: dict[str, float]) -> None:
        """Keeps what was drawn.

        Args:
            amounts: Factors, and hue's turn, by operation, in the order in which they are done.
        """
        self._amounts = amounts
        self._mean_grey: float | None = None

    def __call__(self, clip: Clip) -> NDArray[np.uint8]:
        """Shifts the colors of the next frames."""
        return np.stack([self._shifted(frame) for frame in clip.rgb])

    def _shifted(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        colors = frame.astype(np.float32) / np.float32(255)
        for operation, amount in self._amounts.items():
            if operation == "brightness":
                colors = np.clip(amount * colors, 0, 1)
            elif operation == "saturation":
                colors = _away_from(grey(colors)[..., None], colors, amount)
            elif operation == "contrast":
                if self._mean_grey is None:
                    self._mean_grey = float(grey(colors).mean(dtype=np.float64))
                colors = _away_from(np.float32(self._mean_grey), colors, amount)
            else:
                colors = turned_hue(colors, amount)
        levels: NDArray[np.uint8] = np.rint(255 * colors).astype(np.uint8)
        return levels


def grey(colors: Colors) -> NDArray[np.float32]:
    """Luma (...) of colors (..., 3)."""
    return np.asarray(colors @ _LUMA)


def turned_hue(colors: Colors, turn: float) -> Colors:
    """Colors of the same HSV saturation and value, and another hue.

    Args:
        colors: (..., 3) in [0, 1].
        turn: Part of the circle.
    """
    red, green, blue = colors[..., 0], colors[..., 1], colors[..., 2]
    value = colors.max(axis=-1)
    chroma = value - colors.min(axis=-1)
    divisor = np.where(chroma > 0, chroma, np.float32(1))
    # In sixths of the circle; red is 0. Grey has none, and stays as it is.
    hue = np.where(
        value == red,
        (green - blue) / divisor,
        np.where(value == green, (blue - red) / divisor + 2, (red - green) / divisor + 4),
    )
    result = np.empty_like(colors)
    for channel, phase in enumerate((5, 3, 1)):
        place = (hue + np.float32(phase + 6 * turn)) % 6
        result[..., channel] = value - chroma * np.clip(np.minimum(place, 4 - place), 0, 1)
    return result


def _away_from(middle: NDArray[np.float32] | np.float32, colors: Colors, factor: float) -> Colors:
    """Colors whose distance from a middle is multiplied."""
    moved: Colors = np.clip(middle + np.float32(factor) * (colors - middle), 0, 1)
    return moved
