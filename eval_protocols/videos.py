"""Videos of episodes, made after an evaluation by replaying their actions.

The simulation is deterministic, so an evaluation need not render for people: the executed actions
are replayed with the observer camera, and the hash of the last state tells whether the video shows
what was scored. A bar along the lower edge grows with the task's progress and is green while the
task is solved.

    OUTPUT/actions/<condition>/<task>/<seed>.npy     what is replayed
    OUTPUT/videos/<condition>/<task>/<seed>.mp4      H.264, in real time
    OUTPUT/videos/<condition>/<task>/<seed>.jpg      its last frame
    OUTPUT/videos/replays.json                       a list of `Replay`, as JSON

Contents:
    Replay: One video.
    record_videos: Makes the videos of a result.
    read_replays: Finds the videos made before.
"""

from __future__ import annotations

import dataclasses
import io
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio.v2 as imageio
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eval_protocols.episodes import WorkUnit
from eval_protocols.journal import actions_path
from eval_protocols.protocol import Protocol
from eval_protocols.render_processes import call_apart
from eval_protocols.video_selection import choose_episodes
from eval_protocols.whole_file import write_whole

#: Control steps from one frame to the next: 8.3 frames per second at 16.67 Hz.
STRIDE = 2
#: What the bit rate is limited for, in bytes of one video.
MAX_VIDEO_BYTES = 150_000
#: How often the last frame is repeated, so that a video in a loop does not end abruptly.
LINGER_FRAMES = 6

BAR_PIXELS = 5
BAR_BACKGROUND = (38, 38, 42)
BAR_PROGRESS = (232, 163, 61)
BAR_SUCCESS = (66, 184, 112)

logger = logging.getLogger(__name__)

Frame = NDArray[np.uint8]


@dataclass(frozen=True)
class Replay:
    """An episode that was replayed for its video.

    Attributes:
        condition: Condition name.
        task: Task name.
        seed: The episode's seed.
        reproduced: Whether the replay ended in the recorded physical state; None if none was
            recorded. If not, the video shows something else than what was scored.
    """

    condition: str
    task: str
    seed: int
    reproduced: bool | None

    def path(self, output_dir: Path, suffix: str) -> Path:
        """File of the video (".mp4") or of its last frame (".jpg")."""
        # The schema keeps both names harmless as folders.
        return output_dir / "videos" / self.condition / self.task / f"{self.seed}{suffix}"


def record_videos(
    output_dir: Path, result: Mapping[str, Any], protocol: Protocol, per_task: int
) -> list[Path]:
    """Makes videos of the episodes that are worth one (`choose_episodes`).

    Args:
        output_dir: Folder of the evaluation, with the executed actions.
        result: Its result.
        protocol: That of the result.
        per_task: How many for each task: pairs of twins, or episodes of conditions without.

    Returns:
        The videos. An episode without stored actions, or whose replay goes wrong, has none; the
        log says why.

    Raises:
        envs.errors.RenderingUnavailableError: If nothing can be rendered on this machine.
    """
    episodes = choose_episodes(
        [each for each in result["episodes"] if _actions_file(output_dir, each).exists()],
        result["protocol"]["conditions"],
        protocol.headline,
        per_task,
    )
    if not episodes:
        return []
    for left in (output_dir / "videos").glob("*/*/.*"):
        left.unlink()  # of a recording that was interrupted
    made = {(r.condition, r.task, r.seed): r for r in read_replays(output_dir)}
    missing = [e for e in episodes if (e["condition"], e["task"], e["seed"]) not in made]
    if not missing:
        return [replay.path(output_dir, ".mp4") for replay in made.values()]
    workers = min(result["timing"]["workers"], len(missing))
    options = {
        condition.name: {
            "action_mode": result["policy"]["action_mode"],
            "variations": condition.variations,
        }
        for condition in protocol.conditions
    }
    new = _replay_all(output_dir, missing, options, workers)
    for replay in new:
        if replay.reproduced is False:
            logger.warning(
                "the replay of %s ended in another state than the episode did; its video does not "
                "show what was scored",
                _title(dataclasses.asdict(replay)),
            )
    replays = [*made.values(), *new]
    listed = json.dumps([dataclasses.asdict(replay) for replay in replays], indent=2)
    (output_dir / "videos").mkdir(parents=True, exist_ok=True)
    write_whole(output_dir / "videos" / "replays.json", (listed + "\n").encode())
    return [replay.path(output_dir, ".mp4") for replay in replays]


def read_replays(output_dir: Path) -> list[Replay]:
    """Finds the videos that `record_videos` made.

    Args:
        output_dir: Folder of the evaluation.

    Returns:
        The replays whose videos are still there; none if no videos were made.
    """
    listed = output_dir / "videos" / "replays.json"
    if not listed.exists():
        return []
    replays = [Replay(**fields) for fields in json.loads(listed.read_text(encoding="utf-8"))]
    return [replay for replay in replays if replay.path(output_dir, ".mp4").exists()]


