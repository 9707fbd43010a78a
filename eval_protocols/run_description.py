"""What an evaluation is: its settings, and the blocks of its result that stand before it begins."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from envs.demonstrations.dataset import FIRST_EVALUATION_SEED
from envs.seeds import seed_list_sha256
from envs.tasks import load_task
from eval_protocols.episodes import one_line
from eval_protocols.protocol import OTHER_DATA, UNTRAINED, Protocol, TrainingSet
from eval_protocols.provenance import software_versions

#: Longest description of training data, in characters (`result.schema.json`).
MAX_DESCRIPTION = 1000

Demonstrated = dict[tuple[bool, str], int]
"""Numbers of demonstrations by what varies in them, as JSON."""


@dataclasses.dataclass(frozen=True)
class EvaluationSettings:
    """What to evaluate, and how.

    Attributes:
        tasks: Task names, in the order of the result.
        policy: Registered name or `module:Class`.
        policy_config: The policy's keyword arguments, as JSON.
        protocol: Name of the protocol, or path of its file (`find_protocol`).
        training: Name of the protocol's training set that the policy learned from, "other" for any
            other data, or None for a policy that knows it itself, or has no weights.
        training_seed: Which training run of the policy this is; None for what the policy says, or
            if there is but one.
        training_note: What else there is to say about the training; needed for "other".
        episodes: Episodes for each task and condition.
        validated_seeds: Take the first seeds of each task's validated list, in which the expert
            succeeds; otherwise `seed`, `seed` + 1, ...
        seed: First seed, unless they are validated.
        workers: Processes to run in; 0 runs everything in this one, for debuggers. None is one for
            each core of this machine, or CPU of the cluster.
        ray: Address of the Ray cluster to run on (`RayExecutor`); None is this machine.
        policy_timeout_s: Longest that one call of the policy may last.
        output_dir: Folder to write to; None makes one below `outputs`, named after what is
            evaluated.
        resume: Continue what the folder holds; otherwise start over.
        command: The command that was given, kept for people.
    """

    tasks: Sequence[str]
    policy: str = "expert"
    policy_config: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    protocol: str = "in_domain"
    training: str | None = None
    training_seed: int | None = None
    training_note: str = ""
    episodes: int = 10
    validated_seeds: bool = True
    seed: int = FIRST_EVALUATION_SEED
    workers: int | None = 1
    ray: str | None = None
    policy_timeout_s: float = 120.0
    output_dir: Path | None = None
    resume: bool = True
    command: Sequence[str] = ()


def training_block(
    settings: EvaluationSettings,
    protocol: Protocol,
    policy: Mapping[str, Any],
    data: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """What the policy was trained on, as results have it, and how samples of it were drawn.

    Args:
        settings: What is evaluated.
        protocol: Its training sets are the valid names.
        policy: The policy as results have it. What its configuration says at
            `training.sampling`, as those of our checkpoints do, is taken over.
        data: `policies.policy.TrainingData` as JSON, if the policy knows it: what is not given in
            the settings follows from it ("other", where no set of the protocol has the same), and
            what is given must not contradict it.

    Raises:
        ValueError: In one line: weights without training data, training data without weights, an
            unknown training set or one that the policy did not learn from, "other" without a note.
    """
    block = _trained_on(settings, protocol, policy, data)
    training = policy["config"].get("training")
    sampling = training.get("sampling") if isinstance(training, Mapping) else None
    return {**block, "sampling": sampling} if isinstance(sampling, Mapping) else block


def _trained_on(
    settings: EvaluationSettings,
    protocol: Protocol,
    policy: Mapping[str, Any],
    data: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Name and description of the data, and the training seed."""
    name, note, seed = settings.training, settings.training_note, settings.training_seed
    learned = None if data is None else _learned(data)
    if data is not None and seed is None:
        seed = data["seed"]
    if name is None:
        if policy["weights_sha256"] is None:
            return {"name": UNTRAINED, "description": note, "seed": seed}
        if learned is None:
            valid = ", ".join([*(known.name for known in protocol.training), OTHER_DATA])
            raise ValueError(
                f"policy {policy['name']} has weights: say what it was trained on with "
                f"training=NAME, one of {valid}"
            )
        name = _name_of(learned, protocol) or OTHER_DATA
    if name == OTHER_DATA:
        if learned is not None:
            note = one_line("; ".join(filter(None, (_in_words(learned), note))), MAX_DESCRIPTION)
        if not note:
            raise ValueError("training=other: say which data with training_note=...")
        return {"name": name, "description": note, "seed": seed}
    known = protocol.training_set(name)
    if learned is not None and not _consists_of(known, learned):
        raise ValueError(
            f"training={name}: the policy learned from something else, {_in_words(learned)}"
        )
    return {"name": name, "description": f"{known.description} {note}".strip(), "seed": seed}


