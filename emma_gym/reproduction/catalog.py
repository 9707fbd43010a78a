"""What can be reproduced: experiments and the policies in them, as YAML files beside this one.

Contents:
    TrainedPolicy: what is trained, on what.
    Row: a line of a table.
    Experiment: a table, at a size.
    load_experiment: reads one.
    experiment_names: all of ours.
    training_set: what a policy learns from.
    recorded_set: its part that is not generated.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from emma_gym.reproduction.errors import ExperimentError
from emma_gym.reproduction.planned_contrasts import PlannedContrast, planned_contrasts
from envs.errors import nearest
from eval_protocols.protocol import TrainingSet, load_protocol

FOLDER = Path(__file__).resolve().parent
SIZES = ("small", "full")

MEAN = "mean"
"""The column of means over tasks, beside those that are named after tasks and conditions."""


@dataclasses.dataclass(frozen=True)
class TrainedPolicy:
    """What is trained, on what.

    Attributes:
        name: Unique among all; results are kept under it.
        policy: A method of imitation.
        training: Its demonstrations: a training set of a protocol as PROTOCOL/NAME.
        options: More options of `python -m emma_gym.train`.
        generator: Name of what makes the generated part of them; None if there is none.
        judged: Whether the worst generated ones are left out.
        reference: Another policy that the training compares with; None for none.
    """

    name: str
    policy: str
    training: str
    options: tuple[str, ...] = ()
    generator: str | None = None
    judged: bool = False
    reference: TrainedPolicy | None = None


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of a table: a policy under a protocol.

    Attributes:
        name: Of the row; results are kept under it. The policy's, unless it acts otherwise.
        policy: Who acts.
        protocol: What is measured.
        paper: The paper's figures by column, in %.
        acting: More options of `python -m emma_gym.evaluate`.
    """

    name: str
    policy: TrainedPolicy
    protocol: str
    paper: Mapping[str, float]
    acting: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A table of a paper, at a size.

    Attributes:
        name: As its file is called.
        title: What it shows.
        source: Paper, version and table.
        size: Preset of the methods.
        tasks: Tasks that are trained and evaluated.
        episodes: Validated seeds of each task and condition.
        training_seeds: Each is a training of its own.
        resolution: Width and height of the demonstrations' pictures; None for the camera's.
        collected: More options of `python -m emma_gym.collect`.
        generators: Options of `python -m emma_gym.generate` by generator.
        rows: Of the table.
        minutes: For the estimates of a dry run: of `collect` and `evaluate POLICY` for 100
            episodes, and of `train POLICY`, each on one core.
        mean: Conditions whose mean is a column.
        figures: Where and how the paper's figures were measured; half a sentence.
        note: A paragraph below the table; may be empty.
        contrasts: What the experiment is made to show.
    """

    name: str
    title: str
    source: str
    size: str
    tasks: tuple[str, ...]
    episodes: int
    training_seeds: tuple[int, ...]
    resolution: tuple[int, int] | None
    collected: tuple[str, ...]
    generators: Mapping[str, tuple[str, ...]]
    rows: tuple[Row, ...]
    minutes: Mapping[str, float]
    mean: tuple[str, ...] = ()
    figures: str = ""
    note: str = ""
    contrasts: tuple[PlannedContrast, ...] = ()

    def of_rows(self, names: Sequence[str]) -> Experiment:
        """The same with some rows only, and the contrasts of these.

        Raises:
            ExperimentError: For a name that no row has.
        """
        known = [row.name for row in self.rows]
        for name in names:
            if name not in known:
                raise ExperimentError(f"{self.name} has no row '{name}'; {nearest(name, known)}")
        rows = tuple(row for row in self.rows if row.name in names)
        contrasts = tuple(each for each in self.contrasts if {each.better, each.than} <= {*names})
        return dataclasses.replace(self, rows=rows, contrasts=contrasts)


def experiment_names() -> list[str]:
    """Names of all experiments, sorted."""
    return sorted(path.stem for path in (FOLDER / "experiments").glob("*.yaml"))


def load_experiment(name: str, size: str) -> Experiment:
    """Reads an experiment.

    Args:
        name: One of `experiment_names()`, or the path of a YAML file of one's own.
        size: `small` or `full`.

    Raises:
        ExperimentError: With the nearest valid names, or the key that is wrong.
    """
    path = Path(name) if name.endswith(".yaml") else FOLDER / "experiments" / f"{name}.yaml"
    if not path.is_file():
        known = experiment_names()
        raise ExperimentError(f"unknown experiment '{name}'; {nearest(name, known)}")
    if size not in SIZES:
        raise ExperimentError(f"size={size}; {nearest(size, SIZES)}")
    told = _read(path)
    policies = {**_read(FOLDER / "policies.yaml"), **told.pop("policies", {})}
    generators = {
        name: tuple(options)
        for name, options in {
            **_read(FOLDER / "generators.yaml"),
            **told.pop("generators", {}),
        }.items()
    }
    sizes = {**_read(FOLDER / "sizes.yaml")}
    try:
        own = told.pop("sizes")[size]
        minutes = {**sizes[size]["minutes"], **own.get("minutes", {})}
        at_size = {**sizes[size], **own, "minutes": minutes}
        resolution = at_size.pop("resolution")
        rows = tuple(_row(row, size, policies, generators) for row in told.pop("rows"))
        figures = told.pop("figures") if any(row.paper for row in rows) else None
        experiment = Experiment(
            name=path.stem,
            size=size,
            title=told.pop("title"),
            source=told.pop("source"),
            tasks=tuple(at_size.pop("tasks")),
            episodes=at_size.pop("episodes"),
            training_seeds=tuple(at_size.pop("training_seeds")),
            resolution=None if resolution is None else (resolution[0], resolution[1]),
            collected=tuple(told.pop("collected", ())),
            generators=generators,
            rows=rows,
            minutes=at_size.pop("minutes"),
            mean=tuple(told.pop("mean", ())),
            figures=told.pop("figures", "") if figures is None else figures,
            note=told.pop("note", "").strip(),
            contrasts=planned_contrasts(
                told.pop("contrasts", ()), {row.name: row.protocol for row in rows}
            ),
        )
    except KeyError as error:
        raise ExperimentError(f"{path.name}: {error} is missing") from None
    if unread := [*told, *at_size]:
        raise ExperimentError(f"{path.name}: nobody reads '{unread[0]}'")
    return experiment


def training_set(name: str) -> TrainingSet:
    """A training set by PROTOCOL/NAME.

    Raises:
        ValueError: For a name that is none, with those that are.
    """
    protocol, _, of_protocol = name.partition("/")
    return load_protocol(protocol).training_set(of_protocol)


def recorded_set(name: str) -> str:
    """The training set PROTOCOL/NAME that is the recorded part of one.

    Raises:
        ExperimentError: If the protocol has none that is only that.
    """
    protocol = name.partition("/")[0]
    recorded = [each for each in training_set(name).demonstrations if not each.generated]
    for known in load_protocol(protocol).training:
        if list(known.demonstrations) == recorded:
            return f"{protocol}/{known.name}"
    raise ExperimentError(f"{protocol} has no training set of the recorded part of {name}")


def _row(
    told: Mapping[str, Any],
    size: str,
    policies: Mapping[str, Mapping[str, Any]],
    generators: Mapping[str, Any],
) -> Row:
    protocol = load_protocol(told["protocol"])
    policy = _policy(told["policy"], size, policies, generators)
    learned = training_set(policy.training).demonstrations
    if not any(learned and known.demonstrations == learned for known in protocol.training):
        raise ExperimentError(f"{policy.name} learns from no training set of {protocol.name}")
    acting, name = tuple(told.get("acting", ())), told.get("name", policy.name)
    if (name in policies) == bool(acting):
        raise ExperimentError(f"row '{name}': a name of its own and `acting` go together")
    paper = told.get("paper", {})
    if {*paper} & {*SIZES}:
        paper = paper.get(size, {})
    return Row(name, policy, protocol.name, dict(paper), acting)


def _policy(
    name: str,
    size: str,
    policies: Mapping[str, Mapping[str, Any]],
    generators: Mapping[str, Any],
) -> TrainedPolicy:
    told = _told(name, policies)
    of_size = {each: told.pop(each, ()) for each in SIZES}[size]
    generator, reference = told.pop("generator", None), told.pop("reference", None)
    if generator is not None and generator not in generators:
        raise ExperimentError(f"unknown generator '{generator}'; {nearest(generator, generators)}")
    policy = TrainedPolicy(
        name=name,
        policy=told.pop("policy"),
        training=told.pop("training"),
        options=(*told.pop("options", ()), *of_size),
        generator=generator,
        judged=told.pop("judged", False),
        reference=None if reference is None else _policy(reference, size, policies, generators),
    )
    if told:
        raise ExperimentError(f"{name}: nobody reads '{next(iter(told))}'")
    parts = training_set(policy.training).demonstrations
    if any(part.generated for part in parts) != (generator is not None):
        raise ExperimentError(f"{name}: {policy.training} and a generator do not go together")
    return policy


def _told(
    name: str, policies: Mapping[str, Mapping[str, Any]], before: tuple[str, ...] = ()
) -> dict[str, Any]:
    """What is said of a policy: as of the one that it is `like`, but for what it says itself."""
    if name not in policies:
        raise ExperimentError(f"unknown policy '{name}'; {nearest(name, list(policies))}")
    if name in before:
        raise ExperimentError(f"{name} is like itself")
    told = dict(policies[name])
    if "like" not in told:
        return told
    base = _told(told.pop("like"), policies, (*before, name))
    for kind in ("options", *SIZES):
        options = [*base.get(kind, ()), *told.get(kind, ())]
        last = {option.partition("=")[0]: option for option in options}
        told[kind] = [*last.values()]
    return {**base, **told}


def _read(path: Path) -> dict[str, Any]:
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ExperimentError(f"{path.name}: expected a mapping")
    return found
