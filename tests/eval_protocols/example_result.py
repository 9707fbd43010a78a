"""Small results that are valid, for tests to break."""

from collections.abc import Sequence
from typing import Any

from eval_protocols.results import SCHEMA_VERSION
from eval_protocols.summary import summarize

SHA256 = "0123456789abcdef" * 4

VERSIONS = (
    *("emma_gym", "git_commit", "source_sha256", "sapien", "vulkan_driver", "vulkan_device"),
    *("shader", "python", "torch", "numpy", "gymnasium", "asset_sha256"),
)

TASKS = ("block_hammer_beat", "block_handover")
FACTORS = ("camera_azimuth", "camera_roll")


def condition(name: str, twin: str | None = None, **changes: Any) -> dict[str, Any]:
    """An entry of the protocol block."""
    entry = {"name": name, "twin": twin, "factor": None, "level": None, "variations": {}}
    assert changes.keys() <= entry.keys()
    return entry | changes


def episode(task: str, seed: int, **changes: Any) -> dict[str, Any]:
    """A success."""
    record = {
        "task": task,
        "seed": seed,
        "condition": "nominal",
        "variations": {},
        "success_once": True,
        "success_at_end": True,
        "score": 5,
        "steps": 80,
        "return": 12.5,
        "error": None,
        "failure": None,
        "checks": {"hammer_in_hand": True, "head_touches_block": True},
        "progress": 1.0,
        "attempts": 1,
        "state_sha256": SHA256,
        "wall_s": 1.5,
    }
    assert changes.keys() <= record.keys()
    return record | changes


def failed(task: str, seed: int, **changes: Any) -> dict[str, Any]:
    """A failure."""
    missed = {
        "success_once": False,
        "success_at_end": False,
        "score": 2,
        "progress": 0.5,
        "checks": {"hammer_in_hand": True, "head_touches_block": False},
    }
    return episode(task, seed, **(missed | changes))


def episodes_of(
    task: str, condition_name: str, successes: Sequence[bool], first_seed: int = 0, **changes: Any
) -> list[dict[str, Any]]:
    """Episodes on consecutive seeds that succeed or fail as told."""
    return [
        (episode if success else failed)(task, seed, condition=condition_name, **changes)
        for seed, success in enumerate(successes, first_seed)
    ]


def example_result(
    episodes: list[dict[str, Any]] | None = None,
    *,
    conditions: list[dict[str, Any]] | None = None,
    protocol: dict[str, Any] | None = None,
    policy: dict[str, Any] | None = None,
    training: dict[str, Any] | None = None,
    **blocks: Any,
) -> dict[str, Any]:
    """A valid result.

    Args:
        episodes: By default two of each of `TASKS`.
        conditions: Of the protocol; by default those of the episodes, without twins.
        protocol: Keys of the block that differ; so for `policy` and `training`.
        blocks: Other blocks of the result, whole.
    """
    if episodes is None:
        episodes = [
            episode("block_hammer_beat", 7),
            failed("block_hammer_beat", 8),
            episode("block_handover", 7, success_at_end=False),
            failed("block_handover", 8, error="worker died: SIGSEGV", attempts=2, checks={}),
        ]
    tasks = list(dict.fromkeys(record["task"] for record in episodes))
    if conditions is None:
        names = dict.fromkeys(record["condition"] for record in episodes)
        conditions = [condition(name) for name in names]
    protocol = {
        "name": "in_domain",
        "version": 1,
        "headline": "success_once",
        "after_success_steps": 16,
        "sha256": SHA256,
        "conditions": conditions,
    } | (protocol or {})
    assert blocks.keys() <= {"actions", "seeds", "versions", "machine", "timing"}
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "emma_gym.evaluation",
        "protocol": protocol,
        "policy": {
            "name": "dp3",
            "config": {"chunk": 8, "net": {"widths": [64, 128]}},
            "weights_sha256": SHA256,
            "observes": {
                "obs_mode": "pointcloud",
                "cameras": ["head_camera"],
                "resolution": [320, 240],
                "history": 2,
                "history_stride": 1,
            },
            "action_mode": "joint",
            "privileged": False,
        }
        | (policy or {}),
        "training": {"name": "in_domain", "description": "100 demonstrations a task.", "seed": 0}
        | (training or {}),
        "summary": summarize(episodes, tasks, conditions, protocol["headline"]),
        "episodes": episodes,
        "actions": None,
        "seeds": {"validated": True, "start": 0, "lists": dict.fromkeys(tasks, SHA256)},
        "versions": dict.fromkeys(VERSIONS, "1.0") | {"physics_sha256": SHA256},
        "machine": {"cpu": "A CPU", "cores": 2, "platform": "Linux", "gpu": None},
        "timing": {
            "started": "2026-01-02T03:04:05+00:00",
            "finished": "2026-01-02T03:05:05+00:00",
            "wall_s": 60.0,
            "episodes_per_minute": 4.0,
            "workers": 2,
        },
    } | blocks


def sweep_conditions(factors: Sequence[str] = FACTORS) -> list[dict[str, Any]]:
    """Conditions of a small camera sweep: clean, and levels 1 to 5 of each factor."""
    return [
        condition("clean"),
        *(
            condition(
                f"{factor}_{level}",
                "clean",
                factor=factor,
                level=level,
                variations={factor: {"level": level}},
            )
            for factor in factors
            for level in range(1, 6)
        ),
    ]


def sweep_result(
    seeds: int = 10, clean: int = 8, drop: Sequence[int] = (1, 0), **changes: Any
) -> dict[str, Any]:
    """A small camera sweep: clean and levels 1 to 5 of two factors, two tasks.

    Args:
        seeds: Episodes for each task and condition.
        clean: How many of them succeed without perturbation; the first ones do.
        drop: By factor, how many fewer succeed with each level.
        changes: As for `example_result`.
    """
    conditions = sweep_conditions()
    drops = dict(zip(FACTORS, drop, strict=True))
    episodes = []
    for each in conditions:
        lost = drops[each["factor"]] * each["level"] if each["factor"] else 0
        count = min(max(clean - lost, 0), seeds)
        drawn = {each["factor"]: 0.1 * each["level"]} if each["factor"] else {}
        for task in TASKS:
            outcomes = [seed < count for seed in range(seeds)]
            episodes += episodes_of(task, each["name"], outcomes, variations=drawn)
    protocol = {"name": "camera_sweep"} | changes.pop("protocol", {})
    return example_result(episodes, conditions=conditions, protocol=protocol, **changes)
