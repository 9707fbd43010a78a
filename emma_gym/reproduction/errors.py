"""What may be wrong with an experiment."""

from __future__ import annotations


class ExperimentError(ValueError):
    """A wrong name, or a file that says something nobody reads; in one line."""
