"""Why weights cannot be made or used."""

from __future__ import annotations


class ReweightingError(ValueError):
    """Something that weights are made of does not fit together; one line says what."""
