"""Builds the page: what the template shows, the policy against loading anything, the file.

Names and messages in a result may come from strangers: the template escapes everything, and the
page's content security policy runs no script but our own, named by hash, and loads nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from eval_protocols.perturbations import Perturbations
from eval_protocols.report import words
from eval_protocols.report.curves import frames, sweeps
from eval_protocols.report.generalization import camera_grids, change, headline, heat_map
from eval_protocols.report.inline import csp_hash, inline_source
from eval_protocols.report.media import (
    MAX_EMBEDDED_BYTES,
    Clip,
    Key,
    Still,
    load_clips,
    load_stills,
)
from eval_protocols.report.rows import (
    episode_rows,
    filmed_successes,
    filmed_twins,
    key_of,
    task_failures,
)
from eval_protocols.whole_file import write_whole

REPORT_NAME = "report.html"

#: Seeds of a group of failures that are written out.
MAX_SEEDS_SHOWN = 30
#: Conditions of a group of failures that are named.
MAX_CONDITIONS_SHOWN = 8
#: With more conditions, tasks are shown one by one for the unperturbed ones only.
MAX_CONDITIONS_BY_TASK = 4

_HASH = re.compile("[0-9a-f]{40,64}")
_MEASURES = {"success_once": "Success once", "success_at_end": "Success at end"}


def write_report(output_dir: Path, result: Mapping[str, Any]) -> Path:
    """Writes the page, whole or not at all.

    Args:
        output_dir: Folder of the evaluation, with videos and pictures if any were made.
        result: A valid result.

    Returns:
        The page, `report.html` in that folder.
    """
    page = output_dir / REPORT_NAME
    html = render(result, load_clips(output_dir), load_stills(output_dir))
    # A lone surrogate (from a file name in a message, say) has no place in UTF-8.
    write_whole(page, html.encode(errors="xmlcharrefreplace"))
    return page


def render(
    result: Mapping[str, Any],
    clips: Mapping[Key, Clip],
    stills: Mapping[Key, Sequence[Still]],
) -> str:
    """Makes the page's text.

    Args:
        result: A valid result.
        clips: Its videos.
        stills: What the cameras saw.
    """
    protocol, summary, episodes = result["protocol"], result["summary"], result["episodes"]
    rows = episode_rows(episodes, clips, stills)
    twins = filmed_twins(rows, {each["name"]: each["twin"] for each in protocol["conditions"]})
    shown = {key_of(row.record) for them in twins.values() for group in them for row in group}
    style, script = (
        inline_source("eval_protocols.report", name) for name in ("report.css", "report.js")
    )
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            result=result,
            headline=protocol["headline"],
            other=next(name for name in _MEASURES if name != protocol["headline"]),
            measures=_MEASURES,
            conditions=[each["name"] for each in protocol["conditions"]],
            **_generalization(result, stills),
            **_task_by_task(protocol["conditions"], summary),
            seconds=_mean_seconds(episodes),
            rows=list(rows.values()),
            twin_clips=twins,
            failures=task_failures(episodes, rows, shown),
            successes=filmed_successes(rows, shown),
            left_out=sum(clip.data is None for clip in clips.values()),
            not_reproduced=sum(clip.replay.reproduced is False for clip in clips.values()),
            clips=clips,
            max_seeds=MAX_SEEDS_SHOWN,
            max_conditions=MAX_CONDITIONS_SHOWN,
            max_megabytes=MAX_EMBEDDED_BYTES // 1_000_000,
            config=json.dumps(
                result["policy"]["config"], indent=2, sort_keys=True, ensure_ascii=False
            ),
            style=Markup(style),
            script=Markup(script),
            style_hash=csp_hash(style),
            script_hash=csp_hash(script),
        )
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("eval_protocols.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        change=change,
        day=words.day,
        duration=words.duration,
        number=words.number,
        observed=words.observed,
        p_value=words.p_value,
        percent=words.percent,
        points=words.points,
        readable=words.readable,
        title=words.title,
        trained_on=words.trained_on,
    )
    environment.tests["hash"] = lambda value: bool(_HASH.fullmatch(str(value)))
    return environment


def _generalization(
    result: Mapping[str, Any], stills: Mapping[Key, Sequence[Still]]
) -> dict[str, Any]:
    """What perturbations cost; nothing where no condition has a twin."""
    perturbations = Perturbations(result)
    answer = headline(perturbations)
    curves = sweeps(perturbations) if answer else []
    large, small = frames(curves)
    first = result["episodes"][0]
    return {
        "perturbations": perturbations,
        "answer": answer,
        "sweeps": curves,
        "large": large,
        "small": small,
        "heat": heat_map(perturbations) if answer else None,
        "grids": camera_grids(perturbations, stills, first["task"], first["seed"]),
    }


def _task_by_task(
    conditions: Sequence[Mapping[str, Any]], summary: Mapping[str, Any]
) -> dict[str, Any]:
    """The cells of the summary that are shown one by one: the plain ones, if there are many.

    `by_task` has them by task, all tasks together (None) first.
    """
    plain = {each["name"] for each in conditions if each["twin"] is None}
    names = {each["name"] for each in conditions}
    if len(names) > MAX_CONDITIONS_BY_TASK:
        names = plain
    overall, tasks = (
        [cell for cell in summary[part] if cell["condition"] in names]
        for part in ("overall", "tasks")
    )
    by_task: dict[str | None, list[Mapping[str, Any]]] = {}
    for cell in [*overall, *tasks]:
        by_task.setdefault(cell["task"], []).append(cell)
    left_out = len(conditions) - len(names)
    return {"by_task": by_task, "overall": overall, "tasks": tasks, "not_by_task": left_out}


def _mean_seconds(episodes: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str | None], float]:
    """Mean time of an episode by condition and task, and by condition alone (None)."""
    times: dict[tuple[str, str | None], list[float]] = {}
    for episode in episodes:
        for task in (episode["task"], None):
            times.setdefault((episode["condition"], task), []).append(episode["wall_s"])
    return {key: sum(values) / len(values) for key, values in times.items()}
