"""Protocols: what is measured, as versioned YAML files: ours in `specs/`, and anybody's own."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import re
from collections.abc import Mapping
from importlib import resources
from importlib.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

import yaml  # type: ignore[import-untyped]

from envs.cameras import CAMERA_MODELS
from envs.errors import InvalidOptionError
from envs.randomization import LEVELS, parse

SUFFIX = ".yaml"
HEADLINES = ("success_once", "success_at_end")

_NAME = re.compile("[a-z0-9][a-z0-9_]{0,99}")
_T = TypeVar("_T")


class UnknownProtocolError(ValueError):
    """No protocol of that name."""


class InvalidProtocolError(ValueError):
    """A specification that misses something, or has something nobody reads."""


#: Names that results have for training data outside of any protocol's sets.
UNTRAINED, OTHER_DATA = "none", "other"


@dataclasses.dataclass(frozen=True)
class Condition:
    """One arm of a protocol; every condition is run on the same seeds.

    Attributes:
        name: Unique in its protocol.
        variations: What it changes in the scene, as `envs.randomization.parse` reads it. Empty:
            nothing.
        twin: The unperturbed condition that it is compared with seed by seed; None for such a one.
        factor: What varies, for summaries by factor; None for a twin.
        level: Place on the axis of its factor, 0 .. 5; None where there is no axis.
        standardized_to: Camera model whose intrinsics all pictures are warped to
            (`envs.wrappers.IntrinsicStandardization`); None leaves them as they are.
    """

    name: str
    variations: Mapping[str, Any]
    twin: str | None = None
    factor: str | None = None
    level: int | None = None
    standardized_to: str | None = None


@dataclasses.dataclass(frozen=True)
class Demonstrations:
    """A part of a training set: expert episodes of each task.

    Attributes:
        episodes: How many a task, on seeds below 100000. Of generated ones at most as many, and
            more than half: a filter may have dropped some.
        variations: What varies in them; where they are generated, in those that they are made of.
        generated: Whether their pictures are generated.
    """

    episodes: int
    variations: Mapping[str, Any]
    generated: bool = False


@dataclasses.dataclass(frozen=True)
class TrainingSet:
    """What a policy may have been trained on; results of different sets are never ranked together.

    Attributes:
        name: Unique in its protocol.
        description: What it is.
        demonstrations: Its parts; none where a policy learns otherwise.
    """

    name: str
    description: str
    demonstrations: tuple[Demonstrations, ...] = ()


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
        training: Training sets that results are compared within.
        sha256: Of the content, whatever its layout and comments.
    """

    name: str
    version: int
    title: str
    description: str
    headline: str
    after_success_steps: int
    conditions: tuple[Condition, ...]
    training: tuple[TrainingSet, ...]
    sha256: str

    def training_set(self, name: str) -> TrainingSet:
        """One of the training sets.

        Raises:
            ValueError: For a name that is none, with those that are.
        """
        for known in self.training:
            if known.name == name:
                return known
        valid = ", ".join([*(known.name for known in self.training), OTHER_DATA])
        raise ValueError(f"protocol {self.name} has no training set '{name}'; valid: {valid}")


def protocol_names() -> list[str]:
    """Names of all our protocols, sorted."""
    files = resources.files("eval_protocols").joinpath("specs").iterdir()
    return sorted(file.name.removesuffix(SUFFIX) for file in files if file.name.endswith(SUFFIX))


def find_protocol(name: str) -> Protocol:
    """Reads a protocol of ours or of the user's own.

    Args:
        name: One of `protocol_names()`, or the path of a `.yaml` file.

    Raises:
        UnknownProtocolError: With the nearest names, or why the file cannot be read.
        InvalidProtocolError: In one line that names the key that is wrong.
    """
    if not name.endswith(SUFFIX):
        return load_protocol(name)
    path = Path(name).expanduser()
    protocol = _load(name, path.name.removesuffix(SUFFIX), path)
    if protocol.name in protocol_names():
        raise InvalidProtocolError(f"protocol '{name}': '{protocol.name}' is one of ours")
    return protocol


