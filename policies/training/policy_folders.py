"""Where in a training's folder its policies are."""

from __future__ import annotations

from pathlib import Path

from learning.run_folder import CURVE_NAME, TENSORBOARD

BEST, LAST = "best", "last"


def files_of(folder: Path) -> dict[str, Path]:
    """Where things are, by what they are."""
    files = {
        "policy": folder / (BEST if (folder / BEST).exists() else LAST),
        "last": folder / LAST,
        "curve": folder / CURVE_NAME,
        "logs": folder / TENSORBOARD,
    }
    return {name: path for name, path in files.items() if path.exists()}
