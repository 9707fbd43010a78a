"""What a policy is, whichever training run of it acts; how policies of one name are told apart.

Contents:
    policy_settings: all that was set of the policy of a result.
    sampling_of: how its training drew samples.
    differences: what tells each of several from the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: Keys of a policy's configuration, at any depth, that tell its training runs apart, not what it
#: is. `reference_sha256` is of the weights that a training compared with: of its training seed.
RUN_KEYS = frozenset({"seed", "checkpoint", "reference_sha256"})

#: Longest text of `differences`.
MAX_LENGTH = 80


def policy_settings(result: Mapping[str, Any]) -> dict[str, Any]:
    """All that was set of the policy of a result, and of how its training drew samples.

    Args:
        result: A valid result, or its blocks `policy` and `training`.

    Returns:
        The policy's configuration without `RUN_KEYS`, and `sampling` if the result has it. Where
        the configuration says the same again, as those of our checkpoints do, it is left out.
    """
    settings: dict[str, Any] = _without_run_keys(result["policy"]["config"])
    if (sampling := sampling_of(result)) is not None:
        if isinstance(settings.get("training"), dict):
            settings["training"].pop("sampling", None)
        settings["sampling"] = sampling
    return settings


def sampling_of(result: Mapping[str, Any]) -> Any:
    """How the training drew its samples, without `RUN_KEYS`; None if the result does not say it.

    Args:
        result: A valid result.
    """
    return _without_run_keys(result["training"].get("sampling"))


def differences(settings: Sequence[Any]) -> list[str]:
    """What tells each of several settings from the others, such as `sampling.sampler="adamix"`.

    Args:
        settings: JSON values.

    Returns:
        One text each, of at most `MAX_LENGTH` characters: the sampler first, then its options, then
        what is least deep; empty for one that has nothing that another one lacks.
    """
    leaves = [{path: json.dumps(value) for path, value in _leaves("", each)} for each in settings]
    shared = set.intersection(*(set(each.items()) for each in leaves)) if leaves else set()
    texts = []
    for each in leaves:
        own = sorted(each.items() - shared, key=_first_shown)
        text = ", ".join(f"{path}={value}" if path else value for path, value in own)
        texts.append(text if len(text) <= MAX_LENGTH else f"{text[: MAX_LENGTH - 3]}...")
    return texts


def _first_shown(leaf: tuple[str, str]) -> tuple[bool, bool, int, str]:
    path, _ = leaf
    named = path == "sampling.sampler"  # says more than each of its options
    return not named, not path.startswith("sampling."), path.count("."), path


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What is not a mapping with keys, by its dotted path."""
    if not isinstance(value, dict) or not value:
        yield path, value
        return
    for key, item in value.items():
        yield from _leaves(f"{path}.{key}" if path else key, item)


def _without_run_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_run_keys(item) for key, item in value.items() if key not in RUN_KEYS}
    if isinstance(value, list):
        return [_without_run_keys(item) for item in value]
    return value
