"""What happens between the steps of a training with Stable-Baselines3.

Contents:
    Checkpoints: what a training goes on from.
    Curve: a line of `curve.csv` after each evaluation.
    Best: writes the policy if no evaluation before was better.
    UntilInterrupted: ends the training at Ctrl-C, between two steps.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback, CheckpointCallback, EvalCallback

from learning.curve import append_row
from learning.interruption import Interruption

CURVE_COLUMNS = (
    "steps",
    "wall_s",
    "train_success",
    "train_return",
    "eval_success",
    "eval_return",
)


class Checkpoints(CheckpointCallback):
    """Saves the model, and the replay buffer of one that has it; keeps the last one only.

    `latest.json` names a checkpoint that is complete, whatever interrupts the saving.
    """

    LATEST = "latest.json"

    def __init__(self, every: int, folder: Path) -> None:
        """Saves `every` that many calls, to a folder."""
        super().__init__(every, str(folder), name_prefix="model", save_replay_buffer=True)
        self._folder = folder

    def _on_step(self) -> bool:
        if self.n_calls % self.save_freq == 0:
            self.save()
        return True

    def save(self) -> None:
        """Saves now."""
        self._folder.mkdir(parents=True, exist_ok=True)
        steps = self.model.num_timesteps
        names = {"model": f"model_{steps}.zip"}
        self.model.save(self._folder / names["model"])
        if getattr(self.model, "replay_buffer", None) is not None:
            names["replay_buffer"] = f"replay_buffer_{steps}.pkl"
            model: Any = self.model
            model.save_replay_buffer(self._folder / names["replay_buffer"])
        staging = self._folder / f"{self.LATEST}.part"
        staging.write_text(json.dumps({"steps": steps, **names}) + "\n")
        staging.replace(self._folder / self.LATEST)
        for path in self._folder.iterdir():
            if path.name not in (self.LATEST, *names.values()):
                path.unlink()


class Curve(BaseCallback):
    """Adds a line to `curve.csv`, and tells it; to be called after an evaluation."""

    parent: EvalCallback

    def __init__(self, path: Path, before_s: float, report: Callable[[str], None]) -> None:
        """Goes on with a file.

        Args:
            path: The file, with its header if it exists.
            before_s: Wall time in s that the training has taken before.
            report: Is told every line in words.
        """
        super().__init__()
        self._path, self._before_s, self._report = path, before_s, report
        self._started = time.monotonic()

    def _on_step(self) -> bool:
        successes = self.parent._is_success_buffer
        episodes = list(self.model.ep_info_buffer or ())
        trained = list(self.model.ep_success_buffer or ())
        row = {
            "steps": self.num_timesteps,
            "wall_s": round(self._before_s + time.monotonic() - self._started, 1),
            "train_success": _mean([float(each) for each in trained]),
            "train_return": _mean([float(each["r"]) for each in episodes]),
            "eval_success": _mean([float(each) for each in successes]),
            "eval_return": round(self.parent.last_mean_reward, 4),
        }
        append_row(self._path, CURVE_COLUMNS, row)
        self._report(
            f"{row['steps']} steps, {row['wall_s']:.0f} s: success {row['eval_success']} in "
            f"evaluation, {row['train_success']} in training"
        )
        return True


class Best(BaseCallback):
    """Writes the policy if no evaluation before was better; to be called after an evaluation.

    Of equally good ones the last is kept: it has learned most.
    """

    parent: EvalCallback

    def __init__(self, write: Callable[[], None], success: float) -> None:
        """Goes on.

        Args:
            write: Writes the policy as it is now.
            success: Best success rate so far.
        """
        super().__init__()
        self._write, self._success = write, success

    def _on_step(self) -> bool:
        success = _mean([float(each) for each in self.parent._is_success_buffer])
        if success >= self._success:
            self._success = success
            self._write()
        return True


class UntilInterrupted(BaseCallback):
    """Ends the training when it is interrupted and the present step is done."""

    def __init__(self, interruption: Interruption) -> None:
        """Listens to an interruption."""
        super().__init__()
        self._interruption = interruption

    def _on_step(self) -> bool:
        return not self._interruption.requested


def _mean(values: list[float]) -> float:
    return round(float(np.mean(values)), 4) if values else 0.0
