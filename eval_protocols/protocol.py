"""Protocols: what is measured, as versioned YAML files in `specs/`. A new one is one new file."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, TypeVar

import yaml  # type: ignore[import-untyped]

HEADLINES = ("success_once", "success_at_end")

VARIATIONS = {
    "object_shapes": ("seen", "unseen"),
    "object_appearances": ("seen", "unseen"),
}
"""What a condition may vary: options of `envs.dual_arm_env.DualArmEnv`, and their values."""

_T = TypeVar("_T")


class UnknownProtocolError(ValueError):
    """No protocol of that name."""


class InvalidProtocolError(ValueError):
    """A specification that misses something, or has something nobody reads."""


@dataclasses.dataclass(frozen=True)
class Condition:
    """One arm of a protocol; every condition is run on the same seeds.

    Attributes:
        name: Unique in its protocol.
        variations: What it changes in the scene, as `VARIATIONS` has it. Empty: nothing.
    """

    name: str
    variations: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Protocol:
    """What is measured.

    Attributes:
        name: As the file is called.
        version: Raised whenever the specification changes.
        title: Readable name.
        description: What question it answers.
        headline: The rate to quote, `success_once` or `success_at_end`.
        after_success_steps: Control steps that an episode goes on after its first success.
        conditions: At least one.
        training_data: What a policy may have been trained on.
        sha256: Of the content, whatever its layout and comments.
    """

    name: str
    version: int
    title: str
    description: str
    headline: str
    after_success_steps: int
    conditions: tuple[Condition, ...]
    training_data: str
    sha256: str


def protocol_names() -> list[str]:
    """Names of all protocols, sorted."""
    files = resources.files("eval_protocols").joinpath("specs").iterdir()
    return sorted(file.name[: -len(".yaml")] for file in files if file.name.endswith(".yaml"))


def load_protocol(name: str) -> Protocol:
    """Reads a protocol.

    Args:
        name: One of `protocol_names()`.

    Raises:
        UnknownProtocolError: With the nearest names.
        InvalidProtocolError: In one line that names the key that is wrong.
    """
    names = protocol_names()
    if name not in names:
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or names
        raise UnknownProtocolError(f"unknown protocol '{name}'; did you mean {', '.join(near)}?")
    file = resources.files("eval_protocols").joinpath("specs", f"{name}.yaml")
    try:
        specification = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        line = " ".join(str(error).split())
        raise InvalidProtocolError(f"protocol '{name}': not YAML: {line}") from None
    protocol = parse_protocol(name, specification)
    if protocol.name != name:
        raise InvalidProtocolError(f"protocol '{name}': its name is '{protocol.name}'")
    return protocol


def parse_protocol(label: str, specification: Any) -> Protocol:
    """Checks a specification and makes a protocol of it.

    Args:
        label: What errors call it.
        specification: What the YAML file holds.

    Raises:
        InvalidProtocolError: In one line that names the key that is wrong.
    """
    where = f"protocol '{label}'"
    keys = {field.name for field in dataclasses.fields(Protocol)} - {"sha256"}
    fields = _mapping(where, specification, keys)
    conditions = _typed(where, "conditions", fields["conditions"], list)
    headline = _typed(where, "headline", fields["headline"], str)
    if headline not in HEADLINES:
        raise InvalidProtocolError(f"{where}: headline '{headline}', not {' or '.join(HEADLINES)}")
    protocol = Protocol(
        name=_typed(where, "name", fields["name"], str),
        version=_typed(where, "version", fields["version"], int),
        title=_typed(where, "title", fields["title"], str),
        description=_typed(where, "description", fields["description"], str),
        headline=headline,
        after_success_steps=_typed(
            where, "after_success_steps", fields["after_success_steps"], int
        ),
        conditions=tuple(
            _condition(f"{where}, condition {index}", condition)
            for index, condition in enumerate(conditions)
        ),
        training_data=_typed(where, "training_data", fields["training_data"], str),
        sha256=_sha256(where, specification),
    )
    if protocol.version < 1 or protocol.after_success_steps < 0:
        raise InvalidProtocolError(f"{where}: version < 1 or after_success_steps < 0")
    names = [condition.name for condition in protocol.conditions]
    if not names or len(set(names)) < len(names):
        raise InvalidProtocolError(f"{where}: needs conditions, each with a name of its own")
    return protocol


def _condition(where: str, specification: Any) -> Condition:
    fields = _mapping(where, specification, {"name", "variations"})
    variations = _typed(where, "variations", fields["variations"], dict)
    # Running without what one does not know would give numbers for something else.
    if unknown := sorted(str(key) for key in variations.keys() - VARIATIONS.keys()):
        raise InvalidProtocolError(f"{where}: unknown variations {', '.join(unknown)}")
    for key, value in variations.items():
        if value not in VARIATIONS[key]:
            valid = " or ".join(VARIATIONS[key])
            raise InvalidProtocolError(f"{where}: {key} is {value!r}, not {valid}")
    return Condition(_typed(where, "name", fields["name"], str), variations)


def _mapping(where: str, value: Any, keys: set[str]) -> dict[str, Any]:
    """A mapping with exactly these keys."""
    if not isinstance(value, dict):
        raise InvalidProtocolError(f"{where}: not a mapping")
    if missing := sorted(keys - value.keys()):
        raise InvalidProtocolError(f"{where}: no {', '.join(missing)}")
    if unknown := sorted(str(key) for key in value.keys() - keys):
        near = difflib.get_close_matches(unknown[0], keys, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InvalidProtocolError(f"{where}: unknown key '{unknown[0]}'{hint}")
    return value


def _typed(where: str, key: str, value: Any, kind: type[_T]) -> _T:
    """The value of a key, if it has the right type (true and false are no integers)."""
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise InvalidProtocolError(f"{where}: {key} is {value!r}, not of type {kind.__name__}")
    return value


def _sha256(where: str, specification: Any) -> str:
    try:
        text = json.dumps(specification, sort_keys=True, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:  # YAML knows dates, sets and more
        raise InvalidProtocolError(f"{where}: not expressible in JSON: {error}") from None
    return hashlib.sha256(text.encode()).hexdigest()
