"""Whether a kept result is one of what an experiment asks for, or of something that has changed.

Contents:
    is_there: whether a result is kept, with enough episodes.
    outdated: kept results that are of something else.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from augment.adamix.registry import REWEIGHTINGS
from augment.adamix.sampler_config import SamplerConfig
from emma_gym.reproduction.catalog import Experiment, Row, TrainedPolicy, training_set
from emma_gym.reproduction.folders import Folders
from emma_gym.training_options import settings_from
from eval_protocols.policy_settings import MAX_LENGTH
from eval_protocols.protocol import load_protocol
from eval_protocols.results import RESULT_NAME
from learning.configuration import as_mapping, configured
from policies.imitation.methods import preset
from policies.training.trainers import EPOCHS, DemonstrationSettings


def is_there(result: Path, episodes: int) -> bool:
    """Whether a result is kept, with so many episodes of each condition.

    Args:
        result: Its file.
        episodes: As many as are asked for.
    """
    if not result.exists():
        return False
    summary = json.loads(result.read_text(encoding="utf-8"))["summary"]
    return all(cell["episodes"] == episodes for cell in summary["tasks"])


def outdated(experiment: Experiment, folders: Folders) -> list[str]:
    """The kept results that are not of what the experiment asks for.

    Compared are the protocol, the demonstrations' names, and how the policy was trained: its
    method, optimization, sampler and reference. What the simulator or the demonstrations hold is
    not.

    Args:
        experiment: What is reproduced.
        folders: Where results are kept.

    Returns:
        A line each: what differs, and what to delete for it to be made anew.
    """
    return [
        line
        for row in experiment.rows
        for task in experiment.tasks
        for seed in experiment.training_seeds
        if (line := _outdated(experiment, folders, row, task, seed)) is not None
    ]


def _outdated(
    experiment: Experiment, folders: Folders, row: Row, task: str, seed: int
) -> str | None:
    path = folders.result(experiment, row, task, seed)
    if not is_there(path, experiment.episodes):
        return None
    result = json.loads(path.read_text(encoding="utf-8"))
    evaluation = folders.run(experiment, row.name, task, seed) / row.protocol
    training = folders.run(experiment, row.policy.name, task, seed) / "training"
    if other := next(_otherwise_trained(result, experiment.size, row.policy), None):
        return f"{path} has {other}; to make it anew, delete it, {evaluation} and {training}"
    if other := _other_reference(result, experiment, folders, row, task, seed):
        return f"{path} has {other}; to make it anew, delete it, {evaluation} and {training}"
    if other := _other_protocol(result, row):
        return f"{path} has {other}; to make it anew, delete it and {evaluation}"
    return None


def _other_reference(
    result: Mapping[str, Any],
    experiment: Experiment,
    folders: Folders,
    row: Row,
    task: str,
    seed: int,
) -> str | None:
    """That it was compared with other weights than those that its reference has by now."""
    reference = row.policy.reference
    if reference is None:
        return None
    path = folders.kept(experiment, reference.name, task, seed) / row.protocol / RESULT_NAME
    if not path.exists():
        return None
    sampling = result["policy"]["config"]["training"]["sampling"]
    kept = json.loads(path.read_text(encoding="utf-8"))["policy"]["weights_sha256"]
    if sampling.get("reference_sha256") == kept:
        return None
    return (
        f"other weights as its reference than {path}, which is to be deleted if "
        f"{reference.name} was trained anew since"
    )


def _other_protocol(result: Mapping[str, Any], row: Row) -> str | None:
    block, protocol = result["protocol"], load_protocol(row.protocol)
    if block["sha256"] == protocol.sha256:
        return None
    return f"another {protocol.name} (version {block['version']}) than version {protocol.version}"


def _otherwise_trained(
    result: Mapping[str, Any], size: str, policy: TrainedPolicy
) -> Iterator[str]:
    """What of the training is not as it is asked for."""
    learned = training_set(policy.training).demonstrations
    protocol = load_protocol(result["protocol"]["name"])
    names = [known.name for known in protocol.training if known.demonstrations == learned]
    if (name := result["training"]["name"]) not in names:
        yield f"training={name}, not {names[0]}"
    asked, config = _asked(size, policy), result["policy"]["config"]
    for name in ("method", "config"):
        yield from _differences(name, config.get(name), asked[name])
    training = config.get("training", {})
    yield from _differences("optimization", training.get("optimization"), asked["optimization"])
    sampling = training.get("sampling", {"sampler": EPOCHS})
    mine = {name: sampling.get(name) for name in asked["sampling"]}
    yield from _differences("sampling", mine, asked["sampling"])
    if policy.generator is not None:
        filtered = sampling.get("generated_filter", False)
        yield from _differences("generated_filter", filtered, policy.judged)


@functools.cache
def _asked(size: str, policy: TrainedPolicy) -> Mapping[str, Any]:
    """How a policy is to be trained, with the names that checkpoints have."""
    told = [f"policy={policy.policy}", f"size={size}", "dataset=.", *policy.options]
    settings = settings_from(told)
    assert isinstance(settings, DemonstrationSettings)
    optimization, sampling = dict(settings.optimization), settings.sampling
    if settings.total_steps is not None:
        optimization["steps"] = settings.total_steps
    method, optimized = preset(policy.policy, size, settings.method, optimization)
    drawn: dict[str, Any] = {"sampler": sampling.sampler}
    if sampling.sampler != EPOCHS:
        drawn["generated_share"] = sampling.generated_share
        common = {field.name for field in dataclasses.fields(SamplerConfig)}
        own = REWEIGHTINGS[sampling.sampler].config_class
        for config_class, chosen in ((SamplerConfig, True), (own, False)):
            given = {name: v for name, v in sampling.config.items() if (name in common) == chosen}
            drawn |= as_mapping(configured(config_class, given, "sampler_config"))
    return {
        "method": policy.policy,
        "config": as_mapping(method),
        "optimization": as_mapping(optimized),
        "sampling": drawn,
    }


def _differences(path: str, there: Any, asked: Any) -> Iterator[str]:
    """Where two JSON values differ."""
    if isinstance(there, Mapping) and isinstance(asked, Mapping):
        for key in [*asked, *(key for key in there if key not in asked)]:
            yield from _differences(f"{path}.{key}", there.get(key), asked.get(key))
    elif there != asked:
        yield f"{path}={_brief(there)}, not {_brief(asked)}"


def _brief(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= MAX_LENGTH else f"{text[: MAX_LENGTH - 3]}..."
