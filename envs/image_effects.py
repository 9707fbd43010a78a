"""What a sensor does to a picture between the lens and the policy: blur, noise, compression.

An effect is plain data with a method; randomness comes from a generator of the moment, so that the
same picture of the same episode is disturbed in the same way whatever was looked at before.
"""

from __future__ import annotations

import dataclasses
import io
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from envs.picture import Picture

REFERENCE_HEIGHT = 240
"""Picture height in pixels that lengths in pixels are stated for; they scale with the picture."""


class ImageEffect(ABC):
    """One disturbance."""

    @abstractmethod
    def apply(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """The picture as it arrives."""


@dataclass(frozen=True)
class Blur(ImageEffect):
    """A lens out of focus: Gaussian blur of the colors.

    Attributes:
        sigma: Standard deviation in pixels of a picture 240 pixels high.
    """

    sigma: float

    def apply(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """Blurs."""
        sigma = self.sigma * picture.rgb.shape[0] / REFERENCE_HEIGHT
        blurred = ndimage.gaussian_filter(
            picture.rgb.astype(np.float32), (sigma, sigma, 0), mode="nearest"
        )
        return dataclasses.replace(picture, rgb=_uint8(blurred))


@dataclass(frozen=True)
class PixelNoise(ImageEffect):
    """Gaussian noise in each channel of each pixel.

    Attributes:
        sigma: Standard deviation in grey levels of 255.
    """

    sigma: float

    def apply(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """Adds noise."""
        noise = rng.standard_normal(picture.rgb.shape, dtype=np.float32)
        noisy = picture.rgb + np.float32(self.sigma) * noise
        return dataclasses.replace(picture, rgb=_uint8(noisy))


@dataclass(frozen=True)
class Jpeg(ImageEffect):
    """Compression with loss.

    Attributes:
        quality: libjpeg's, 1 .. 95.
    """

    quality: int

    def apply(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """Compresses and decompresses."""
        buffer = io.BytesIO()
        Image.fromarray(picture.rgb).save(buffer, "JPEG", quality=self.quality)
        return dataclasses.replace(picture, rgb=np.asarray(Image.open(buffer).convert("RGB")))


@dataclass(frozen=True)
class DepthNoise(ImageEffect):
    """Noise of a stereo depth camera, which grows with the square of the distance.

    Attributes:
        sigma: Standard deviation in m at a distance of 1 m.
    """

    sigma: float

    def apply(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """Adds noise where there is depth."""
        depth = picture.depth
        noise = rng.standard_normal(depth.shape, dtype=np.float32)
        noisy = depth + np.float32(self.sigma) * depth**2 * noise
        return dataclasses.replace(picture, depth=np.where(depth > 0, np.maximum(noisy, 0), depth))


@dataclass(frozen=True)
class LowResolution(ImageEffect):
    """A sensor with fewer pixels, whose picture is enlarged to the size that is expected.

    Attributes:
        factor: How many pixels of the expected picture one of the sensor's spans, both ways.
    """

    factor: float

    def apply(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """Shrinks and enlarges; depth and labels take the nearest pixel."""
        height, width = picture.depth.shape
        rows, columns = (max(1, round(size / self.factor)) for size in (height, width))
        small = Image.fromarray(picture.rgb).resize((columns, rows), Image.Resampling.BOX)
        rgb = np.asarray(small.resize((width, height), Image.Resampling.BILINEAR))
        row = _coarse(height, rows)[:, None]
        column = _coarse(width, columns)[None, :]
        return dataclasses.replace(
            picture,
            rgb=rgb,
            depth=picture.depth[row, column],
            segmentation=picture.segmentation[row, column],
        )


def _coarse(size: int, samples: int) -> NDArray[np.intp]:
    """For each of `size` pixels, the middle one of the `samples` blocks it is in."""
    block = np.arange(size) * samples // size
    return np.asarray(((block + 0.5) * size / samples).astype(np.intp))


def _uint8(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
