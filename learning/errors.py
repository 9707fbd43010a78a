"""Why trainings cannot begin or go on."""

from __future__ import annotations


class TrainingError(ValueError):
    """A training that cannot begin as it was asked for; says why in one line."""


class DivergedError(RuntimeError):
    """The loss is no number any more."""
