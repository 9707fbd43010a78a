"""Configurations: frozen dataclasses, made from mappings that may have come from files."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from envs.errors import nearest

_T = TypeVar("_T")


class ConfigurationError(ValueError):
    """A wrong name or value of a configuration; says in one line what is valid."""


def configured(config_class: type[_T], values: Mapping[str, Any], where: str) -> _T:
    """A dataclass from a mapping whose values have the right types.

    Args:
        config_class: Its fields are bool, int, float, str, tuples of those, or one or None.
        values: Fields in place of the defaults; sequences for tuples.
        where: What errors call it.

    Raises:
        ConfigurationError: For unknown or missing keys, values of other types, and what the
            dataclass itself refuses.
    """
    types = typing.get_type_hints(config_class)
    if unknown := sorted(set(values) - set(types)):
        raise ConfigurationError(f"unknown {where}.{unknown[0]}; {nearest(unknown[0], types)}")
    checked = {
        name: _typed(f"{where}.{name}", types[name], value) for name, value in values.items()
    }
    try:
        return config_class(**checked)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{where}: {error}") from None


def as_mapping(config: Any) -> dict[str, Any]:
    """A configuration as JSON knows it."""
    values = dataclasses.asdict(config)
    return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}


def _typed(where: str, kind: Any, value: Any) -> Any:
    arguments = typing.get_args(kind)
    if type(None) in arguments:
        if value is None:
            return None
        (kind,) = (each for each in arguments if each is not type(None))
        arguments = typing.get_args(kind)
    if typing.get_origin(kind) is tuple:
        if not isinstance(value, (list, tuple)):
            raise ConfigurationError(f"{where}={value}: expected a list")
        kinds = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
        if len(kinds) != len(value):
            raise ConfigurationError(f"{where}={list(value)}: expected {len(kinds)} values")
        return tuple(_typed(where, each, v) for each, v in zip(kinds, value, strict=True))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ConfigurationError(f"{where}={value}: expected {kind.__name__}")
    return value
