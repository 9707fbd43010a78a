"""What a prompt claims about its clip, for `augment.video_metrics.attributes` to check.

Only what clips of the simulator bear out where the prompt is true of them is claimed. Of 65 scenes
of 13 tasks, 331 of 336 colors were right in the usual light, and 117 of 137 where the light had
colors up to size 0.5, up to 1.25 stops and came from all sides: colors are judged as they are seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from augment.dream_transfer.color_words import NamedColor
from augment.dream_transfer.scene_words import SceneWords
from augment.dream_transfer.thing_words import ROBOT
from augment.video_metrics.attributes import LIGHTS, Claim

_OTHER_COLOR_IN_VIEW = ("apple", "bowl", "cup", "mug", "rack")
"""Things whose color is often not that of most of their pixels (35 of 62 in the usual light): one
looks into vessels, apples have a blush, and a mug rack's foot has a color of its own."""


def claims(
    said: SceneWords, things: Mapping[str, Mapping[str, Any]], source: SceneWords
) -> tuple[Claim, ...]:
    """Claims about a clip that was made for a prompt.

    Light is judged by the robot, which every prompt leaves as it was. Of 48 drawn lights it shows
    brightness and temperature right in 46 each, walls that stay the same in 40 and 44.

    Args:
        said: What the prompt says: `Prompt.said`.
        things: What segmentation stands for: `info["things"]` of the episode.
        source: What the clip that it was made from looks like. Light is compared with that clip's:
            of a dim clip that stays dim nothing can be claimed.
    """
    found: list[Claim] = []
    robot = tuple(things[ROBOT]["ids"])

    def color(color: NamedColor | None, ids: list[int]) -> None:
        if color is not None and color.sure:
            found.append(Claim(tuple(ids), "color", color.name, robot))

    for thing in said.things:
        if thing.kind not in _OTHER_COLOR_IN_VIEW:
            color(thing.seen_color, things[thing.name]["ids"])
    if said.table is not None:
        color(said.table.seen_color, things["table"]["ids"])
    if said.wall is not None:
        walls = [id for name in things if name.startswith("wall") for id in things[name]["ids"]]
        color(said.wall.seen_color, walls)
    for kind, levels in LIGHTS.items():
        now, before = getattr(said.light, kind, None), getattr(source.light, kind, None)
        change = None if None in (now, before) else _change(levels, str(now), str(before))
        if change is not None:
            found.append(Claim(robot, kind, change))
    return tuple(found)


def _change(levels: tuple[str, ...], now: str, before: str) -> str | None:
    """What light is called beside a clip that has another; None where that is not known."""
    difference = levels.index(now) - levels.index(before)
    if difference == 0 and now != levels[1]:
        return None
    return levels[1 + (difference > 0) - (difference < 0)]
