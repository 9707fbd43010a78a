"""What AdaMix costs: indices a second, and the share of a training that new weights take.

    python benchmarks/adamix_speed.py                                    # indices
    python benchmarks/adamix_speed.py --dataset FOLDER --task TASK --policy act

Indices: `AdaMixSampler` and torch's `WeightedRandomSampler` draw as many of the same weights,
taking turns. New weights: a training of the policy's small preset does some steps and a refresh
(the policy predicts all demonstrations, open loop), taking turns; the share is for a refresh every
`refresh_every` steps. Times are CPU time of one thread, medians over rounds.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import WeightedRandomSampler

from augment.adamix.registry import make_reweighting
from augment.adamix.reweighting import Evidence
from augment.adamix.sampler import AdaMixSampler
from augment.adamix.sampler_config import SamplerConfig
from learning.accelerator import make_accelerator
from learning.heap import keep_freed_memory
from learning.learner import Learner
from learning.loader import Loader
from policies.imitation.methods import method_class, preset
from policies.training.demonstration_data import load_demonstrations, open_demonstrations
from policies.training.resampling import Resampling
from policies.training.trainers import SamplingSettings

BATCH, STEPS = 100, 20_000
TRAJECTORIES = 200


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def indices(rounds: int) -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(80, 120, TRAJECTORIES)
    sampler = AdaMixSampler(
        lengths.tolist(),
        make_reweighting("adamix", {}, np.arange(TRAJECTORIES), 0),
        SamplerConfig(refresh_every=STEPS, warmup_steps=STEPS),
        steps=3 * STEPS,
        batch_size=BATCH,
        seed=0,
    )
    found = sampler.refresh(STEPS, Evidence(metrics=rng.random((TRAJECTORIES, 3))))
    weights = np.repeat(found.probabilities / lengths, lengths).tolist()
    theirs = WeightedRandomSampler(weights, BATCH * STEPS)
    ours_s, theirs_s = [], []
    for _ in range(rounds):
        ours_s.append(seconds(lambda: sampler.items(range(STEPS, 2 * STEPS))))
        theirs_s.append(seconds(lambda: list(theirs)))
    millions = BATCH * STEPS / 1e6
    ours, torchs = millions / statistics.median(ours_s), millions / statistics.median(theirs_s)
    print(f"{TRAJECTORIES} trajectories, {int(lengths.sum())} frames")
    print(f"AdaMixSampler          {ours:6.1f} million indices a second")
    print(f"WeightedRandomSampler  {torchs:6.1f}, a ratio of {ours / torchs:.1f}")


def refreshes(folder: Path, task: str, policy: str, rounds: int, steps: int) -> None:
    accelerator = make_accelerator("cpu", "fp32")
    config, optimization = preset(policy, "small", {}, {})
    method = method_class(policy)(config)
    source = open_demonstrations(folder, task, None, method)
    data = load_demonstrations(source, None, method, 0, print)
    method.fit(data.statistics)
    settings = SamplingSettings("adamix", {"refresh_every": steps, "warmup_steps": steps})
    resampling = Resampling(settings, data, method, optimization, accelerator, 0)
    learner = Learner(method, optimization, accelerator, "fp32", 0)
    batches = Loader(data.windows, resampling.order, 1, 0).batches_by_step(
        0, optimization, accelerator
    )
    step_s, refresh_s = [], []
    with tempfile.TemporaryDirectory() as place:
        for number in range(rounds):
            first = number * steps
            one = seconds(
                lambda first=first: [learner.step(first + i, next(batches)) for i in range(steps)]
            )
            step_s.append(one / steps)
            refresh_s.append(
                seconds(
                    lambda first=first: resampling.refresh(first + steps, Path(place), "benchmark")
                )
            )
    step, refresh = statistics.median(step_s), statistics.median(refresh_s)
    count, default = len(source.episodes), SamplerConfig().refresh_every
    print(
        f"{policy}, {count} demonstrations of {task}: "
        f"a step {step:.3f} s, a refresh {refresh:.1f} s"
    )
    for demonstrations in (count, TRAJECTORIES):
        whole = refresh * demonstrations / count
        share = whole / (default * step + whole)
        print(f"every {default} steps, {demonstrations} demonstrations: {100 * share:.1f} %")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", type=Path)
    parser.add_argument("--task", default="block_hammer_beat")
    parser.add_argument("--policy", default="act")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    if options.dataset is None:
        indices(options.rounds)
    else:
        refreshes(options.dataset, options.task, options.policy, options.rounds, options.steps)
