"""What may vary from episode to episode, as objects: `catalogue` has them all by name."""

from envs.randomization.catalogue import VARIATIONS, draw, parse
from envs.randomization.variation import LEVELS, Variation

__all__ = ["LEVELS", "VARIATIONS", "Variation", "draw", "parse"]