def protocol_block(protocol: Protocol) -> dict[str, Any]:
    """The protocol as results have it."""
    keys = ("name", "version", "headline", "after_success_steps", "sha256")
    conditions = [
        {key: getattr(each, key) for key in ("name", "twin", "factor", "level", "variations")}
        for each in protocol.conditions
    ]
    return {**{key: getattr(protocol, key) for key in keys}, "conditions": conditions}


def describe_run(
    settings: EvaluationSettings,
    protocol: Protocol,
    training: Mapping[str, Any],
    description: Mapping[str, Any],
) -> dict[str, Any]:
    """Everything that decides numbers: the blocks of the result, and the identity of the run."""
    no_pictures = dict.fromkeys(("vulkan_driver", "vulkan_device", "shader"))
    versions = {**software_versions(), **no_pictures, **description["versions"]}
    validated = settings.validated_seeds
    blocks = {
        "protocol": protocol_block(protocol),
        "policy": description["policy"],
        "training": training,
        "seeds": {
            "validated": validated,
            "start": 0 if validated else settings.seed,
            "lists": {
                task: seed_list_sha256(task) if validated else None for task in settings.tasks
            },
        },
        "versions": versions,
    }
    identity = {
        **blocks,
        # A commit decides nothing that the hash of the sources does not.
        "versions": {key: value for key, value in versions.items() if key != "git_commit"},
        "policy_config": dict(settings.policy_config),
        "policy_source_sha256": description["policy_source_sha256"],
        "tasks": list(settings.tasks),
        "task_source_sha256": {task: _task_source_sha256(task) for task in settings.tasks},
    }
    return {**blocks, "identity": identity}


def _task_source_sha256(task: str) -> str | None:
    """Hash of the file a task is defined in; editing a task of one's own begins another run."""
    path = inspect.getsourcefile(type(load_task(task)))
    return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else None


def _name_of(learned: Demonstrated | None, protocol: Protocol) -> str | None:
    """The protocol's training set that consists of the same demonstrations; None if none does."""
    for known in protocol.training:
        if learned and _consists_of(known, learned):
            return known.name
    return None


def _consists_of(known: TrainingSet, learned: Demonstrated) -> bool:
    """Whether a training set consists of these demonstrations."""
    parts = _merged(
        [(part.episodes, part.variations, part.generated) for part in known.demonstrations]
    )
    if parts.keys() != learned.keys():
        return False
    return all(
        count // 2 < learned[key] <= count if key[0] else learned[key] == count
        for key, count in parts.items()
    )


def _learned(data: Mapping[str, Any]) -> Demonstrated:
    """What a policy says of its data."""
    generated = data.get("generated", ())  # other servers' policies may not know of it
    return _merged(
        [
            (count, variations, each is generated)
            for each in (data["demonstrations"], generated)
            for count, variations in each
        ]
    )


def _merged(parts: Iterable[tuple[int, Mapping[str, Any], bool]]) -> Demonstrated:
    """How many episodes there are of a kind, whatever the order and the parts."""
    episodes: Demonstrated = {}
    for count, variations, generated in parts:
        key = generated, json.dumps(variations, sort_keys=True)
        episodes[key] = episodes.get(key, 0) + count
    return episodes


def _in_words(learned: Demonstrated) -> str:
    return " and ".join(
        f"{count} {'generated ' if generated else ''}demonstrations of a task"
        + (f" with {variations}" if variations != "{}" else "")
        for (generated, variations), count in learned.items()
    )
