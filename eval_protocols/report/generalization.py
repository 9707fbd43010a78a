"""What perturbations cost and what they look like, as the page shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval_protocols.perturbations import Factor, PairedRates, Perturbations
from eval_protocols.report.media import Key, Still
from eval_protocols.report.words import drawn_value, p_value, percent, points, title
from eval_protocols.statistics import Estimate

#: With more conditions, the heat map has a column for each factor instead.
MAX_CONDITION_COLUMNS = 8
#: Shades of the heat map to either side of no difference.
SHADES = 10


@dataclass(frozen=True)
class Headline:
    """The protocol's answer in four numbers.

    Attributes:
        rates: Success with and without perturbations, over all conditions and tasks.
        difference: Its change, with an interval.
    """

    rates: PairedRates
    difference: Estimate


@dataclass(frozen=True)
class HeatCell:
    """A difference to the twin.

    Attributes:
        difference: Of success rates; None if no seed has both.
        shade: Name of its style.
        details: Counts and p-values, in lines.
    """

    difference: float | None
    shade: str
    details: str


@dataclass(frozen=True)
class HeatRow:
    """A row of the heat map.

    Attributes:
        task: Task name, or None for all tasks.
        clean: Success rate without perturbation; None if no seed has a twin.
        cells: One for each column.
    """

    task: str | None
    clean: float | None
    cells: tuple[HeatCell, ...]


@dataclass(frozen=True)
class HeatMap:
    """Differences to the twins, by task and factor.

    Attributes:
        columns: Names of factors, or of conditions where there are few.
        rows: Each task, then all tasks.
    """

    columns: tuple[str, ...]
    rows: tuple[HeatRow, ...]


@dataclass(frozen=True)
class ViewCell:
    """What a camera saw under a condition.

    Attributes:
        label: Level, or name of the condition.
        still: The picture; None if it is missing.
        drawn: The value drawn for the factor, if it is short.
        instruction: What the policy was told, where it is not what the twin was told.
    """

    label: str
    still: Still | None
    drawn: str
    instruction: str


@dataclass(frozen=True)
class CameraGrid:
    """What one camera saw under all conditions.

    Attributes:
        camera: Camera name.
        task: The task that is shown.
        seed: Its seed.
        rows: For each factor with levels, by its name, its twin and its conditions; then all other
            conditions in one row without a name.
    """

    camera: str
    task: str
    seed: int
    rows: tuple[tuple[str, tuple[ViewCell, ...]], ...]


def headline(perturbations: Perturbations) -> Headline | None:
    """The numbers to begin with; None if nothing has a twin."""
    rates = perturbations.paired(perturbations.perturbed) if perturbations.perturbed else None
    difference = perturbations.difference(perturbations.perturbed) if rates else None
    return Headline(rates, difference) if rates and difference else None


def heat_map(perturbations: Perturbations) -> HeatMap:
    """The heat map of a protocol in which something has a twin."""
    columns: dict[str, tuple[str, ...]]
    if len(perturbations.perturbed) <= MAX_CONDITION_COLUMNS:
        columns = {name: (name,) for name in perturbations.perturbed}
    else:
        columns = {factor.name: factor.names for factor in perturbations.factors}
    rows = []
    for task in [*perturbations.tasks, None]:
        together = perturbations.paired(perturbations.perturbed, task)
        cells = [_heat_cell(perturbations, name, them, task) for name, them in columns.items()]
        rows.append(HeatRow(task, together.twin_rate if together else None, tuple(cells)))
    return HeatMap(tuple(columns), tuple(rows))


def camera_grids(
    perturbations: Perturbations, stills: Mapping[Key, Sequence[Still]], task: str, seed: int
) -> list[CameraGrid]:
    """What the cameras saw in one episode, by camera; none if there are no pictures of it.

    Args:
        perturbations: Of the result.
        stills: By condition, task and seed.
        task: Task name.
        seed: Seed of the episode.
    """
    found = {
        (condition, still.view.camera): still
        for (condition, of_task, of_seed), them in stills.items()
        if (of_task, of_seed) == (task, seed)
        for still in them
    }
    # Beside a video there is one picture; all conditions have all cameras.
    clean = [stills.get((name, task, seed), ()) for name in perturbations.clean]
    cameras = dict.fromkeys(still.view.camera for them in clean for still in them)
    rows = [factor for factor in perturbations.factors if factor.is_sweep]
    others = [factor.conditions for factor in perturbations.factors if not factor.is_sweep]
    if others:
        rows.append(Factor("", tuple(each for conditions in others for each in conditions)))
    return [
        CameraGrid(
            camera,
            task,
            seed,
            tuple((row.name, tuple(_view_cells(row, camera, found))) for row in rows),
        )
        for camera in cameras
    ]


def _heat_cell(
    perturbations: Perturbations, name: str, conditions: Sequence[str], task: str | None
) -> HeatCell:
    paired = perturbations.paired(conditions, task)
    if paired is None:
        return HeatCell(None, "", "No seed was run under both")
    successes, twins = round(paired.rate * paired.pairs), round(paired.twin_rate * paired.pairs)
    lines = [
        f"{title(name)}, {title(task) if task else 'all tasks'}: {successes} of {paired.pairs}, "
        f"twins {twins}; retention {percent(paired.retention)}, p {_p(paired.p_value)}"
    ]
    if len(conditions) > 1:
        for condition in conditions:
            entry = perturbations.twin(condition, task)
            if entry is not None:
                lines.append(
                    f"{title(condition)}: {round(entry['rate'] * entry['pairs'])} of "
                    f"{entry['pairs']}, p {_p(entry['p_value'])}"
                )
    return HeatCell(paired.difference, _shade(paired.difference), "\n".join(lines))


def _p(value: float) -> str:
    text = p_value(value)
    return text if text.startswith("<") else f"= {text}"


def _shade(difference: float) -> str:
    """Name of a style: the page's policy forbids colours of a cell's own."""
    step = round(SHADES * abs(difference))
    if not step:
        return "even"
    return f"{'gain' if difference > 0 else 'loss'}-{step}"


def _view_cells(
    factor: Factor, camera: str, stills: Mapping[tuple[str, str], Still]
) -> list[ViewCell]:
    """The twin and the conditions of a factor; what was said, only where it is not the same."""
    twins = {each["twin"]: stills.get((each["twin"], camera)) for each in factor.conditions}
    cells = []
    for each in factor.conditions:
        still, twin = stills.get((each["name"], camera)), twins[each["twin"]]
        variation, *others = each["variations"] or [factor.name]
        told, twin_told = _instruction(still), _instruction(twin)
        cells.append(
            ViewCell(
                label=str(each["level"]) if factor.is_sweep else title(each["name"]),
                still=still,
                drawn=drawn_value(still.view.drawn, variation) if still and not others else "",
                instruction=told if told != twin_told else "",
            )
        )
    said = any(cell.instruction for cell in cells)
    return [
        ViewCell(
            label="0, unperturbed" if factor.is_sweep else title(name),
            still=still,
            drawn="",
            instruction=_instruction(still) if said else "",
        )
        for name, still in twins.items()
    ] + cells


def _instruction(still: Still | None) -> str:
    return still.view.instruction if still else ""


def change(answer: Headline) -> str:
    """What perturbations change, in words with an interval."""
    value, low, high = answer.difference
    words = f"{100 * abs(value):.1f} points {'lost' if value < 0 else 'gained'}"
    words = words if value else "Nothing lost on average"
    if low == high:
        return f"{words}; the seeds of a task do not differ, so that there is no interval."
    return f"{words}; 95% interval of the difference {points(low)} to {points(high)} points."
