"""A page that shows which trajectories are hard, and how uneven the weights have been.

It is one HTML file that loads nothing. Names may come from strangers: the template escapes them.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import jinja2
import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

from augment.adamix.errors import ReweightingError
from augment.adamix.page_chart import Chart
from augment.adamix.refresh import Refresh

_PACKAGE = "augment.adamix"

SHOWN = 10
"""Hardest trajectories on the page, and easiest ones."""


@dataclass(frozen=True)
class Row:
    """A trajectory on the page.

    Attributes:
        name: What it is called.
        metrics: Its APE, TS and JAL.
        difficulty: What they make, 0 .. 1.
        weight: How many times as likely as with equal weights it is drawn.
        picture: Its thumbnail as a data URI; None if there is none.
    """

    name: str
    metrics: tuple[float, float, float]
    difficulty: float
    weight: float
    picture: str | None


def hardest(difficulty: NDArray[np.float64]) -> list[int]:
    """Those of the greatest difficulty (N,), which comes first; equal ones in order."""
    return [int(i) for i in np.argsort(-difficulty, kind="stable")[:SHOWN]]


def easiest(difficulty: NDArray[np.float64]) -> list[int]:
    """Those of the least difficulty (N,), which comes first; equal ones in order."""
    return [int(i) for i in np.argsort(difficulty, kind="stable")[:SHOWN]]


def shown(difficulty: NDArray[np.float64]) -> list[int]:
    """The trajectories whose thumbnails `write_page` shows, in order."""
    return sorted({*hardest(difficulty), *easiest(difficulty)})


def write_page(
    path: Path,
    title: str,
    names: Sequence[str],
    metrics: NDArray[np.float64],
    difficulty: NDArray[np.float64],
    refreshes: Sequence[Refresh],
    thumbnails: Mapping[int, NDArray[np.uint8]],
) -> None:
    """Writes the page, whole or not at all.

    Args:
        path: The file.
        title: What it is about, such as policy and task.
        names: Of the N trajectories.
        metrics: (N, 3) of the last refresh, columns as `metrics.METRICS`.
        difficulty: (N,) what metrics make, 0 .. 1. The order is by it and not by the weights,
            which tell nothing if they are uniform, shuffled, or were made so by a collapse.
        refreshes: All so far, at least one, of trajectories.
        thumbnails: By trajectory (H, W, 3) RGB; those in `shown` are used.

    Raises:
        ReweightingError: If these do not fit together.
    """
    html = render(title, names, metrics, difficulty, refreshes, thumbnails)
    staging = path.with_name(f"{path.name}.part")
    staging.write_text(html, encoding="utf-8", errors="xmlcharrefreplace")
    staging.replace(path)


def render(
    title: str,
    names: Sequence[str],
    metrics: NDArray[np.float64],
    difficulty: NDArray[np.float64],
    refreshes: Sequence[Refresh],
    thumbnails: Mapping[int, NDArray[np.uint8]],
) -> str:
    """Makes the page's text; arguments as for `write_page`."""
    if not refreshes:
        raise ReweightingError("no weights have been made yet")
    last, number = refreshes[-1], len(names)
    fit = last.probabilities.shape == difficulty.shape == (number,)
    if not fit or metrics.shape != (number, 3):
        raise ReweightingError(
            f"{number} names, metrics of shape {metrics.shape}, {len(difficulty)} difficulties and "
            f"{len(last.probabilities)} weights: expected as many of each, and three metrics"
        )

    def row(i: int) -> Row:
        picture = _data_uri(thumbnails[i]) if i in thumbnails else None
        ape, ts, jal = (float(each) for each in metrics[i])
        return Row(names[i], (ape, ts, jal), float(difficulty[i]), float(last.relative[i]), picture)

    steps = [each.step for each in refreshes]
    style = resources.files(_PACKAGE).joinpath("page.css").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(_PACKAGE, "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        title=title,
        last=last,
        number=number,
        tables={
            "Hardest": [row(i) for i in hardest(difficulty)],
            "Easiest": [row(i) for i in easiest(difficulty)],
        },
        charts={
            "Effective sample size, 1 for equal weights": Chart(
                steps, [each.effective_share for each in refreshes]
            ),
            "Greatest / least weight": Chart(steps, [each.max_min_ratio for each in refreshes]),
        },
        collapsed=next((each.step for each in refreshes if each.collapsed), None),
        style=Markup(style),
        style_hash=_csp_hash(style),
    )


def _data_uri(picture: NDArray[np.uint8]) -> str:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def _csp_hash(source: str) -> str:
    """How a content security policy names an inline style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"
