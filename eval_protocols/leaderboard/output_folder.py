"""The folder of the site: replaced whole or not at all, and never one that is not ours."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from eval_protocols.leaderboard.document import JSON_NAME, KIND

#: More than any leaderboard's; a marker need not be read to its end to be refused.
_MAX_MARKER_BYTES = 256 * 1024 * 1024


class ForeignFolderError(ValueError):
    """The output is something that this command has not written."""


def check_replaceable(folder: Path) -> None:
    """Checks that a folder may be replaced: it does not exist, is empty, or is a leaderboard.

    Args:
        folder: The output.

    Raises:
        ForeignFolderError: In one line, if it is anything else.
    """
    if folder.is_symlink():
        raise ForeignFolderError(f"{folder}: a link; name the folder itself")
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ForeignFolderError(f"{folder}: not a folder")
    if any(folder.iterdir()) and not _is_leaderboard(folder / JSON_NAME):
        raise ForeignFolderError(
            f"{folder}: neither empty nor a leaderboard (no {JSON_NAME} of kind '{KIND}'); it is "
            "left alone, name another folder"
        )


@contextlib.contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Gives an empty folder to write into, which takes the place of `folder` at the end.

    After an exception the old folder is still there as it was, and nothing else.

    Args:
        folder: The output.

    Yields:
        A new folder beside it.

    Raises:
        ForeignFolderError: If `folder` must not be replaced.
        OSError: If something cannot be written.
    """
    check_replaceable(folder)
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name[:100]}.", dir=folder.parent))
    new, old = work / "new", work / "old"
    try:
        new.mkdir()
        yield new
        check_replaceable(folder)  # minutes may have passed
        if folder.exists():
            folder.rename(old)
        try:
            new.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _is_leaderboard(marker: Path) -> bool:
    """Whether a file is a leaderboard's data."""
    try:
        if not marker.is_file() or os.path.getsize(marker) > _MAX_MARKER_BYTES:
            return False
        content = json.loads(marker.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("kind") == KIND
