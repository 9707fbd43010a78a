"""Who is told how far a training is."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[str], None]
"""Is told in a line how far training is."""


def nobody(line: str) -> None:
    """Tells nobody: one process of several speaks."""
