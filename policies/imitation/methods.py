"""The methods by name, and their presets: `full` (the paper's) and `small` (for two CPU cores).

A preset is `SIZE.yaml` beside the method's module, with the mappings `method` (fields of the
method's configuration) and `optimization` (fields of `learning.optimization.Optimization`).
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from envs.errors import nearest
from learning.configuration import ConfigurationError, configured
from learning.optimization import Optimization
from policies.imitation.method import ImitationMethod

METHODS = {
    "sem": "policies.sem.method:Sem",
    "dp": "policies.dp.method:DiffusionPolicy",
    "dp3": "policies.dp3.method:DiffusionPolicy3D",
    "act": "policies.act.method:ActionChunkingTransformer",
}
SIZES = ("full", "small")


def method_class(name: str) -> type[ImitationMethod]:
    """A method's class.

    Args:
        name: Registered name, or `module:Class` of a method that lives elsewhere.

    Raises:
        ConfigurationError: With the nearest valid names, or with what is wrong with the class.
    """
    target = METHODS.get(name, name)
    if ":" not in target:
        raise ConfigurationError(
            f"unknown method '{name}'; {nearest(name, METHODS)} (or module:Class)"
        )
    module, _, class_name = target.partition(":")
    try:
        found = getattr(importlib.import_module(module), class_name)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"method '{name}': {error}") from None
    if not (isinstance(found, type) and issubclass(found, ImitationMethod)):
        raise ConfigurationError(f"method '{name}': {target} is no ImitationMethod")
    return found


def preset(
    name: str,
    size: str,
    method: Mapping[str, Any] | None = None,
    optimization: Mapping[str, Any] | None = None,
) -> tuple[Any, Optimization]:
    """A method's configuration and how it is trained.

    Args:
        name: As `method_class` takes it.
        size: `full` or `small`.
        method: Fields of the configuration in place of the preset's.
        optimization: Fields of the optimization in place of the preset's.

    Raises:
        ConfigurationError: For a wrong name, key or type of value.
    """
    if size not in SIZES:
        raise ConfigurationError(f"unknown size '{size}'; {nearest(size, SIZES)}")
    found = method_class(name)
    config_class = found.config_class
    path = Path(inspect.getfile(found)).with_name(f"{size}.yaml")
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(f"method '{name}' has no {path.name} beside its module") from None
    return (
        configured(config_class, {**(values["method"] or {}), **(method or {})}, "method"),
        configured(
            Optimization, {**values["optimization"], **(optimization or {})}, "optimization"
        ),
    )


def build(name: str, config: Mapping[str, Any]) -> ImitationMethod:
    """A method with fresh weights, from its configuration as a mapping.

    Raises:
        ConfigurationError: As `preset`.
    """
    found = method_class(name)
    return found(configured(found.config_class, config, "method"))
