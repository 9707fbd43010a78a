"""What a policy is, whichever training run of it acts; how policies of one name are told apart.

Contents:
    policy_settings: all that was set of the policy of a result.
    sampling_of: how its training drew samples.
    differences: all of each that others have not.
    distinctions: as little of each as tells it from the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: Keys of a policy's configuration, at any depth, that tell its training runs apart, not what it
#: is. `reference_sha256` is of the weights that a training compared with: of its training seed.
RUN_KEYS = frozenset({"seed", "checkpoint", "reference_sha256"})

#: Longest text of `differences` and `distinctions`.
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
    """All of each of several settings that not all have, such as `sampling.sampler="adamix"`.

    Args:
        settings: JSON values.

    Returns:
        One text each, of at most `MAX_LENGTH` characters: the sampler first, then its options, then
        what is least deep; empty for one that has nothing that another one lacks.
    """
    return [_text(sorted(own, key=_first_shown)) for own in _own_leaves(settings)]


def distinctions(settings: Sequence[Any]) -> list[str]:
    """As little of each of several settings as tells it from all others; for lists of many.

    Args:
        settings: JSON values.

    Returns:
        One text each, as those of `differences`: the sampler first, if there are several, then what
        tells it from most of those that are left, and so on.
    """
    leaves = _own_leaves(settings)
    texts = []
    for place, own in enumerate(leaves):
        told: list[tuple[str, str]] = []
        alike = [each for other, each in enumerate(leaves) if other != place]
        candidates = sorted(own, key=_first_shown)
        while candidates:
            lacking = [sum(leaf not in each for each in alike) for leaf in candidates]
            best = 0 if not told and _is_sampler(candidates[0]) else lacking.index(max(lacking))
            if not lacking[best]:
                break
            told.append(candidates.pop(best))
            alike = [each for each in alike if told[-1] in each]
        texts.append(_text(told))
    return texts


def _own_leaves(settings: Sequence[Any]) -> list[set[tuple[str, str]]]:
    """Of each its leaves, (dotted path, JSON), without those that all have."""
    leaves = [{(path, json.dumps(leaf)) for path, leaf in _leaves("", each)} for each in settings]
    shared = set.intersection(*leaves) if leaves else set()
    return [each - shared for each in leaves]


def _text(leaves: Sequence[tuple[str, str]]) -> str:
    text = ", ".join(f"{path}={value}" if path else value for path, value in leaves)
    return text if len(text) <= MAX_LENGTH else f"{text[: MAX_LENGTH - 3]}..."


def _is_sampler(leaf: tuple[str, str]) -> bool:
    return leaf[0] == "sampling.sampler"  # says more than each of its options


def _first_shown(leaf: tuple[str, str]) -> tuple[bool, bool, bool, int, str]:
    path, _ = leaf
    hashed = path.endswith("sha256")  # nothing that people read
    return not _is_sampler(leaf), not path.startswith("sampling."), hashed, path.count("."), path


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
