"""Prints the table of what `make.py` made, and draws its curves.

    .venv/bin/python results/imitation/table.py

A cell is success once in % with its 95 % interval (Wilson) and, in brackets, the paper's figure.
"""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import yaml

from learning.curve import read_curve

HERE = Path(__file__).resolve().parent


def cell(name: str, task: str, paper: dict[str, dict[str, float]]) -> str:
    """What a method reached on a task."""
    path = HERE / name / task / "result.json"
    if not path.exists():
        return ""
    (overall,) = json.loads(path.read_text())["summary"]["overall"]
    rate = overall["success_once"]
    low, high = (round(100 * rate[end]) for end in ("low", "high"))
    told = f"{100 * rate['rate']:.0f} ({low} .. {high})"
    return f"{told} [{paper[name][task]:.1f}]" if task in paper.get(name, {}) else told


def print_table(entries: dict[str, dict[str, list[str]]]) -> None:
    """Prints it in Markdown."""
    paper = yaml.safe_load((HERE / "papers.yaml").read_text())
    tasks = list(dict.fromkeys(task for entry in entries.values() for task in entry["tasks"]))
    print(f"| | {' | '.join(f'`{task}`' for task in tasks)} | samples seen | minutes |")
    print("| --- |" + " --- |" * (len(tasks) + 2))
    for name, entry in entries.items():
        done = [task for task in entry["tasks"] if (HERE / name / task / "curve.csv").exists()]
        if not done:
            continue
        last = {task: read_curve(HERE / name / task / "curve.csv")[-1] for task in done}
        config = yaml.safe_load((HERE / name / done[0] / "config.yaml").read_text())
        batch = config["optimization"]["batch_size"] * config["accumulate"]
        seen = sorted({int(last[task]["step"]) * batch for task in done})
        minutes = sorted(round(last[task]["wall_s"] / 60) for task in done)
        cells = [cell(name, task, paper) for task in tasks]
        spans = [f"{of[0]} .. {of[-1]}" if of[0] < of[-1] else f"{of[0]}" for of in (seen, minutes)]
        print(f"| `{name}` | {' | '.join(cells)} | {' | '.join(spans)} |")


def draw_curves(entries: dict[str, dict[str, list[str]]]) -> Path:
    """Draws the loss of every training over its time; returns the picture's path."""
    figure, axes = plt.subplots(figsize=(7.5, 4.2), dpi=110)
    colors = plt.get_cmap("tab10")
    styles = ("-", "--", ":")
    for index, (name, entry) in enumerate(entries.items()):
        for style, task in zip(styles, entry["tasks"], strict=False):
            if rows := read_curve(HERE / name / task / "curve.csv"):
                axes.plot(
                    [row["wall_s"] / 60 for row in rows],
                    [row["loss"] for row in rows],
                    style,
                    color=colors(index),
                    linewidth=1,
                    label=f"{name} {task}",
                )
    axes.set(xlabel="minutes on one of two busy cores", ylabel="loss", yscale="log")
    axes.legend(frameon=False, fontsize=6, ncols=2)
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(HERE / "curves.png")
    plt.close(figure)
    return HERE / "curves.png"


if __name__ == "__main__":
    listed = yaml.safe_load((HERE / "runs.yaml").read_text())
    print_table(listed)
    draw_curves(listed)
