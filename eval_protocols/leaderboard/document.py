"""`leaderboard.json`: everything that the site shows, as data.

`leaderboard.schema.json`, beside this file, describes it. The site is rendered from this document
alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from eval_protocols.leaderboard.entries import Boards, Entry, Ranking
from eval_protocols.leaderboard.measures import (
    condition_numbers,
    factor_numbers,
    overall_numbers,
    task_numbers,
)
from eval_protocols.leaderboard.names import look_alikes, slug
from eval_protocols.leaderboard.ranking import headline_estimate, rank_ranges
from eval_protocols.leaderboard.submissions import Refusal, Submission
from eval_protocols.policy_settings import distinctions, policy_settings
from eval_protocols.protocol import Protocol

KIND = "emma_gym.leaderboard"
SCHEMA_VERSION = "1.0"
JSON_NAME = "leaderboard.json"

Document = dict[str, Any]


def make_document(
    boards: Boards, refused: Sequence[Refusal], protocols: Mapping[str, Protocol]
) -> Document:
    """Computes the leaderboard.

    Args:
        boards: Accepted submissions in their rankings.
        refused: Files that are not counted.
        protocols: Protocols of this installation by name, for titles.

    Returns:
        The document; equal for equal arguments.
    """
    blocks = [
        _protocol_block(identity, trainings, protocols) for identity, trainings in boards.items()
    ]
    return {
        "kind": KIND,
        "schema_version": SCHEMA_VERSION,
        "protocols": sorted(blocks, key=_known_first),
        "policies": _policies(boards),
        "refused": [{"file": refusal.file, "reason": refusal.reason} for refusal in refused],
    }


def _protocol_block(
    identity: str, trainings: Mapping[str, list[Ranking]], protocols: Mapping[str, Protocol]
) -> dict[str, Any]:
    block = next(iter(trainings.values()))[0].example.blocks["protocol"]
    known = protocols.get(block["name"])
    if known is not None and known.sha256 != block["sha256"]:
        known = None
    descriptions = {each.name: each.description for each in known.training} if known else {}
    return {
        "id": slug(f"{block['name']}-v{block['version']}", identity),
        "name": block["name"],
        "version": block["version"],
        "sha256": block["sha256"],
        "known": known is not None,
        "title": known.title if known else None,
        "description": known.description if known else None,
        "headline": block["headline"],
        "after_success_steps": block["after_success_steps"],
        "conditions": block["conditions"],
        "trainings": [
            {
                "name": name,
                "description": descriptions.get(name),
                "rankings": [
                    _ranking(ranking, partial=index > 0) for index, ranking in enumerate(rankings)
                ],
            }
            for name, rankings in sorted(trainings.items(), key=_trainings_last)
        ],
    }


def _known_first(protocol: Mapping[str, Any]) -> tuple[bool, str, int, str]:
    return (not protocol["known"], protocol["name"], -protocol["version"], protocol["id"])


def _trainings_last(item: tuple[str, Any]) -> tuple[int, str]:
    """Trainings that the protocol knows come first, then "other", then "none"."""
    return (["other", "none"].index(item[0]) + 1 if item[0] in ("other", "none") else 0, item[0])


def _ranking(ranking: Ranking, *, partial: bool) -> dict[str, Any]:
    example = ranking.example
    ranks = rank_ranges(ranking.entries)
    entries = [
        _entry(entry) | {"rank": {"low": low, "high": high}}
        for entry, (low, high) in zip(ranking.entries, ranks, strict=True)
    ]
    references = [_entry(entry) | {"rank": None} for entry in ranking.references]
    return {
        "coverage_sha256": example.coverage,
        "partial": partial,
        "validated_seeds": ranking.validated,
        "tasks": example.tasks,
        "episodes": example.episodes,
        "seeds_per_task": sorted({len(seeds) for seeds, _ in example.outcomes.values()}),
        "scored_conditions": (ranking.entries or ranking.references)[0].scored_conditions,
        "physics_sha256": sorted(
            {
                run.blocks["versions"]["physics_sha256"]
                for entry in (*ranking.entries, *ranking.references)
                for run in entry.runs
            }
        ),
        "entries": sorted(entries, key=_best_first),
        "references": sorted(references, key=_best_first),
    }


def _best_first(entry: Mapping[str, Any]) -> tuple[float, int, str, str]:
    rank = entry["rank"]["low"] if entry["rank"] else 0
    return (-entry["rate"]["value"], rank, entry["name"], entry["policy"])


def _entry(entry: Entry) -> dict[str, Any]:
    cells = [cell for run in entry.runs for cell in run.blocks["summary"]["overall"]]
    return {
        "policy": policy_id(entry.runs[0]),
        "name": entry.policy["name"],
        "rate": headline_estimate(entry),
        **overall_numbers(entry),
        "errors": sum(cell["errors"] for cell in cells),
        "conditions": condition_numbers(entry),
        "factors": factor_numbers(entry),
        "tasks": task_numbers(entry),
        "runs": [_run(run, rate) for run, rate in zip(entry.runs, entry.run_rates, strict=True)],
    }


def _run(run: Submission, rate: float) -> dict[str, Any]:
    blocks = run.blocks
    return {
        "file": run.file,
        "sha256": run.sha256,
        "training_seed": blocks["training"]["seed"],
        "weights_sha256": blocks["policy"]["weights_sha256"],
        "rate": rate,
        "config": blocks["policy"]["config"],
        "actions": blocks["actions"],
        "versions": blocks["versions"],
        "machine": blocks["machine"],
        "started": blocks["timing"]["started"],
        "finished": blocks["timing"]["finished"],
    }


def policy_id(run: Submission) -> str:
    """Names a policy in files and links."""
    return slug(run.blocks["policy"]["name"], run.policy)


def _policies(boards: Boards) -> list[dict[str, Any]]:
    """All policies by name; one of the same name with another configuration is another one."""
    found: dict[str, Submission] = {}
    for trainings in boards.values():
        for rankings in trainings.values():
            for ranking in rankings:
                for entry in (*ranking.entries, *ranking.references):
                    found.setdefault(policy_id(entry.runs[0]), entry.runs[0])
    similar = look_alikes(run.blocks["policy"]["name"] for run in found.values())
    variants = _variants([*found.values()])
    policies = [
        {
            "id": identity,
            "name": run.blocks["policy"]["name"],
            "variant": variant,
            "privileged": run.blocks["policy"]["privileged"],
            "observes": run.blocks["policy"]["observes"],
            "action_mode": run.blocks["policy"]["action_mode"],
            "training": {
                "name": run.blocks["training"]["name"],
                "description": run.blocks["training"]["description"],
            },
            "look_alikes": similar.get(run.blocks["policy"]["name"], []),
        }
        for (identity, run), variant in zip(found.items(), variants, strict=True)
    ]
    return sorted(policies, key=lambda policy: (policy["name"], policy["id"]))


def _variants(policies: Sequence[Submission]) -> list[str]:
    """What of its settings tells each policy from the others of its name; mostly nothing."""
    names = [run.blocks["policy"]["name"] for run in policies]
    texts = [""] * len(policies)
    for name in dict.fromkeys(names):
        places = [place for place, each in enumerate(names) if each == name]
        settings = [policy_settings(policies[place].blocks) for place in places]
        for place, text in zip(places, distinctions(settings), strict=True):
            texts[place] = text
    return texts


def document_text(document: Document) -> str:
    """The document's file; the same bytes for the same content."""
    return json.dumps(document, indent=1, sort_keys=True) + "\n"
