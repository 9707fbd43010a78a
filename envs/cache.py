"""Where generated files (meshes, URDFs) are kept between runs."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """Folder for generated files: `$EMMA_GYM_CACHE`, else `$XDG_CACHE_HOME/emma_gym`."""
    explicit = os.environ.get("EMMA_GYM_CACHE")
    if explicit:
        return Path(explicit)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "emma_gym"
