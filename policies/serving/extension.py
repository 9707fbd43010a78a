"""What our servers and clients say to each other beyond openpi's protocol.

The greeting of our server has an entry `emma_gym`: what its policy observes, and how it acts. So a
client needs no configuration, and sends observations as the environment gives them. Since openpi's
protocol does not say when an episode begins, our client sends a mapping with the only key `reset`
before each, answered by `{"reset": True}`. Other servers are sent nothing of this.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from policies.policy import EpisodeContext, Observes, TrainingData

KEY = "emma_gym"
VERSION = 1

MAX_TEXT = 1000
MAX_ACTION_SIZE = 100


class ExtensionError(ValueError):
    """A greeting or the beginning of an episode that is not understood."""


@dataclasses.dataclass(frozen=True)
class Announcement:
    """What our server says about its policy.

    Attributes:
        policy: Registered name or `module:Class`.
        observes: The observation it needs.
        action_mode: `joint` or `ee`.
        tasks: Names of the only tasks that it can do; None for one that takes any.
        training_data: What it has learned from; None if it does not know.
        config: What it was built with, as JSON.
        weights_sha256: Hash of its weights, or None for a policy without any.
        max_message_bytes: Greatest message that the server takes.
    """

    policy: str
    observes: Observes
    action_mode: str
    tasks: tuple[str, ...] | None
    training_data: TrainingData | None
    config: dict[str, Any]
    weights_sha256: str | None
    max_message_bytes: int

    def metadata(self) -> dict[str, Any]:
        """The server's greeting."""
        return {KEY: {"version": VERSION, **dataclasses.asdict(self)}}


def announcement(metadata: Mapping[str, Any]) -> Announcement | None:
    """What a server's greeting says about its policy; None if it is not one of ours.

    Raises:
        ExtensionError: If it is one of ours that is not understood.
    """
    entry = metadata.get(KEY)
    if entry is None:
        return None
    if not isinstance(entry, Mapping) or entry.get("version") != VERSION:
        found = entry.get("version") if isinstance(entry, Mapping) else entry
        raise ExtensionError(f"the server speaks version {found!r:.40}, this client {VERSION}")
    try:
        return Announcement(
            policy=_as(str, entry["policy"]),
            observes=observes_from(entry["observes"]),
            action_mode=_as(str, entry["action_mode"]),
            tasks=_tasks(entry["tasks"]),
            training_data=_training_data(entry["training_data"]),
            config=_as(dict, entry["config"]),
            weights_sha256=_as((str, type(None)), entry["weights_sha256"]),
            max_message_bytes=_as(int, entry["max_message_bytes"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ExtensionError(f"the server's greeting is not understood: {error!r:.200}") from None


def observes_from(values: Mapping[str, Any]) -> Observes:
    """`Observes` from a mapping with lists for tuples.

    Raises:
        TypeError: For unknown fields or values of other types.
    """
    _as(Mapping, values)
    if unknown := sorted(set(values) - {field.name for field in dataclasses.fields(Observes)}):
        raise TypeError(f"unknown {', '.join(map(str, unknown))}")
    given: dict[str, Any] = {
        key: tuple(value) if isinstance(value, (list, tuple)) else value
        for key, value in values.items()
    }
    observes = Observes(**given)
    _as(str, observes.obs_mode)
    for camera in _as(tuple, observes.cameras):
        _as(str, camera)
    if observes.resolution is not None:
        width, height = _pair(observes.resolution)
        _as(int, width)
        _as(int, height)
    _as(int, observes.history)
    _as(int, observes.history_stride)
    return observes


def episode_message(episode: EpisodeContext) -> dict[str, Any]:
    """What the client sends when an episode begins."""
    return {
        "reset": {
            "task": episode.task,
            "instruction": episode.instruction,
            "seed": episode.seed,
            "control_hz": episode.control_hz,
            "action_low": episode.action_space.low,
            "action_high": episode.action_space.high,
        }
    }


def episode_from(message: Mapping[str, Any]) -> EpisodeContext:
    """The beginning of an episode in a client's message.

    Raises:
        ExtensionError: If it is not understood.
    """
    try:
        entry = _as(dict, message["reset"])
        low, high = (_bound(entry[key]) for key in ("action_low", "action_high"))
        if low.shape != high.shape or not (low < high).all():
            raise TypeError("action_low is not below action_high")
        control_hz = float(_as((int, float), entry["control_hz"]))
        if not 0 < control_hz < 1e6:
            raise TypeError(f"control_hz is {control_hz:g}")
        return EpisodeContext(
            task=_text(entry["task"]),
            instruction=_text(entry["instruction"]),
            seed=_seed(entry["seed"]),
            action_space=spaces.Box(low, high),
            control_hz=control_hz,
        )
    except (KeyError, TypeError) as error:
        raise ExtensionError(f"reset is not understood: {error!r:.200}") from None


def _tasks(value: Any) -> tuple[str, ...] | None:
    return None if value is None else tuple(_as(str, task) for task in _as(list, value))


def _training_data(value: Any) -> TrainingData | None:
    if value is None:
        return None
    recorded, generated = (
        tuple((_as(int, episodes), _as(dict, varied)) for episodes, varied in parts)
        for parts in (value["demonstrations"], value.get("generated", ()))
    )
    return TrainingData(recorded, _as((int, type(None)), value["seed"]), generated)


def _as(kind: Any, value: Any) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"unexpected {type(value).__name__}")
    return value


def _pair(value: Any) -> tuple[Any, Any]:
    if not isinstance(value, tuple) or len(value) != 2:
        raise TypeError("resolution is not width and height")
    return value


def _text(value: Any) -> str:
    text: str = _as(str, value)
    if len(text) > MAX_TEXT:
        raise TypeError(f"a text of {len(text)} characters")
    return text


def _seed(value: Any) -> int:
    seed: int = _as(int, value)
    if seed < 0:
        raise TypeError(f"seed is {seed}")
    return seed


def _bound(value: Any) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f" or value.ndim != 1:
        raise TypeError("a bound of actions is no vector")
    if not 0 < len(value) <= MAX_ACTION_SIZE or not np.isfinite(value).all():
        raise TypeError("a bound of actions is empty, too long or not finite")
    return value.astype(np.float32)
