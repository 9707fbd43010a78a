"""Errors of the environment's callers, each with a message of one line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class InvalidActionError(ValueError):
    """An action has the wrong shape, NaN, or values out of bounds."""


class InvalidOptionError(ValueError):
    """An option has a name or value that is not valid; the message says which are."""


class RenderingUnavailableError(RuntimeError):
    """Pictures are wanted, but no Vulkan driver can make them; one line says what to install."""


def nearest(value: Any, valid: Iterable[Any]) -> str:
    """A hint with the valid values most like a wrong one, or all of them."""
    names = [str(name) for name in valid]
    near = difflib.get_close_matches(str(value), names, n=3, cutoff=0.5)
    return f"did you mean {', '.join(near)}?" if near else f"valid: {', '.join(names)}"
