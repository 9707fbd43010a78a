"""Makes the pictures in the docs, and `docs/tasks.md` from what the tasks say of themselves.

    docs/tasks/<task>.jpg  an expert's episode: at reset, under way, at its end
    docs/tasks.md          every task with its picture, docstring and wordings
    docs/tasks.jpg         all tasks under way, for the README
    docs/gallery.jpg       all object families (`python -m envs.objects.gallery`)

Usage: `python docs/make_pictures.py [TASK ...]`; with names, only those tasks' own pictures.
"""

from __future__ import annotations

import argparse
import inspect
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from envs import rendering
from envs.cameras import CameraModel, CameraMount, facing
from envs.dual_arm_env import DualArmEnv
from envs.experts.episode import expert_actions
from envs.objects.families import FAMILIES
from envs.objects.gallery import contact_sheet
from envs.registration import env_id, task_names
from envs.tasks import load_task

DOCS = Path(__file__).parent
VIEW = CameraMount(facing((0.62, 0.36, 1.42), (-0.70, -0.66, -0.56)))
MODEL = CameraModel.with_fovy(960, 720, np.deg2rad(58.0))
SIZE = (480, 360)
"""Half of what is rendered: the renderer itself does not smooth edges."""
SEED = 3
UNDER_WAY = {
    "block_hammer_beat": 0.8,
    "blocks_stack_easy": 0.85,
    "blocks_stack_hard": 0.85,
    "bottle_adjust": 0.8,
    "diverse_bottles_pick": 0.75,
    "dual_bottles_pick_easy": 0.75,
    "dual_bottles_pick_hard": 0.75,
    "mug_hanging_easy": 0.8,
    "mug_hanging_hard": 0.8,
    "pick_apple_messy": 0.85,
    "throw_bottle": 0.66,
    "tool_adjust": 0.85,
}
"""Part of the episode after which a task is shown, where it is not the middle."""


def moments(task: str) -> list[Image.Image]:
    """Pictures of an expert's episode: at reset, under way, at its end."""
    env = DualArmEnv(task)
    env.reset(seed=SEED)
    steps = sum(1 for action in expert_actions(env) if env.step(action))
    env = DualArmEnv(task, render_mode="rgb_array")
    env.reset(seed=SEED)
    env.simulation.add_camera("view", MODEL, VIEW)
    shown = {round(UNDER_WAY.get(task, 0.5) * steps), steps}
    pictures = [_picture(env)]
    for step, action in enumerate(expert_actions(env), start=1):
        env.step(action)
        if step in shown:
            pictures.append(_picture(env))
    return pictures


def _picture(env: DualArmEnv) -> Image.Image:
    rgb = env.simulation.take_pictures(["view"])["view"].rgb
    return Image.fromarray(rgb).resize(SIZE, Image.Resampling.BOX)


def side_by_side(rows: list[list[Image.Image]], size: tuple[int, int]) -> Image.Image:
    """Pictures in rows, each resized."""
    sheet = Image.new("RGB", (len(rows[0]) * size[0], len(rows) * size[1]), "white")
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            small = picture.resize(size, Image.Resampling.LANCZOS)
            sheet.paste(small, (x * size[0], y * size[1]))
    return sheet


def page() -> str:
    """`tasks.md`: every task in its own words."""
    lines = [
        "# Tasks",
        "",
        "Written by `python docs/make_pictures.py` from the tasks' docstrings. The pictures show",
        f"an expert's episode of seed {SEED}: at reset, under way, at its end.",
    ]
    for name in task_names():
        task = load_task(name)
        lines += ["", f"## `{name}`", "", f"`{env_id(name)}`, {task.step_limit} steps.", ""]
        lines += [f"![{name}](tasks/{name}.jpg)", "", inspect.cleandoc(task.__doc__ or ""), ""]
        lines += [f"- {words}" for words in task.instructions]
        lines += [f"- (unseen) {words}" for words in task.unseen_instructions]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Writes the files named above."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", nargs="*", choices=[*task_names(), []], metavar="TASK")
    only = parser.parse_args().tasks
    (DOCS / "tasks").mkdir(exist_ok=True)
    under_way = []
    for task in tqdm(only or task_names(), desc="tasks"):
        pictures = moments(task)
        side_by_side([pictures], (320, 240)).save(DOCS / "tasks" / f"{task}.jpg", quality=85)
        under_way.append(pictures[1])
    if only:
        return
    columns = 5
    rows = [under_way[i : i + columns] for i in range(0, len(under_way), columns)]
    side_by_side(rows, (288, 216)).save(DOCS / "tasks.jpg", quality=85)
    (DOCS / "tasks.md").write_text(page())
    rendering.start()
    contact_sheet(list(FAMILIES), 96).save(DOCS / "gallery.jpg", quality=85)


if __name__ == "__main__":
    main()
