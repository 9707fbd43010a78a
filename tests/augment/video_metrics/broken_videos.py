"""Ways in which a generated video goes wrong, done to a true clip."""

import numpy as np
from scipy import ndimage


def views_shuffled(clip):
    return clip.with_rgb(np.roll(clip.rgb, 1, axis=1))


def one_view_recolored(clip):
    rgb = clip.rgb.copy()
    rgb[:, -1] = rgb[:, -1][..., [2, 0, 1]]
    return clip.with_rgb(rgb)


def warped(clip):
    """Waves of three pixels, in every view alike."""
    height, width = clip.rgb.shape[2:4]
    rows, columns = np.mgrid[:height, :width]
    rows, columns = rows + 3 * np.sin(columns / 20), columns + 3 * np.cos(rows / 15)
    rows, columns = (np.clip(np.rint(each).astype(int), 0, None) for each in (rows, columns))
    return clip.with_rgb(
        clip.rgb[:, :, np.minimum(rows, height - 1), np.minimum(columns, width - 1)]
    )


def flickering(clip):
    gain = np.random.default_rng(0).uniform(0.7, 1.3, (clip.frames, 1, 1, 1, 1))
    return clip.with_rgb(np.clip(clip.rgb * gain, 0, 255).astype(np.uint8))


def blurred(clip):
    return clip.with_rgb(
        ndimage.gaussian_filter(clip.rgb.astype(np.float32), (0, 0, 2, 2, 0)).astype(np.uint8)
    )


def blank(clip):
    return clip.with_rgb(np.full_like(clip.rgb, 128))


def time_reversed(clip):
    return clip.with_rgb(clip.rgb[::-1].copy())


def tinted(clip, red, blue):
    """As in light whose red and blue are stronger or weaker by factors."""
    gain = np.array([red, 1.0, blue]) ** (1 / 2.2)
    return clip.with_rgb(np.clip(clip.rgb * gain, 0, 255).astype(np.uint8))
