"""A small result that is valid, for tests to break."""

from typing import Any

from eval_protocols.results import summarize

SHA256 = "0123456789abcdef" * 4


VERSIONS = (
    *("emma_gym", "git_commit", "source_sha256", "sapien", "vulkan_driver", "vulkan_device"),
    *("shader", "python", "torch", "numpy", "gymnasium", "asset_sha256"),
)


def episode(task: str, seed: int, **changes: Any) -> dict[str, Any]:
    record = {
        "task": task,
        "seed": seed,
        "condition": "nominal",
        "success_once": True,
        "success_at_end": True,
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
    missed = {
        "success_once": False,
        "success_at_end": False,
        "progress": 0.5,
        "checks": {"hammer_in_hand": True, "head_touches_block": False},
    }
    return episode(task, seed, **(missed | changes))


def example_result(episodes: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    if episodes is None:
        episodes = [
            episode("block_hammer_beat", 7),
            failed("block_hammer_beat", 8),
            episode("block_handover", 7, success_at_end=False),
            failed("block_handover", 8, error="worker died: SIGSEGV", attempts=2, checks={}),
        ]
    tasks = list(dict.fromkeys(record["task"] for record in episodes))
    conditions = list(dict.fromkeys(record["condition"] for record in episodes))
    return {
        "schema_version": "1.0",
        "kind": "emma_gym.evaluation",
        "protocol": {
            "name": "in_domain",
            "version": 1,
            "headline": "success_once",
            "after_success_steps": 16,
            "sha256": SHA256,
        },
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
        },
        "summary": summarize(episodes, tasks, conditions),
        "episodes": episodes,
        "seeds": {"validated": True, "start": 0, "lists": dict.fromkeys(tasks, SHA256)},
        "versions": dict.fromkeys(VERSIONS, "1.0"),
        "machine": {"cpu": "A CPU", "cores": 2, "platform": "Linux", "gpu": None},
        "timing": {
            "started": "2026-01-02T03:04:05+00:00",
            "finished": "2026-01-02T03:05:05+00:00",
            "wall_s": 60.0,
            "episodes_per_minute": 4.0,
            "workers": 2,
        },
    }
