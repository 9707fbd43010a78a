"""Finding a policy by name: built in, from an installed package, or as `module:Class`.

A package adds policies by the entry-point group `emma_gym.policies`:

    [project.entry-points."emma_gym.policies"]
    my_policy = "my_package.policy:MyPolicy"
"""

from __future__ import annotations

import difflib
import importlib
import traceback
from importlib import metadata
from typing import Any

from policies.policy import Policy

ENTRY_POINT_GROUP = "emma_gym.policies"

BUILT_IN = {
    "expert": "policies.scripted:ExpertPolicy",
    "random": "policies.scripted:RandomPolicy",
    "hold": "policies.scripted:HoldPolicy",
    "ppo": "policies.sb3:PpoPolicy",
    "sac": "policies.sb3:SacPolicy",
    "sem": "policies.imitation.acting:SemPolicy",
    "dp": "policies.imitation.acting:DpPolicy",
    "dp3": "policies.imitation.acting:Dp3Policy",
    "act": "policies.imitation.acting:ActPolicy",
    "pretrained": "policies.pretrained.policy:PretrainedPolicy",
    "remote": "policies.remote:RemotePolicy",
}


class UnknownPolicyError(ValueError):
    """No policy of that name, or the name leads to something that is none."""


def policy_targets() -> dict[str, str]:
    """All known policy names and the `module:Class` behind each. Built-in names win."""
    plugins = {entry.name: entry.value for entry in metadata.entry_points(group=ENTRY_POINT_GROUP)}
    return plugins | BUILT_IN


def load_policy_class(name: str) -> type[Policy]:
    """Finds a policy class.

    Args:
        name: Registered name or `module:Class`.

    Raises:
        UnknownPolicyError: With the nearest valid names, or with what is wrong with the target.
    """
    targets = policy_targets()
    target = targets.get(name, name)
    if ":" not in target:
        near = difflib.get_close_matches(name, targets, n=3, cutoff=0.4) or sorted(targets)
        raise UnknownPolicyError(
            f"unknown policy '{name}'; did you mean {', '.join(near)} (or module:Class)?"
        )
    module_name, _, class_name = target.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # noqa: BLE001 - somebody else's code
        raise UnknownPolicyError(
            f"policy '{name}': cannot import {module_name}: {_said(error)}"
        ) from None
    found = getattr(module, class_name, None)
    if found is None:
        classes = [key for key, value in vars(module).items() if isinstance(value, type)]
        near = difflib.get_close_matches(class_name, classes, n=3, cutoff=0.3)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise UnknownPolicyError(f"policy '{name}': {module_name} has no {class_name}{hint}")
    if not (isinstance(found, type) and issubclass(found, Policy)):
        raise UnknownPolicyError(f"policy '{name}': {target} is not a policies.policy.Policy")
    return found


def make_policy(name: str, **config: Any) -> Policy:
    """Builds a policy by name with its own keyword arguments.

    Raises:
        UnknownPolicyError: As `load_policy_class`; also for arguments that it does not take.
    """
    policy_class = load_policy_class(name)
    try:
        return policy_class(**config)
    except TypeError as error:
        raise UnknownPolicyError(f"policy '{name}' with {config}: {error}") from None


def _said(error: Exception) -> str:
    """An error while importing, in one line, with the place if it is not the import itself."""
    text = " ".join(str(error).split())
    if isinstance(error, ImportError):
        return text
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {text} ({frame.filename}, line {frame.lineno})"