def _actions_file(output_dir: Path, episode: Mapping[str, Any]) -> Path:
    """File of an episode's executed actions."""
    unit = WorkUnit(episode["task"], episode["seed"], episode["condition"])
    return actions_path(output_dir, unit)


def _title(episode: Mapping[str, Any]) -> str:
    """How an episode is called in messages."""
    return f"{episode['task']}, seed {episode['seed']} ({episode['condition']})"


def _replay_all(
    output_dir: Path,
    episodes: Sequence[Mapping[str, Any]],
    options: Mapping[str, Mapping[str, Any]],
    workers: int,
) -> list[Replay]:
    """Replays episodes in processes of their own; the log says which did not work out.

    Args:
        output_dir: Folder of the evaluation.
        episodes: What to replay.
        options: Options of the environment for each condition.
        workers: Number of processes.
    """
    calls = [
        (output_dir, dict(episode), dict(options[episode["condition"]])) for episode in episodes
    ]
    replays = []
    lost = 0
    for episode, outcome in zip(episodes, call_apart(_record, calls, workers), strict=True):
        if isinstance(outcome, Replay):
            replays.append(outcome)
        elif isinstance(outcome, BrokenProcessPool):
            lost += 1
        else:
            logger.warning("no video of %s: %s", _title(episode), outcome)
    if lost:
        logger.warning("a replaying process died; %d of %d videos are missing", lost, len(episodes))
    return replays


def _record(output_dir: Path, episode: dict[str, Any], options: dict[str, Any]) -> Replay:
    """Replays one episode into its video."""
    from envs.registration import make_env  # loads SAPIEN, which only a worker needs

    condition, task, seed = episode["condition"], episode["task"], episode["seed"]
    actions = np.load(_actions_file(output_dir, episode), allow_pickle=False)
    env = make_env(task, obs_mode="state", render_mode="rgb_array", **options)
    try:
        replay = Replay(condition, task, seed, None)
        video = replay.path(output_dir, ".mp4")
        video.parent.mkdir(parents=True, exist_ok=True)
        control_hz = float(env.get_wrapper_attr("control_hz"))
        last = _write_video(video, _frames(env, seed, actions), len(actions), control_hz)
        poster = io.BytesIO()
        Image.fromarray(last).save(poster, "JPEG", quality=80)
        write_whole(replay.path(output_dir, ".jpg"), poster.getvalue())
        if episode["state_sha256"] is None:
            return replay
        state_sha256 = env.get_wrapper_attr("state_sha256")()
        return dataclasses.replace(replay, reproduced=state_sha256 == episode["state_sha256"])
    finally:
        env.close()


def _frames(env: Any, seed: int, actions: NDArray[np.floating[Any]]) -> Iterator[Frame]:
    """Steps an environment through actions and yields what the observer sees of them."""
    _, info = env.reset(seed=seed)
    yield _with_bar(env.render(), info)
    for index, action in enumerate(actions, start=1):
        _, _, _, _, info = env.step(action)
        if index % STRIDE == 0 or index == len(actions):
            yield _with_bar(env.render(), info)


def _with_bar(picture: Frame, info: Mapping[str, Any]) -> Frame:
    """A frame with the task's progress along its lower edge."""
    frame: Frame = np.array(picture, dtype=np.uint8)
    frame[-BAR_PIXELS:] = BAR_BACKGROUND
    filled = round(frame.shape[1] * float(np.clip(info.get("progress", 0.0), 0.0, 1.0)))
    frame[-BAR_PIXELS:, :filled] = BAR_PROGRESS
    if info.get("success", False):
        frame[-BAR_PIXELS:] = BAR_SUCCESS
    return frame


def _write_video(path: Path, frames: Iterator[Frame], steps: int, control_hz: float) -> Frame:
    """Encodes frames, whole or not at all, as H.264 that every browser plays.

    Args:
        path: The file.
        frames: RGB pictures, at least one, of even width and height.
        steps: Control steps they show, for the bit rate.
        control_hz: Control steps per second.

    Returns:
        The last frame.
    """
    fps = control_hz / STRIDE
    seconds = (steps / STRIDE + 1 + LINGER_FRAMES) / fps
    bits_per_s = f"{int(0.85 * MAX_VIDEO_BYTES * 8 / max(seconds, 3.0))}"
    limits = ["-crf", "26", "-maxrate", bits_per_s, "-bufsize", bits_per_s]
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.mp4")
    try:
        writer: Any = imageio.get_writer(
            temporary,
            format="FFMPEG",
            fps=fps,
            codec="libx264",
            pixelformat="yuv420p",
            quality=None,  # decided by `limits`
            macro_block_size=2,
            output_params=[*limits, "-preset", "slow", "-movflags", "+faststart"],
        )
        with writer:
            for frame in frames:
                writer.append_data(frame)
            for _ in range(LINGER_FRAMES):
                writer.append_data(frame)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return frame
