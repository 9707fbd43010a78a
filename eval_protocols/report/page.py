"""Builds the page: what the template shows, the policy against loading anything, the file.

Names and messages in a result may come from strangers: the template escapes everything, and the
page's content security policy runs no script but our own, named by hash, and loads nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from eval_protocols.report.media import MAX_EMBEDDED_BYTES, Clip, Key, load_clips
from eval_protocols.report.outcomes import (
    KINDS,
    Group,
    Outcome,
    capitalized,
    failure_groups,
    outcome,
    readable,
)

REPORT_NAME = "report.html"

#: Seeds of a group that are written out.
MAX_SEEDS_SHOWN = 30

_HASH = re.compile("[0-9a-f]{40,64}")
_COUNTED = {"error": "with an error", "failed": "failed", "undone": "solved and undone"}
_MEASURES = {"success_once": "Success once", "success_at_end": "Success at end"}


@dataclass(frozen=True)
class EpisodeRow:
    """An episode in the page.

    Attributes:
        record: Its record in the result.
        outcome: How it ended.
        word: The outcome in a word.
        clip: Its video, if there is one.
    """

    record: Mapping[str, Any]
    outcome: Outcome
    word: str
    clip: Clip | None


@dataclass(frozen=True)
class TaskFailures:
    """What went wrong in a task.

    Attributes:
        groups: Its failures by reason.
        counts: How many episodes ended in each way, in words; those that went wrong.
        clips: Episodes with a video.
    """

    groups: tuple[Group, ...]
    counts: str
    clips: tuple[EpisodeRow, ...]


def write_report(output_dir: Path, result: Mapping[str, Any]) -> Path:
    """Writes the page, whole or not at all.

    Args:
        output_dir: Folder of the evaluation, with the videos if any were made.
        result: A valid result.

    Returns:
        The page, `report.html` in that folder.
    """
    page = output_dir / REPORT_NAME
    temporary = page.with_name(f".{page.name}.{os.getpid()}.tmp")
    try:
        # A lone surrogate (from a file name in a message, say) has no place in UTF-8.
        html = render(result, load_clips(output_dir))
        temporary.write_text(html, encoding="utf-8", errors="xmlcharrefreplace")
        temporary.replace(page)
    finally:
        temporary.unlink(missing_ok=True)
    return page


def render(result: Mapping[str, Any], clips: Mapping[Key, Clip]) -> str:
    """Makes the page's text.

    Args:
        result: A valid result.
        clips: Its videos.
    """
    rows = {_key(record): _row(record, clips) for record in result["episodes"]}
    headline = result["protocol"]["headline"]
    other = next(name for name in _MEASURES if name != headline)
    style, script = _source("report.css"), _source("report.js")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("eval_protocols.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=percent,
        readable=readable,
        title=_title,
        number=_number,
        duration=duration,
        day=_day,
    )
    environment.tests["hash"] = lambda value: bool(_HASH.fullmatch(str(value)))
    return environment.get_template("report.html.j2").render(
        result=result,
        headline=headline,
        other=other,
        measures=_MEASURES,
        conditions=[cell["condition"] for cell in result["summary"]["overall"]],
        by_task=_by_task(result["summary"]),
        seconds=_mean_seconds(result["episodes"]),
        rows=list(rows.values()),
        failures=_failures(result, rows),
        successes=_successes(rows.values()),
        left_out=sum(clip.data is None for clip in clips.values()),
        not_reproduced=sum(clip.replay.reproduced is False for clip in clips.values()),
        clips=clips,
        max_seeds=MAX_SEEDS_SHOWN,
        max_megabytes=MAX_EMBEDDED_BYTES // 1_000_000,
        observes=_observes(result["policy"]["observes"]),
        config=json.dumps(result["policy"]["config"], indent=2, sort_keys=True, ensure_ascii=False),
        style=Markup(style),
        script=Markup(script),
        style_hash=_csp_hash(style),
        script_hash=_csp_hash(script),
    )


def percent(rate: float) -> str:
    """A rate in 0..1 as a percentage with one decimal, without one at the ends."""
    return f"{100 * rate:.0f}%" if rate in (0.0, 1.0) else f"{100 * rate:.1f}%"


def duration(seconds: float) -> str:
    """A time in s, in words."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _key(record: Mapping[str, Any]) -> Key:
    return (record["condition"], record["task"], record["seed"])


