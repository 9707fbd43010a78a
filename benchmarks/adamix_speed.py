"""What AdaMix costs: indices a second, and the share of a training that new weights take.

    python benchmarks/adamix_speed.py                                    # indices
    python benchmarks/adamix_speed.py --dataset FOLDER --task TASK --policy act

Indices: as many of the same weights, taking turns. As lists of Python's numbers, which a loader
asks for: `AdaMixSampler` and torch's `WeightedRandomSampler`. As arrays: what is below them, ours
and `torch.multinomial`. New weights: a training of the policy's small preset does some steps and a
refresh (the policy predicts all demonstrations, open loop), taking turns; the share is for a
refresh every `refresh_every` steps. Times are CPU time of one thread, medians over rounds.
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
from numpy.typing import NDArray
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
SHARE = 0.05
"""Of a training, that new weights should take at most."""


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def indices(rounds: int) -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(80, 120, TRAJECTORIES)
    average, exact = (drawing(lengths, exact) for exact in (False, True))
    found = average.history[-1].probabilities
    weights = torch.from_numpy(np.repeat(found / lengths, lengths))
    number, steps = BATCH * STEPS, range(STEPS, 2 * STEPS)
    theirs = WeightedRandomSampler(weights.tolist(), number)
    lists = {
        "WeightedRandomSampler": lambda: list(theirs),
        "AdaMixSampler": lambda: average.items(steps).ravel().tolist(),
        "AdaMixSampler, exact=true": lambda: exact.items(steps).ravel().tolist(),
    }
    arrays = {
        "torch.multinomial": lambda: torch.multinomial(weights, number, replacement=True),
        "AdaMixSampler.items": lambda: average.items(steps),
        "AdaMixSampler.items, exact=true": lambda: exact.items(steps),
    }
    print(f"{TRAJECTORIES} trajectories, {int(lengths.sum())} frames; million indices a second")
    for kind, contenders in (("lists", lists), ("arrays", arrays)):
        taken: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(rounds):
            for name, work in contenders.items():
                taken[name].append(seconds(work))
        speeds = {name: number / 1e6 / statistics.median(each) for name, each in taken.items()}
        torchs = next(iter(speeds.values()))
        for name, speed in speeds.items():
            print(f"{kind:7} {name:32} {speed:6.1f}   {speed / torchs:5.1f} times torch's")


def drawing(lengths: NDArray[np.int64], exact: bool) -> AdaMixSampler:
    """A sampler that has made its first weights."""
    sampler = AdaMixSampler(
        lengths.tolist(),
        make_reweighting("adamix", {}, np.arange(len(lengths)), 0),
        SamplerConfig(refresh_every=STEPS, warmup_steps=STEPS, exact=exact),
        steps=3 * STEPS,
        batch_size=BATCH,
        seed=0,
    )
    metrics = np.random.default_rng(1).random((len(lengths), 3))
    sampler.refresh(STEPS, Evidence(metrics=metrics))
    return sampler


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
        rarely = whole * (1 / SHARE - 1) / step
        print(
            f"every {default} steps, {demonstrations} demonstrations: {100 * share:.1f} %; "
            f"{100 * SHARE:.0f} % every {rarely:.0f} steps"
        )


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
