"""Puts trained policies into the package, as `policy=pretrained` acts with them.

    .venv/bin/python -m policies.pretrained.ship CHECKPOINT ...

Matrices are rounded to float16, half the size; they are widened again when they are loaded.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from policies.imitation.checkpoint import Checkpoint
from policies.pretrained.policy import FOLDER

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoints", nargs="+", type=Path, help="folders such as RUN/last")
    for source in parser.parse_args().checkpoints:
        checkpoint = Checkpoint.load(source)
        weights = {
            name: weight.half() if weight.ndim > 1 else weight
            for name, weight in checkpoint.weights.items()
        }
        target = FOLDER / checkpoint.task
        replace(checkpoint, weights=weights).save(target)
        print(target)
