"""The leaderboard: results checked, grouped, ranked, and shown as a static site.

Contents:
    submissions: Which files count.
    entries, ranking, measures: What is compared with what, and what comes out.
    document: All of it as data, `leaderboard.json`.
    site, eval_results, output_folder: How it leaves.
    names: Names from strangers.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from eval_protocols.leaderboard.document import JSON_NAME, Document, document_text, make_document
from eval_protocols.leaderboard.entries import group
from eval_protocols.leaderboard.eval_results import (
    DEFAULT_DATASET_ID,
    FOLDER,
    check_source_url,
    eval_results,
)
from eval_protocols.leaderboard.names import visible
from eval_protocols.leaderboard.output_folder import (
    ForeignFolderError,
    check_replaceable,
    replacing,
)
from eval_protocols.leaderboard.site import render_site
from eval_protocols.leaderboard.submissions import known_protocols, read_submissions

__all__ = [
    "DEFAULT_DATASET_ID",
    "Document",
    "ForeignFolderError",
    "check_replaceable",
    "check_source_url",
    "make_leaderboard",
    "visible",
    "write_leaderboard",
]


def make_leaderboard(paths: Iterable[Path]) -> Document:
    """Reads results and ranks them.

    Args:
        paths: Result files, and folders that are searched for `result.json`.

    Returns:
        The leaderboard; equal for equal files in the same order.

    Raises:
        FileNotFoundError: If a path does not exist.
    """
    protocols = known_protocols()
    accepted, refused = read_submissions(paths, protocols)
    return make_document(group(accepted), refused, protocols)


def write_leaderboard(
    document: Document,
    folder: Path,
    dataset_id: str = DEFAULT_DATASET_ID,
    source_url: str | None = None,
) -> None:
    """Writes the site, whole or not at all.

    Args:
        document: The leaderboard.
        folder: Where to; an older leaderboard there is replaced.
        dataset_id: The benchmark's data set on the Hugging Face Hub.
        source_url: Address that the folder will be published at.

    Raises:
        ForeignFolderError: If the folder holds anything else.
        OSError: If it cannot be written.
    """
    files = render_site(document) | {JSON_NAME: document_text(document)}
    for policy, text in eval_results(document, dataset_id, source_url).items():
        files[f"{FOLDER}/{policy}.yaml"] = text
    with replacing(folder) as new:
        for name, text in files.items():
            path = new / name
            path.parent.mkdir(exist_ok=True)
            # A lone surrogate has no place in UTF-8.
            path.write_text(text, encoding="utf-8", errors="xmlcharrefreplace")
