"""The folder of a training, and whether it holds this one or another."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from learning.errors import TrainingError

CONFIG_NAME, CURVE_NAME = "config.yaml", "curve.csv"
CHECKPOINTS, TENSORBOARD = "checkpoints", "tensorboard"


def holds(folder: Path, described: Mapping[str, Any]) -> bool:
    """Whether a folder holds a training.

    Args:
        folder: Where one may have been written.
        described: What decides the training's numbers.

    Raises:
        TrainingError: If it holds another one; names what differs.
    """
    config = folder / CONFIG_NAME
    if not config.exists():
        return False
    before = yaml.safe_load(config.read_text(encoding="utf-8"))
    for key, value in described.items():
        if before.get(key) != value:
            raise TrainingError(
                f"{folder} holds a training with {_difference(key, before.get(key), value)}; name "
                "another output_dir, or resume=false to delete it"
            )
    return True


def begin(folder: Path, described: Mapping[str, Any], results: Iterable[str]) -> None:
    """Deletes the training that the folder may hold, and notes down the one that begins.

    Args:
        folder: Where it will be written.
        described: What decides its numbers.
        results: Names in the folder of what comes out of such a training.
    """
    for name in (CONFIG_NAME, CURVE_NAME, CHECKPOINTS, *results, TENSORBOARD):
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(dict(described), sort_keys=False)
    (folder / CONFIG_NAME).write_text(text, encoding="utf-8")


def _difference(key: str, before: Any, value: Any) -> str:
    """Two values of a key that differ, and of mappings what of them does."""
    if isinstance(before, dict) and isinstance(value, dict):
        for inner in {**before, **value}:
            if before.get(inner) != value.get(inner):
                return _difference(f"{key}.{inner}", before.get(inner), value.get(inner))
    return f"{key}={before}, not {value}"
