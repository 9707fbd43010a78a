"""Whether noise decides which demonstrations are hard for a policy that denoises.

    python benchmarks/adamix_noise.py --dataset FOLDER --task TASK CHECKPOINT ...

AdaMix's difficulty of each demonstration, by the policy's predictions with some draws of noise and
without any. Spearman's rank correlation over demonstrations, mean over the draws: of a draw with
another one, and of a draw, and of no noise, with the mean metrics of all other draws.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr

from augment.adamix.adamix import AdaMix, AdaMixConfig
from augment.adamix.registry import make_reweighting
from policies.imitation.checkpoint import Checkpoint
from policies.training.demonstration_data import load_demonstrations, open_demonstrations
from policies.training.evidence import predicted_metrics


def correlations(checkpoint: Path, folder: Path, task: str, draws: int) -> str:
    """A line of the table."""
    found = Checkpoint.load(checkpoint)
    method = found.build()
    data = load_demonstrations(
        open_demonstrations(folder, task, None, method), None, method, 0, lambda _: None
    )
    std = data.statistics.action.std
    count = len(data.windows.episodes)
    adamix = make_reweighting("adamix", {}, np.arange(count), 0)
    assert isinstance(adamix, AdaMix)

    def metrics(generator: torch.Generator | None) -> NDArray[np.float64]:
        margin = AdaMixConfig().margin
        by_frame = predicted_metrics(method, data.windows, std, margin, generator)
        return by_frame.by_trajectory().cpu().numpy()

    def alike(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
        return float(spearmanr(adamix.difficulty(one), adamix.difficulty(other)).statistic)

    noisy = np.stack([metrics(torch.Generator().manual_seed(draw)) for draw in range(draws)])
    calm = metrics(None)
    others = [np.delete(noisy, draw, axis=0).mean(axis=0) for draw in range(draws)]
    pairs = [alike(one, other) for one, other in itertools.combinations(noisy, 2)]
    one = [alike(each, rest) for each, rest in zip(noisy, others, strict=True)]
    none = [alike(calm, rest) for rest in others]
    shown = "   ".join(f"{np.mean(each):9.2f}" for each in (pairs, one, none))
    return f"{found.method:5} {count:4} {shown}   {checkpoint}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--task", required=True)
    parser.add_argument("--draws", type=int, default=4)
    options = parser.parse_args()
    if options.draws < 2:
        parser.error("--draws: expected an integer >= 2")
    print("demonstrations, draw/draw, draw/others, no noise/others")
    for each in options.checkpoints:
        print(correlations(each, options.dataset, options.task, options.draws), flush=True)
