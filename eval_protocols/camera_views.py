"""What the cameras saw: pictures of an episode's first observation, made after an evaluation.

The observer camera of the videos stays the same whatever happens to the policy's cameras. So each
condition's first observation of one episode is kept, as the policy got it, perturbed and
standardized; and the first camera's of each episode that was filmed.

    OUTPUT/views/<condition>/<task>/<seed>/<camera>.jpg
    OUTPUT/views/index.json                               a list of `View`, as JSON

Contents:
    View: One picture.
    record_views: Makes the pictures of a result.
    read_views: Finds the pictures made before.
"""

from __future__ import annotations

import dataclasses
import io
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from eval_protocols.episodes import WorkUnit
from eval_protocols.protocol import Condition, Protocol
from eval_protocols.render_processes import call_apart
from eval_protocols.videos import Replay
from eval_protocols.whole_file import write_whole

#: What is shown where the policy itself sees no pictures.
DEFAULT_CAMERAS = ("head_camera", "front_camera")
#: Larger pictures are made smaller; in pixels.
MAX_WIDTH = 320
#: Size of one picture in bytes: it is compressed until it fits.
MAX_VIEW_BYTES = 20_000
QUALITIES = (85, 75, 60, 45, 30)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class View:
    """What a camera saw when an episode began.

    Attributes:
        condition: Condition name.
        task: Task name.
        seed: The episode's seed.
        camera: Camera name.
        instruction: What the policy was told.
        drawn: The value drawn for each variation, as JSON; None where it took no part.
    """

    condition: str
    task: str
    seed: int
    camera: str
    instruction: str
    drawn: dict[str, Any]

    def path(self, output_dir: Path) -> Path:
        """File of the picture."""
        folder = output_dir / "views" / self.condition / self.task / str(self.seed)
        return folder / f"{self.camera}.jpg"


def record_views(
    output_dir: Path,
    result: Mapping[str, Any],
    protocol: Protocol,
    filmed: Iterable[Replay] = (),
) -> list[View]:
    """Makes the pictures of a result whose protocol has perturbed conditions.

    Args:
        output_dir: Folder of the evaluation.
        result: Its result.
        protocol: That of the result.
        filmed: Episodes with a video.

    Returns:
        The views: of the first task's first seed under every condition with all cameras that the
        policy observes, and of filmed episodes with the first of them. None for a protocol that
        perturbs nothing. The log says which could not be made.

    Raises:
        envs.errors.RenderingUnavailableError: If nothing can be rendered on this machine.
    """
    conditions = protocol.conditions
    if all(condition.twin is None for condition in conditions):
        return []
    observes = result["policy"]["observes"]
    cameras = tuple(observes["cameras"]) or DEFAULT_CAMERAS
    first = result["episodes"][0]
    wanted = {
        WorkUnit(replay.task, replay.seed, replay.condition): cameras[:1] for replay in filmed
    } | {WorkUnit(first["task"], first["seed"], each.name): cameras for each in conditions}
    views = {_place(view): view for view in read_views(output_dir)}
    by_name = {condition.name: condition for condition in conditions}
    missing = [
        (output_dir, unit, by_name[unit.condition], its_cameras, observes["resolution"])
        for unit, its_cameras in wanted.items()
        if any((unit.condition, unit.task, unit.seed, name) not in views for name in its_cameras)
    ]
    if missing:
        workers = min(result["timing"]["workers"], len(missing))
        for call, outcome in zip(missing, call_apart(_record, missing, workers), strict=True):
            if isinstance(outcome, list):
                views |= {_place(view): view for view in outcome}
            else:
                died = isinstance(outcome, BrokenProcessPool)
                reason = "a rendering process died" if died else outcome
                logger.warning("no picture of %s, %s: %s", call[1].task, call[1].condition, reason)
        listed = json.dumps([dataclasses.asdict(view) for view in views.values()], indent=1)
        (output_dir / "views").mkdir(parents=True, exist_ok=True)
        write_whole(output_dir / "views" / "index.json", (listed + "\n").encode())
    return list(views.values())


def read_views(output_dir: Path) -> list[View]:
    """Finds the pictures that `record_views` made.

    Args:
        output_dir: Folder of the evaluation.

    Returns:
        The views whose pictures are still there; none if none were made.
    """
    listed = output_dir / "views" / "index.json"
    if not listed.exists():
        return []
    views = [View(**fields) for fields in json.loads(listed.read_text(encoding="utf-8"))]
    return [view for view in views if view.path(output_dir).exists()]


def _place(view: View) -> tuple[str, str, int, str]:
    return (view.condition, view.task, view.seed, view.camera)


def _record(
    output_dir: Path,
    unit: WorkUnit,
    condition: Condition,
    cameras: Sequence[str],
    resolution: Sequence[int] | None,
) -> list[View]:
    """Makes the pictures of one episode."""
    from envs.registration import make_env  # these load SAPIEN, which only a worker needs
    from eval_protocols.condition_env import make_condition_env

    env = make_condition_env(
        make_env,
        unit.task,
        condition,
        obs_mode="rgb",
        cameras=cameras,
        resolution=None if resolution is None else tuple(resolution),
    )
    try:
        observation, info = env.reset(seed=unit.seed)
        views = []
        for camera in cameras:
            view = View(
                unit.condition,
                unit.task,
                unit.seed,
                camera,
                info["instruction"],
                info["variations"],
            )
            view.path(output_dir).parent.mkdir(parents=True, exist_ok=True)
            picture = Image.fromarray(observation["cameras"][camera]["rgb"])
            write_whole(view.path(output_dir), small_jpeg(picture))
            views.append(view)
        return views
    finally:
        env.close()


def small_jpeg(picture: Image.Image) -> bytes:
    """A picture as JPEG of limited width and, as far as a low quality goes, size."""
    if picture.width > MAX_WIDTH:
        height = round(picture.height * MAX_WIDTH / picture.width)
        picture = picture.resize((MAX_WIDTH, height), Image.Resampling.LANCZOS)
    content = b""
    for quality in QUALITIES:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality)
        content = buffer.getvalue()
        if len(content) <= MAX_VIEW_BYTES:
            break
    return content
