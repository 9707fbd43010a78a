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

#: Begins `config.yaml`: others write files of that name too.
_HEADER = "# A training of EMMA-Gym: what decides its numbers.\n"


def holds(folder: Path, described: Mapping[str, Any]) -> bool:
    """Whether a folder holds a training.

    Args:
        folder: Where one may have been written.
        described: What decides the training's numbers.

    Raises:
        TrainingError: If it holds another one, naming what differs, or a `config.yaml` that
            describes none.
    """
    config = folder / CONFIG_NAME
    if not config.exists():
        return False
    try:
        text = config.read_text(encoding="utf-8")
        before = yaml.safe_load(text)
    except (ValueError, yaml.YAMLError):
        before = None
    if not isinstance(before, dict):
        raise TrainingError(
            f"{config} describes no training: name another output_dir, or empty this one"
        )
    remedy = "resume=false to delete it" if text.startswith(_HEADER) else "empty this one"
    for key, value in described.items():
        if before.get(key) != value:
            raise TrainingError(
                f"{folder} holds a training with {_difference(key, before.get(key), value)}; name "
                f"another output_dir, or {remedy}"
            )
    return True


def begin(folder: Path, described: Mapping[str, Any], results: Iterable[str]) -> None:
    """Deletes the training that the folder may hold, and notes down the one that begins.

    Args:
        folder: Where it will be written.
        described: What decides its numbers.
        results: Names in the folder of what comes out of such a training.

    Raises:
        TrainingError: If files that would be replaced are no training's; none is touched then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / CONFIG_NAME
    names = (CHECKPOINTS, CURVE_NAME, *results, TENSORBOARD)
    foreign = sorted({path.name for path in folder.iterdir()}.intersection((CONFIG_NAME, *names)))
    if foreign and not (config.is_file() and config.read_bytes().startswith(_HEADER.encode())):
        raise TrainingError(
            f"{folder} holds no training but other files, such as {foreign[0]}: name another "
            "output_dir, or empty this one"
        )
    for name in names:  # a kill leaves config.yaml, by which the rest is known to be a training's
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    staging = config.with_name(f"{CONFIG_NAME}.part")
    text = yaml.safe_dump(dict(described), sort_keys=False)
    staging.write_text(_HEADER + text, encoding="utf-8")
    staging.replace(config)


def _difference(key: str, before: Any, value: Any) -> str:
    """Two values of a key that differ, and of mappings what of them does."""
    if isinstance(before, dict) and isinstance(value, dict):
        for inner in {**before, **value}:
            if before.get(inner) != value.get(inner):
                return _difference(f"{key}.{inner}", before.get(inner), value.get(inner))
    return f"{key}={before}, not {value}"
