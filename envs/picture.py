"""What one camera saw at one moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Picture:
    """What one camera saw.

    Attributes:
        rgb: (H, W, 3) uint8.
        depth: (H, W) float32, metres along the optical axis, 0 where nothing was hit.
        segmentation: (H, W) int16, scene id of the thing hit, 0 where none.
        intrinsic_cv: (3, 3) float32.
        extrinsic_cv: (4, 4) float32, world to camera, OpenCV axes.
    """

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    segmentation: NDArray[np.int16]
    intrinsic_cv: NDArray[np.float32]
    extrinsic_cv: NDArray[np.float32]
