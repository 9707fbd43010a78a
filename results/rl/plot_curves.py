"""Draws `curve.png` beside every `curve.csv` in this folder: `python results/rl/plot_curves.py`."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from learning.curve import read_curve


def plot(path: Path) -> Path:
    """Draws one curve; returns the picture's path."""
    rows = read_curve(path)
    steps = [row["steps"] for row in rows]
    figure, axes = plt.subplots(figsize=(5.2, 3.2), dpi=110)
    for key, label in (("eval_success", "evaluation"), ("train_success", "training")):
        axes.plot(steps, [100 * row[key] for row in rows], marker=".", label=label)
    axes.set(xlabel="steps of the policy", ylabel="success in %", ylim=(-3, 103))
    axes.set_title(f"{path.parent.name}, {rows[-1]['wall_s'] / 60:.0f} min", fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.tight_layout()
    picture = path.with_suffix(".png")
    figure.savefig(picture)
    plt.close(figure)
    return picture


if __name__ == "__main__":
    for curve in sorted(Path(__file__).parent.glob("**/curve.csv")):
        print(plot(curve))
