"""PPO and SAC, trained with Stable-Baselines3 (`policies.training`), as policies.

A checkpoint is a folder with `config.json` and `model.safetensors`: how the hand sees and acts
(`envs.wrappers.one_hand`), and the layers of the network that acts. Nothing is unpickled, and
neither SB3 nor torch is needed to act.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from envs.errors import InvalidOptionError
from envs.wrappers.one_hand import STEP_SIZE, OneHand
from policies.policy import EpisodeContext, Observation, Policy

CONFIG_NAME, MODEL_NAME = "config.json", "model.safetensors"
FORMAT = "emma_gym-sb3-1"

Array = NDArray[np.float32]

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0.0),
}
OUTPUTS: dict[str, Callable[[Array], Array]] = {
    "tanh": np.tanh,
    "clip": lambda x: np.clip(x, -1.0, 1.0),
}


class CheckpointError(ValueError):
    """A checkpoint that is missing or cannot be used; says why in one line."""


@dataclass(frozen=True)
class Network:
    """The layers that act: a vector in, one step of the hand in [-1, 1] out.

    Attributes:
        layers: Weight (outputs, inputs) and bias (outputs,) of each.
        activation: After all layers but the last, out of `ACTIVATIONS`.
        output: After the last one, out of `OUTPUTS`.
    """

    layers: tuple[tuple[Array, Array], ...]
    activation: str
    output: str

    def __call__(self, vector: Array) -> Array:
        """Acts."""
        for weight, bias in self.layers[:-1]:
            vector = ACTIVATIONS[self.activation](weight @ vector + bias)
        weight, bias = self.layers[-1]
        return np.asarray(OUTPUTS[self.output](weight @ vector + bias), dtype=np.float32)


@dataclass(frozen=True)
class Checkpoint:
    """What a trained policy consists of.

    Attributes:
        policy: Registered name.
        task: Task that it was trained for.
        hand: How it sees and acts.
        network: What acts.
        training: How it came about, as JSON; for people.
        sha256: Of the weights' file.
    """

    policy: str
    task: str
    hand: OneHand
    network: Network
    training: Mapping[str, Any]
    sha256: str = ""

    def save(self, folder: Path) -> None:
        """Writes it to a folder, in place of the one that is there."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors: dict[str, Array] = {}
        for i, (weight, bias) in enumerate(self.network.layers):
            tensors |= {f"layers.{i}.weight": weight, f"layers.{i}.bias": bias}
        weights = save({name: np.ascontiguousarray(each) for name, each in tensors.items()})
        config = {
            "format": FORMAT,
            "policy": self.policy,
            "task": self.task,
            "hand": self.hand.settings(),
            "network": {"activation": self.network.activation, "output": self.network.output},
            "training": self.training,
            "weights_sha256": hashlib.sha256(weights).hexdigest(),
        }
        text = (json.dumps(config, indent=2) + "\n").encode()
        for name, data in ((MODEL_NAME, weights), (CONFIG_NAME, text)):
            staging = folder / f"{name}.part"
            staging.write_bytes(data)
            staging.replace(folder / name)

    @classmethod
    def load(cls, folder: Path) -> Checkpoint:
        """Reads it from a folder.

        Raises:
            CheckpointError: If there is none, or it is damaged or of another kind.
        """
        try:
            config = json.loads((folder / CONFIG_NAME).read_text(encoding="utf-8"))
            weights = (folder / MODEL_NAME).read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise CheckpointError(
                f"{folder} is no checkpoint folder: it has no {Path(str(error.filename)).name}"
            ) from None
        except (OSError, ValueError) as error:
            raise CheckpointError(f"cannot read {folder / CONFIG_NAME}: {error}") from None
        if not isinstance(config, dict) or config.get("format") != FORMAT:
            raise CheckpointError(f"{folder / CONFIG_NAME} has not the format '{FORMAT}'")
        sha256 = hashlib.sha256(weights).hexdigest()
        if config.get("weights_sha256") != sha256:
            raise CheckpointError(f"{folder / MODEL_NAME} is not the file that its config names")
        try:
            hand = OneHand.of(config["hand"])
            network = Network(
                _layers(load(weights), hand.inputs),
                _one_of(ACTIVATIONS, config["network"]["activation"]),
                _one_of(OUTPUTS, config["network"]["output"]),
            )
            name, task = str(config["policy"]), str(config["task"])
        except (KeyError, TypeError, InvalidOptionError, SafetensorError, ValueError) as error:
            raise CheckpointError(f"{folder} is damaged: {error}") from None
        return cls(name, task, hand, network, dict(config.get("training", {})), sha256)


def _one_of(valid: Mapping[str, Any], name: Any) -> str:
    if name not in valid:
        raise ValueError(f"'{name}' is none of {', '.join(valid)}")
    return str(name)


def _layers(tensors: Mapping[str, Array], inputs: int) -> tuple[tuple[Array, Array], ...]:
    layers = []
    for i in range(len(tensors) // 2):
        weight, bias = tensors[f"layers.{i}.weight"], tensors[f"layers.{i}.bias"]
        if weight.shape != (len(bias), inputs):
            raise ValueError(f"layer {i} has shape {weight.shape}, not ({len(bias)}, {inputs})")
        inputs = len(bias)
        layers.append((weight, bias))
    if inputs != STEP_SIZE or not layers:
        raise ValueError(f"{inputs} outputs, not {STEP_SIZE}")
    return tuple(layers)


class _TrainedPolicy(Policy):
    """A trained policy: deterministic, one step of the hand a call."""

    algorithm: ClassVar[str]

    def __init__(self, checkpoint: str | None = None) -> None:
        """Loads it.

        Args:
            checkpoint: Folder that a training wrote, such as `outputs/.../best`.

        Raises:
            CheckpointError: If there is none, or it is another policy's.
        """
        if checkpoint is None:
            raise CheckpointError(
                f"{self.algorithm} needs policy_config.checkpoint=FOLDER, which `python -m "
                f"emma_gym.train policy={self.algorithm} task=TASK` makes; trained ones are in "
                "results/rl"
            )
        found = Checkpoint.load(Path(checkpoint).expanduser())
        if found.policy != self.algorithm:
            raise CheckpointError(
                f"{checkpoint} is a checkpoint of policy={found.policy}, not {self.algorithm}"
            )
        self._checkpoint = found

    def reset(self, episode: EpisodeContext) -> None:
        """Forgets which hand acted.

        Raises:
            CheckpointError: For another task than it was trained for.
        """
        if episode.task != self._checkpoint.task:
            raise CheckpointError(
                f"the checkpoint was trained for {self._checkpoint.task}, not {episode.task}"
            )
        self._side: int | None = None

    def act(self, observation: Observation) -> Array:
        """The control steps (T, 14) of the hand's next step."""
        hand = self._checkpoint.hand
        if self._side is None:
            self._side = hand.side(observation)
        step = self._checkpoint.network(hand.vector(observation, self._side))
        return hand.actions(step, observation, self._side)

    def config(self) -> dict[str, Any]:
        """What it was trained for and how it acts."""
        found = self._checkpoint
        return {"task": found.task, "hand": found.hand.settings(), "training": found.training}

    def weights_sha256(self) -> str:
        """Hash of the weights' file."""
        return self._checkpoint.sha256


class PpoPolicy(_TrainedPolicy):
    """Proximal policy optimization (Schulman et al. 2017)."""

    algorithm = "ppo"


class SacPolicy(_TrainedPolicy):
    """Soft actor-critic (Haarnoja et al. 2018)."""

    algorithm = "sac"
