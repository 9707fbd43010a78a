"""Validated seed lists: evaluation seeds that a task's expert is known to solve.

`<task>.json` beside this file holds the first 100 seeds from 100000 upward that the expert
solves, and a hash of the code that decides this. Evaluation reads the list and never runs the
expert. `python -m envs.seeds.validate` makes the lists anew.
"""

from envs.seeds.lists import SeedListError, seed_list_sha256, source_sha256, validated_seeds

__all__ = ["SeedListError", "seed_list_sha256", "source_sha256", "validated_seeds"]
