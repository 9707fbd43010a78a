"""DreamTransfer as a restyler: an episode's frames through a window that slides over its depth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from augment.clip import Clip
from augment.dream_transfer.pipeline import DreamTransferPipeline
from augment.restyling import RestylingError, Things
from envs.randomness import stream


class DreamTransferRestyler:
    """Generates every frame from the depth of the last few, for one prompt and one noise.

    The networks generate windows of a fixed number of frames. A window ends with the newest frame:
    new frames come after as many old ones as there is room for, and where there are no old ones,
    the first one is repeated in front. Only the new frames' pictures are used. So a block of one
    frame costs as much as one of a whole window, and its pictures are not the same: those of
    a block are generated together. All windows of an episode begin with the same noise.

    Only depth is looked at. Clips may have another size than the one generated: their depth is
    sampled (nearest), and what is generated is resized (bilinear) to theirs. Holes in it are filled
    with what is nearest, as the networks have learned from depth without any.

    Attributes:
        pipeline: What generates.
        frames: Of a window.
        resolution: Width and height in pixels of a generated view; None for the clip's.
    """

    name: ClassVar[str] = "dream_transfer"
    needs_segmentation: ClassVar[bool] = False

    def __init__(
        self,
        pipeline: DreamTransferPipeline,
        steps: int = 30,
        guidance_scale: float = 3.0,
        conditioning_scale: float | Sequence[float] = 1.0,
        frames: int | None = None,
        *,
        resolution: tuple[int, int] | None = None,
        negative_prompt: str = "",
    ) -> None:
        """Sets how it generates.

        Args:
            pipeline: Generates; its progress bar is switched off.
            steps: Of the scheduler; the defaults up to here are the pipeline's.
            guidance_scale: Of classifier-free guidance; up to 1 it is off, and a frame costs half.
            conditioning_scale: How much depth counts.
            frames: Of a window: 4 * k + 1 with Wan's VAE. None for those of the pipeline's
                training.
            resolution: Width and height in pixels of a generated view; multiples of 16 with Wan's
                VAE and patches. None for that of the pipeline's training, or, if it does not know
                it, the clip's.
            negative_prompt: What episodes should not look like.

        Raises:
            RestylingError: For frames or a resolution that cannot be generated, or without frames
                if the pipeline does not know them.
        """
        trained = pipeline.config["resolution"]
        if resolution is None and trained is not None:
            resolution = (trained[0], trained[1])
        frames = pipeline.config["frames"] if frames is None else frames
        if frames is None:
            raise RestylingError(
                "the pipeline does not say how many frames it has learned: give frames"
            )
        self.pipeline, self.frames, self.resolution = pipeline, frames, resolution
        self.options: dict[str, Any] = {
            "num_inference_steps": steps,
            "guidance_scale": guidance_scale,
            "conditioning_scale": conditioning_scale,
        }
        self._guided, self._negative_prompt = guidance_scale > 1, negative_prompt
        config = pipeline.vae.config
        self._time_stride = config["scale_factor_temporal"]
        self._pixels = config["scale_factor_spatial"]
        if frames < 1 or frames % self._time_stride != 1:
            raise RestylingError(f"frames={frames} is not {self._time_stride} * k + 1")
        token = self._pixels * pipeline.transformer.config["patch_size"][1]
        if resolution is not None and any(side < 1 or side % token for side in resolution):
            raise RestylingError(f"resolution={resolution} is not of multiples of {token} pixels")
        pipeline.set_progress_bar_config(disable=True)  # type: ignore[no-untyped-call]

    @property
    def cameras(self) -> tuple[str, ...] | None:
        """The pipeline's views, in the panorama's order; None if it takes any."""
        known = self.pipeline.config["cameras"]
        return None if known is None else tuple(known)

    def begin(self, prompt: str, seed: int, things: Things) -> SlidingWindow:
        """Begins an episode with a prompt and a noise of its own.

        Raises:
            ValueError: If the prompt is too long.
        """
        text: dict[str, Any] = {"prompt_embeds": self.pipeline.encode_prompt(prompt)}
        if self._guided:
            text["negative_prompt_embeds"] = self.pipeline.encode_prompt(self._negative_prompt)
        return SlidingWindow(self, text, seed)

    def noise(self, seed: int, views: int, height: int, width: int) -> Tensor:
        """The noise (1, C, f, h, w) of all windows of an episode, the same on every machine.

        Args:
            seed: The episode's.
            views: V.
            height: Of a generated view in pixels.
            width: Likewise.
        """
        shape = (
            1,
            self.pipeline.transformer.config["in_channels"],
            (self.frames - 1) // self._time_stride + 1,
            height // self._pixels,
            views * width // self._pixels,
        )
        return torch.from_numpy(stream(seed, self.name).standard_normal(shape, dtype=np.float32))

    @property
    def apart(self) -> bool:
        """Whether each view is generated alone."""
        return bool(self.pipeline.config["views_apart"])


class SlidingWindow:
    """One episode that is being generated."""

    def __init__(self, restyler: DreamTransferRestyler, text: dict[str, Any], seed: int) -> None:
        """Begins it.

        Args:
            restyler: Says how.
            text: States of the prompts, as the pipeline takes them.
            seed: Of the noise.
        """
        self._restyler, self._text, self._seed = restyler, text, seed
        self._noise: Tensor | None = None
        self._past: NDArray[np.float32] | None = None

    def __call__(self, clip: Clip) -> NDArray[np.uint8]:
        """Generates the next frames, a window's worth at a time.

        Raises:
            RestylingError: If the clip has other views or another size than those before.
            ValueError: If the pipeline does not generate so many views, or none of this size.
        """
        depth = filled(sampled(clip.depth, self._restyler.resolution))
        if self._past is None:
            self._past = depth[:0]
        if depth.shape[1:] != self._past.shape[1:]:
            raise RestylingError(
                f"views of depth are {depth.shape[1:]}, those before were {self._past.shape[1:]}"
            )
        window = self._restyler.frames
        made = [
            self._generated(depth[first : first + window]) for first in range(0, len(depth), window)
        ]
        return resized(np.concatenate(made), clip.depth.shape[2:])

    def _generated(self, new: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Pictures (F, V, h, w, 3) of frames of depth, as many as a window has or less."""
        restyler = self._restyler
        assert self._past is not None
        known = np.concatenate([self._past, new])[-restyler.frames :]
        lacking = np.repeat(known[:1], restyler.frames - len(known), axis=0)
        if self._noise is None:
            self._noise = restyler.noise(self._seed, *known.shape[1:])
        depth, noise = np.concatenate([lacking, known])[None], self._noise
        if restyler.apart:  # views become items
            depth = depth.swapaxes(0, 2)
            noise = torch.cat(noise.chunk(len(depth), dim=-1))
        made: Any = restyler.pipeline(
            depth=depth,
            latents=noise,
            output_type="views",
            **self._text,
            **restyler.options,
        )
        self._past = known[max(0, len(known) - restyler.frames + 1) :]
        frames = made.frames.swapaxes(0, 2) if restyler.apart else made.frames
        pictures: NDArray[np.uint8] = frames[0, -len(new) :]
        return pictures


