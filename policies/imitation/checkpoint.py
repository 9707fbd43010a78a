"""A trained method as a folder: `model.safetensors`, and `config.json` that says what it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from learning.configuration import ConfigurationError
from learning.weights_file import save_weights
from learning.whole_folder import put_in_place, staged, surviving
from policies.imitation.method import ImitationMethod
from policies.imitation.methods import build

CONFIG_NAME, MODEL_NAME = "config.json", "model.safetensors"
FORMAT = "emma_gym-policy-1"

PACKAGES = ("emma-gym", "torch", "transformers", "diffusers")
"""Whose versions are noted down."""


class CheckpointError(ValueError):
    """A checkpoint that is missing or cannot be used; says why in one line."""


@dataclass(frozen=True)
class Checkpoint:
    """What a trained method consists of.

    Attributes:
        method: Registered name, or `module:Class`.
        config: The method's configuration.
        task: Task that it was trained for.
        dataset: What it learned from: `parts` (each with `episodes` and `variations`),
            `training_set`, `cameras`, `camera_model`, `resolution`, `seed`, `sha256`.
        training: How it came about: `seed`, `step`, `optimization`, `averaged` and more.
        weights: The state dict that acts, normalizers included.
        versions: Of the packages that wrote it.
        sha256: Of the weights' file; empty before it is written.
    """

    method: str
    config: Mapping[str, Any]
    task: str
    dataset: Mapping[str, Any]
    training: Mapping[str, Any]
    weights: Mapping[str, Tensor]
    versions: Mapping[str, str | None] | None = None
    sha256: str = ""

    def save(self, folder: Path) -> str:
        """Writes it to a folder, in place of what is there; returns the hash of the weights."""
        staging = staged(folder)
        save_weights(staging / MODEL_NAME, self.weights)
        sha256 = _sha256(staging / MODEL_NAME)
        config = {
            "format": FORMAT,
            "method": self.method,
            "config": self.config,
            "task": self.task,
            "dataset": self.dataset,
            "training": self.training,
            "versions": self.versions or package_versions(),
            "weights_sha256": sha256,
        }
        text = json.dumps(config, indent=2, allow_nan=False) + "\n"
        (staging / CONFIG_NAME).write_text(text, encoding="utf-8")
        put_in_place(staging, folder)
        return sha256

    @classmethod
    def load(cls, folder: Path) -> Checkpoint:
        """Reads it from a folder.

        Raises:
            CheckpointError: If there is none, or it is damaged or of another kind.
        """
        folder = surviving(folder)
        try:
            config = json.loads((folder / CONFIG_NAME).read_text(encoding="utf-8"))
            if not isinstance(config, dict) or config.get("format") != FORMAT:
                raise CheckpointError(f"{folder / CONFIG_NAME} has not the format '{FORMAT}'")
            sha256 = _sha256(folder / MODEL_NAME)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise CheckpointError(
                f"{folder} is no checkpoint folder: it has no {Path(str(error.filename)).name}"
            ) from None
        except (OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
            raise CheckpointError(f"cannot read {folder}: {error}") from None
        if config.get("weights_sha256") != sha256:
            raise CheckpointError(f"{folder / MODEL_NAME} is not the file that its config names")
        try:
            return cls(
                method=str(config["method"]),
                config=dict(config["config"]),
                task=str(config["task"]),
                dataset=dict(config["dataset"]),
                training=dict(config["training"]),
                weights=load_file(folder / MODEL_NAME),
                versions=dict(config["versions"]),
                sha256=sha256,
            )
        except (KeyError, TypeError, ValueError, SafetensorError) as error:
            raise CheckpointError(f"{folder} is damaged: {error!r}") from None

    def build(self) -> ImitationMethod:
        """The method with its weights, ready to act.

        Raises:
            CheckpointError: If configuration and weights do not belong to each other, or not to
                this version of the method.
        """
        try:
            method = build(self.method, self.config)
            method.load_state_dict(dict(self.weights))
        except (ConfigurationError, RuntimeError) as error:
            line = " ".join(str(error).split())
            raise CheckpointError(f"the checkpoint is none of this {self.method}: {line}") from None
        return method.eval().requires_grad_(False)


def package_versions() -> dict[str, str | None]:
    """Versions of what makes a checkpoint."""
    return {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(1 << 24):
            digest.update(part)
    return digest.hexdigest()