def _row(record: Mapping[str, Any], clips: Mapping[Key, Clip]) -> EpisodeRow:
    ended = outcome(record)
    return EpisodeRow(record, ended, KINDS[ended.kind], clips.get(_key(record)))


def _failures(result: Mapping[str, Any], rows: Mapping[Key, EpisodeRow]) -> dict[str, TaskFailures]:
    """What went wrong by task, with the videos there are."""
    found = {}
    for task, groups in failure_groups(result["episodes"]).items():
        counts: Counter[str] = Counter()
        for group in groups:
            counts[group.outcome.kind] += len(group.episodes)
        total = sum(episode["task"] == task for episode in result["episodes"])
        members = [rows[_key(record)] for group in groups for record in group.episodes]
        found[task] = TaskFailures(
            tuple(groups),
            ", ".join(f"{count} {_COUNTED[kind]}" for kind, count in counts.items())
            + f" out of {total}",
            tuple(row for row in members if row.clip is not None),
        )
    return found


def _successes(rows: Iterable[EpisodeRow]) -> dict[str, list[EpisodeRow]]:
    """The videos of successes by task."""
    found: dict[str, list[EpisodeRow]] = {}
    for row in rows:
        if row.clip is not None and row.outcome.kind == "succeeded":
            found.setdefault(row.record["task"], []).append(row)
    return found


def _by_task(
    summary: Mapping[str, Any],
) -> list[tuple[str | None, list[Mapping[str, Any]]]]:
    """The cells of the summary by task, all tasks together (None) first."""
    found: dict[str | None, list[Mapping[str, Any]]] = {}
    for cell in [*summary["overall"], *summary["tasks"]]:
        found.setdefault(cell["task"], []).append(cell)
    return list(found.items())


def _mean_seconds(episodes: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str | None], float]:
    """Mean time of an episode by condition and task, and by condition alone (None)."""
    times: dict[tuple[str, str | None], list[float]] = {}
    for episode in episodes:
        for task in (episode["task"], None):
            times.setdefault((episode["condition"], task), []).append(episode["wall_s"])
    return {key: sum(values) / len(values) for key, values in times.items()}


def _observes(observes: Mapping[str, Any]) -> str:
    """What the policy sees, in words."""
    modes = {"state": "state, no pictures", "rgb": "colour pictures", "rgbd": "colour and depth"}
    words = modes.get(observes["obs_mode"], "point clouds")
    if observes["cameras"]:
        words += f" from {', '.join(observes['cameras'])}"
    if observes["resolution"]:
        words += f" at {observes['resolution'][0]} x {observes['resolution'][1]}"
    if observes["history"] > 1:
        words += (
            f"; the last {observes['history']}, {observes['history_stride']} control steps apart"
        )
    return words


def _title(name: str) -> str:
    """A name in words that begins with a capital."""
    return capitalized(readable(name))


def _number(value: float | None, decimals: int = 1) -> str:
    """A number with thousands separated; "none" where there is none."""
    return "none" if value is None else f"{value:,.{decimals}f}"


def _day(timestamp: str) -> str:
    """Day and time of an ISO 8601 timestamp."""
    try:
        moment = datetime.fromisoformat(timestamp.replace("Z", "+00:00"))
    except ValueError:  # the schema lets through the 31st of February
        return timestamp
    zone = moment.strftime("%z")
    return moment.strftime("%Y-%m-%d %H:%M ") + ("UTC" if zone == "+0000" else f"UTC{zone}")


def _source(name: str) -> str:
    """A file that goes into the page as it is."""
    return resources.files("eval_protocols.report").joinpath(name).read_text(encoding="utf-8")


def _csp_hash(source: str) -> str:
    """How a content security policy names an inline style or script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"