def sampled(depth: NDArray[np.float32], resolution: tuple[int, int] | None) -> NDArray[np.float32]:
    """Depth (F, V, H, W) at the nearest pixels of another resolution: it is never averaged.

    Args:
        depth: In m.
        resolution: Width and height in pixels; None for what it has.
    """
    if resolution is None:
        return depth
    columns, rows = (
        ((np.arange(wanted) + 0.5) * there / wanted).astype(np.intp)
        for wanted, there in zip(resolution, depth.shape[:1:-1], strict=True)
    )
    return depth[:, :, rows[:, None], columns]


def filled(depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """Depth (F, V, H, W) whose invalid pixels are as far as the nearest valid one of the picture.

    A picture without any valid pixel stays as it is.
    """
    holes = depth == 0
    if not holes.any():
        return depth
    whole = depth.copy()
    for place in np.ndindex(depth.shape[:2]):
        if holes[place].any() and not holes[place].all():
            rows, columns = ndimage.distance_transform_edt(
                holes[place], return_distances=False, return_indices=True
            )
            whole[place] = depth[place][rows, columns]
    return whole


def resized(rgb: NDArray[np.uint8], size: tuple[int, ...]) -> NDArray[np.uint8]:
    """Pictures (F, V, h, w, 3) at another size, bilinear.

    Args:
        rgb: The pictures.
        size: Height and width in pixels.
    """
    if rgb.shape[2:4] == size:
        return rgb
    flat = torch.from_numpy(rgb).flatten(0, 1).permute(0, 3, 1, 2).float()
    large = torch.nn.functional.interpolate(flat, size=size, mode="bilinear", antialias=True)
    levels = large.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
    pictures: NDArray[np.uint8] = levels.unflatten(0, rgb.shape[:2]).contiguous().numpy()
    return pictures
