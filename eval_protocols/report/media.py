"""Videos and pictures inside the page, as far as its size allows."""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from eval_protocols.camera_views import View, read_views
from eval_protocols.videos import Replay, read_replays

#: How much video goes into the page, in bytes; base64 makes a third more of it. A page of this
#: size still opens at once and passes as an attachment in most places.
MAX_EMBEDDED_BYTES = 16_000_000
#: The same for what the cameras saw.
MAX_STILL_BYTES = 4_000_000

Key = tuple[str, str, int]


@dataclass(frozen=True)
class Clip:
    """A video as the page shows it.

    Attributes:
        replay: Where it comes from.
        file: Its path relative to the page.
        data: The video as a data URI; None if it is left out of the page.
        poster: Its last frame as a data URI; None if there is none.
    """

    replay: Replay
    file: str
    data: str | None
    poster: str | None


@dataclass(frozen=True)
class Still:
    """What a camera saw, as the page shows it.

    Attributes:
        view: Where it comes from.
        data: The picture as a data URI.
    """

    view: View
    data: str


def load_clips(output_dir: Path, limit: int = MAX_EMBEDDED_BYTES) -> dict[Key, Clip]:
    """Reads the videos of an evaluation.

    Args:
        output_dir: Folder of the evaluation; the page lies in it.
        limit: Bytes of video and pictures to embed. Every condition and task gets its first video
            before any gets its second.

    Returns:
        The clips by condition, task and seed, in the order of recording.
    """
    replays = read_replays(output_dir)
    rank: Counter[tuple[str, str]] = Counter()
    ranked: list[tuple[int, Replay]] = []
    for replay in replays:
        ranked.append((rank[replay.condition, replay.task], replay))
        rank[replay.condition, replay.task] += 1
    clips: dict[Key, Clip] = {}
    for _, replay in sorted(ranked, key=lambda entry: entry[0]):
        video, picture = replay.path(output_dir, ".mp4"), replay.path(output_dir, ".jpg")
        sizes = [path.stat().st_size if path.exists() else 0 for path in (video, picture)]
        fits = sum(sizes) <= limit
        limit -= sum(sizes) if fits else 0
        clips[_key(replay)] = Clip(
            replay,
            video.relative_to(output_dir).as_posix(),
            _data_uri("video/mp4", video) if fits else None,
            _data_uri("image/jpeg", picture) if fits and picture.exists() else None,
        )
    return {_key(replay): clips[_key(replay)] for replay in replays}


def load_stills(output_dir: Path, limit: int = MAX_STILL_BYTES) -> dict[Key, list[Still]]:
    """Reads what the cameras saw in an evaluation.

    Args:
        output_dir: Folder of the evaluation.
        limit: Bytes of pictures to embed; those of episodes with several cameras, which show all
            conditions side by side, come before those beside videos.

    Returns:
        The stills by condition, task and seed, each with its cameras in the order of the policy.
    """
    views = read_views(output_dir)
    cameras = Counter(_key(view) for view in views)
    stills: dict[Key, list[Still]] = {}
    for view in sorted(views, key=lambda each: -cameras[_key(each)]):
        path = view.path(output_dir)
        limit -= path.stat().st_size
        if limit < 0:
            break
        stills.setdefault(_key(view), []).append(Still(view, _data_uri("image/jpeg", path)))
    return stills


def _key(episode: Replay | View) -> Key:
    return (episode.condition, episode.task, episode.seed)


def _data_uri(kind: str, path: Path) -> str:
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
