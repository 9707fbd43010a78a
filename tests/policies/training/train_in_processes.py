"""Trains as torchrun starts it, and writes what each process has seen.

python train_in_processes.py DEMONSTRATIONS FOLDER
"""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the tiny method

from learning.learner import Learner
from policies.training.resampling import Resampling
from policies.training.trainers import DemonstrationSettings, SamplingSettings, load_trainer


def main(demonstrations, folder):
    weights, batches, orders = [], [], []
    refresh, step = Resampling.refresh, Learner.step

    def refresh_and_tell(self, *arguments):
        made = refresh(self, *arguments)
        if made is not None:
            weights.append(made.probabilities.tolist())
        orders[:] = [self]
        return made

    def step_and_tell(self, number, parts):
        batches.append([each["action"][:, 1].tolist() for each in parts])
        return step(self, number, parts)

    Resampling.refresh, Learner.step = refresh_and_tell, step_and_tell
    settings = DemonstrationSettings(
        policy="tiny_method.method:Tiny",
        size="small",
        task="tool_adjust",
        dataset=demonstrations,
        generated=None,
        sampling=SamplingSettings("adamix", {"warmup_steps": 2, "refresh_every": 2}),
        episodes=None,
        seed=0,
        total_steps=7,
        method={},
        optimization={"batch_size": 8},
        folder=folder,
        resume=True,
        device="cpu",
        precision="fp32",
        compile=False,
        accumulate=2,
        loader_workers=0,
        checkpoint_every=1000,
        eval_every=0,
        eval_episodes=2,
        workers=0,
    )
    load_trainer(settings.policy)(settings, lambda line: None)
    (resampling,) = orders
    windows, items = resampling._data.windows, resampling._sampler.items(range(7))
    wanted = [[windows[int(i)]["action"][1].tolist() for i in step] for step in items]
    seen = {"weights": weights, "batches": batches, "wanted": wanted}
    rank = os.environ["RANK"]
    (folder.parent / f"process_{rank}.json").write_text(json.dumps(seen))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
