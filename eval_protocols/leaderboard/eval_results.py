"""Hugging Face's `.eval_results/*.yaml`, one file for each policy, to be put into its repository.

The Hub shows the rows of all model repositories on the page of the benchmark's data set. Only
numbers that may stand beside others leave the leaderboard in this form: no oracles, no seeds that
are not validated, no partial coverage, no protocols but this installation's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import yaml  # type: ignore[import-untyped]

from eval_protocols.leaderboard.document import Document

FOLDER = ".eval_results"
DEFAULT_DATASET_ID = "emma-gym/emma-gym"
SOURCE_NAME = "EMMA-Gym leaderboard"


def check_source_url(url: str) -> str:
    """Checks the address of the published site.

    Args:
        url: The address of its folder.

    Returns:
        It, with a slash at its end.

    Raises:
        ValueError: If it is no http(s) address.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc or not url.isprintable():
        raise ValueError(f"source URL {url!r}: expected https://... of the published leaderboard")
    return url.rstrip("/") + "/"


def eval_results(
    document: Document, dataset_id: str = DEFAULT_DATASET_ID, source_url: str | None = None
) -> dict[str, str]:
    """Makes the files.

    Args:
        document: The leaderboard.
        dataset_id: The benchmark's data set on the Hub.
        source_url: Address of the published leaderboard; without it, rows name no source.

    Returns:
        The text of each policy's file by the policy's id; policies without a row have none.
        Values are success rates in percent; `task_id` is protocol, version and training data.
    """
    rows: dict[str, list[dict[str, Any]]] = {}
    for policy, row in _rows(document, dataset_id, source_url):
        rows.setdefault(policy, []).append(row)
    return {
        policy: str(yaml.safe_dump(members, sort_keys=False, allow_unicode=False))
        for policy, members in rows.items()
    }


def _rows(
    document: Document, dataset_id: str, source_url: str | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    for protocol in document["protocols"]:
        if not protocol["known"]:
            continue  # anybody may give a protocol the name of another one
        for training in protocol["trainings"]:
            for ranking in training["rankings"]:
                if ranking["partial"] or not ranking["validated_seeds"]:
                    continue
                for entry in ranking["entries"]:
                    task = f"{protocol['name']}_v{protocol['version']}__{training['name']}"
                    yield entry["policy"], _row(entry, dataset_id, task, source_url)


def _row(
    entry: Mapping[str, Any], dataset_id: str, task: str, source_url: str | None
) -> dict[str, Any]:
    row = {
        "dataset": {"id": dataset_id, "task_id": task},
        "value": round(100 * entry["rate"]["value"], 2),
        "date": max(run["finished"] for run in entry["runs"])[:10],
    }
    if source_url is not None:
        url = f"{source_url}policies/{entry['policy']}.html"
        row["source"] = {"url": url, "name": SOURCE_NAME}
    return row
