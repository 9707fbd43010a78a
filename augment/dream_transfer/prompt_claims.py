"""What a prompt claims about its clip, for `augment.video_metrics.attributes` to check.

Only what clips of the simulator bear out where the prompt is true of them is claimed: of 24 clips
in 8 looks beside the same ones in the room of training 60 of 60 colors, all 24 tables' patterns,
brightness in 23 and temperature in 21. `results/dream_transfer/measure.py` has their means, as the
simulator's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from augment.dream_transfer.color_words import NamedColor
from augment.dream_transfer.scene_words import SceneWords
from augment.dream_transfer.thing_words import ROBOT
from augment.video_metrics.attributes import LIGHTS, PATTERNS, Claim

_OTHER_COLOR_IN_VIEW = ("apple", "bowl", "cup", "mug", "rack")
"""Things whose color is often not that of most of their pixels (35 of 62 in the usual light): one
looks into vessels, apples have a blush, and a mug rack's foot has a color of its own."""


def claims(
    said: SceneWords, things: Mapping[str, Mapping[str, Any]], source: SceneWords
) -> tuple[Claim, ...]:
    """Claims about a clip that was made for a prompt.

    Light is judged by the robot, which every prompt leaves as it was, and colors in the light that
    it shows: as they are seen, only 49 of those 60 are right.

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
        table = tuple(things["table"]["ids"])
        color(said.table.seen_color, [*table])
        pattern = PATTERNS[said.table.pattern != "plain"]
        found.append(Claim(table, "pattern", pattern, robot))
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