def load_protocol(name: str) -> Protocol:
    """Reads a protocol of ours; opens no other file, whatever a stranger calls his.

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
    file = resources.files("eval_protocols").joinpath("specs", f"{name}{SUFFIX}")
    return _load(name, name, file)


def _load(label: str, name: str, file: Traversable) -> Protocol:
    """Reads a file that is named as its protocol."""
    try:
        specification = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnknownProtocolError(f"protocol '{label}': {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        line = " ".join(str(error).split())
        raise InvalidProtocolError(f"protocol '{label}': not YAML: {line}") from None
    protocol = parse_protocol(label, specification)
    if protocol.name != name:
        raise InvalidProtocolError(f"protocol '{label}': its name is '{protocol.name}'")
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
    training = _typed(where, "training", fields["training"], list)
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
        training=tuple(
            _training_set(f"{where}, training set {index}", training_set)
            for index, training_set in enumerate(training)
        ),
        sha256=_sha256(where, specification),
    )
    if protocol.version < 1 or protocol.after_success_steps < 0:
        raise InvalidProtocolError(f"{where}: version < 1 or after_success_steps < 0")
    _check_names(where, "conditions", [each.name for each in protocol.conditions])
    _check_names(where, "training", [each.name for each in protocol.training])
    twins = {each.name for each in protocol.conditions if each.twin is None}
    for each in protocol.conditions:
        if each.twin is not None and each.twin not in twins:
            valid = ", ".join(sorted(twins))
            raise InvalidProtocolError(
                f"{where}, condition {each.name}: twin '{each.twin}', not an unperturbed condition "
                f"({valid})"
            )
    return protocol


def _check_names(where: str, what: str, names: list[str]) -> None:
    if not names or len(set(names)) < len(names):
        raise InvalidProtocolError(f"{where}: needs {what}, each with a name of its own")
    for name in names:
        if not _NAME.fullmatch(name) or name in (UNTRAINED, OTHER_DATA):
            raise InvalidProtocolError(f"{where}: {what} cannot be called '{name}'")


def _condition(where: str, specification: Any) -> Condition:
    optional = {"twin", "factor", "level", "standardized_to"}
    fields = _mapping(where, specification, {"name", "variations"}, optional)
    level = fields.get("level")
    if level is not None and (isinstance(level, bool) or level not in LEVELS):
        raise InvalidProtocolError(f"{where}: level is {level!r}, not an integer in 0 .. 5")
    standard = fields.get("standardized_to")
    if standard is not None and standard not in CAMERA_MODELS:
        valid = ", ".join(CAMERA_MODELS)
        raise InvalidProtocolError(f"{where}: standardized_to is {standard!r}, not one of {valid}")
    twin, factor = (
        None if fields.get(key) is None else _typed(where, key, fields[key], str)
        for key in ("twin", "factor")
    )
    if (twin is None) != (factor is None):
        raise InvalidProtocolError(f"{where}: twin and factor come together")
    return Condition(
        name=_typed(where, "name", fields["name"], str),
        variations=_variations(where, fields["variations"]),
        twin=twin,
        factor=factor,
        level=level,
        standardized_to=standard,
    )


def _training_set(where: str, specification: Any) -> TrainingSet:
    fields = _mapping(where, specification, {"name", "description"}, {"demonstrations"})
    parts = _typed(where, "demonstrations", fields.get("demonstrations", []), list)
    return TrainingSet(
        name=_typed(where, "name", fields["name"], str),
        description=_typed(where, "description", fields["description"], str),
        demonstrations=tuple(_demonstrations(where, part) for part in parts),
    )


def _demonstrations(where: str, specification: Any) -> Demonstrations:
    fields = _mapping(where, specification, {"episodes", "variations"}, {"generated"})
    episodes = _typed(where, "episodes", fields["episodes"], int)
    if episodes < 1:
        raise InvalidProtocolError(f"{where}: episodes is {episodes}, not at least 1")
    generated = _typed(where, "generated", fields.get("generated", False), bool)
    return Demonstrations(episodes, _variations(where, fields["variations"]), generated)


def _variations(where: str, specification: Any) -> Mapping[str, Any]:
    variations: dict[str, Any] = _typed(where, "variations", specification, dict)
    try:
        # Running without what one does not know would give numbers for something else.
        parse(variations)
    except InvalidOptionError as error:
        raise InvalidProtocolError(f"{where}: {error}") from None
    return variations


def _mapping(
    where: str, value: Any, keys: set[str], optional: frozenset[str] | set[str] = frozenset()
) -> dict[str, Any]:
    """A mapping with these keys, and perhaps the optional ones."""
    if not isinstance(value, dict):
        raise InvalidProtocolError(f"{where}: not a mapping")
    if missing := sorted(keys - value.keys()):
        raise InvalidProtocolError(f"{where}: no {', '.join(missing)}")
    if unknown := sorted(str(key) for key in value.keys() - keys - optional):
        near = difflib.get_close_matches(unknown[0], keys | optional, n=1)
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
