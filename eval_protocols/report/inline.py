"""Styles and scripts that pages hold inside, and how their security policy names them."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources


def inline_source(package: str, name: str) -> str:
    """A package's file that goes into a page as it is."""
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")


def csp_hash(source: str) -> str:
    """How a content security policy names an inline style or script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"
