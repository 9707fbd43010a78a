"""A folder of files as one thing: replaced whole or not at all, and hashed."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path


def staged(folder: Path) -> Path:
    """An empty folder beside another, to be filled before `put_in_place`."""
    staging = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    return staging


def put_in_place(staging: Path, folder: Path) -> None:
    """Puts a filled folder in the place of the one that may be there.

    No system call of Python's does that in one step. A process that dies between the two leaves the
    old folder, whole, under the name that `surviving` looks for.
    """
    for path in staging.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())  # or the name could come to an empty file
    before = _before(folder)
    if folder.exists():
        shutil.rmtree(before, ignore_errors=True)
        folder.rename(before)
    staging.rename(folder)
    shutil.rmtree(before, ignore_errors=True)


def surviving(folder: Path) -> Path:
    """Where a folder's last whole content is: there, unless its replacement was interrupted."""
    before = _before(folder)
    return before if before.exists() and not folder.exists() else folder


def folder_sha256(folder: Path) -> str:
    """Hash of its files, names included, such as a model's configurations and weights."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _before(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.old")
