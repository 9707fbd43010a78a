"""A training whose frames are drawn by weights that it makes anew as it goes.

Contents:
    check: whether what is asked for can be had.
    Resampling: makes the weights of a training when they are due.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from accelerate.utils import broadcast  # type: ignore[import-untyped]
from numpy.typing import NDArray
from torch import Tensor

from augment.adamix.adamix import AdaMix
from augment.adamix.errors import ReweightingError
from augment.adamix.page import shown, write_page
from augment.adamix.refresh import Refresh
from augment.adamix.registry import REWEIGHTINGS, make_reweighting
from augment.adamix.reweighting import Evidence
from augment.adamix.sampler import AdaMixSampler
from augment.adamix.sampler_config import SamplerConfig
from augment.adamix.weighted_order import WeightedOrder
from augment.mixture import MixtureError, shares
from envs.demonstrations.episode_file import Episode
from envs.errors import nearest
from learning.configuration import ConfigurationError, as_mapping, configured
from learning.errors import TrainingError
from learning.optimization import Optimization
from learning.seeds import seed_of
from policies.imitation.checkpoint import Checkpoint, CheckpointError
from policies.imitation.method import ImitationMethod
from policies.training.demonstration_data import DemonstrationData
from policies.training.evidence import losses, predicted_metrics
from policies.training.trainers import EPOCHS, SamplingSettings

PAGE, WEIGHTS = "hard_samples.html", "sampling_weights.json"
"""What a training's folder has of its last weights, if demonstrations have them: a page, if they
are made by metrics, and how likely each demonstration is drawn, by its path."""
THUMBNAIL = "head_camera"
"""What sees the pictures of the page."""
LOSS_FRAMES = 4
"""Frames of a demonstration whose mean loss is taken for its."""

_NOISE_STREAM = 3
"""Tells the noise of evidence from that of steps, which have seeds of their own."""


def check(settings: SamplingSettings) -> None:
    """Checks what needs no data.

    Raises:
        TrainingError: In one line, with what would be valid.
    """
    sampler, reference = settings.sampler, settings.reference
    if sampler == EPOCHS:
        for name, value in (
            ("sampler_config", settings.config or None),
            ("reference", reference),
            ("generated_share", settings.generated_share),
        ):
            if value is not None:
                raise TrainingError(f"{name} needs a sampler that draws, such as uniform")
        return
    if sampler not in REWEIGHTINGS:
        valid = nearest(sampler, [EPOCHS, *REWEIGHTINGS])
        raise TrainingError(f"unknown sampler '{sampler}'; {valid}")
    compares = "reference_losses" in REWEIGHTINGS[sampler].needs
    if compares != (reference is not None):
        needs = "needs one" if compares else "compares with none"
        raise TrainingError(f"reference={reference}: sampler={sampler} {needs}")


class Resampling:
    """Makes the weights of a training when they are due.

    Attributes:
        order: Of the frames.
        description: Of all that decides it.
        columns: Of the curve, that `measured` fills.
    """

    def __init__(
        self,
        settings: SamplingSettings,
        data: DemonstrationData,
        method: ImitationMethod,
        optimization: Optimization,
        accelerator: Accelerator,
        seed: int,
    ) -> None:
        """Begins with equal weights.

        Args:
            settings: How; its sampler is not `epochs`.
            data: The demonstrations.
            method: What learns.
            optimization: For how long.
            accelerator: On what.
            seed: Of the training.

        Raises:
            TrainingError: In one line, with what would be valid.
        """
        self._settings, self._data, self._method = settings, data, method
        self._accelerator, self._seed = accelerator, seed
        windows = data.windows
        try:
            config, options = _configured(settings)
            lengths, generated = np.array(windows.lengths), data.generated
            base = shares(generated, lengths, settings.generated_share)
            if config.per == "frame":
                base, generated = np.repeat(base / lengths, lengths), np.repeat(generated, lengths)
            # A share that was asked for is kept; without one all are of one kind.
            kinds = None if settings.generated_share is None else generated.astype(np.int64)
            reweighting = make_reweighting(
                settings.sampler, options, np.arange(len(base)), seed_of(seed, 0), kinds
            )
            self._sampler = AdaMixSampler(
                windows.lengths,
                reweighting,
                config,
                steps=optimization.steps,
                batch_size=optimization.batch_size,
                seed=seed_of(seed, 1),
                base=base,
            )
        except (ConfigurationError, MixtureError, ReweightingError) as error:
            raise TrainingError(str(error)) from None
        self._generated = generated
        self.order = WeightedOrder(self._sampler)
        self.columns = ("effective_share", "max_min_ratio", "generated_share")
        self.description = {
            "sampler": settings.sampler,
            "generated_share": settings.generated_share,
            **as_mapping(config),
            **as_mapping(reweighting.config),
        }
        self._reference = None
        if settings.reference is not None:
            self._reference, sha256 = _reference(settings.reference, method)
            self.description["reference_sha256"] = sha256

    def observe(self, loss: Tensor) -> None:
        """Remembers a step's loss, by which a collapse is noticed."""
        self._sampler.observe(loss)

    def refresh(self, step: int, folder: Path, title: str) -> Refresh | None:
        """Makes the weights anew, if that is due after so many steps; None if it is not.

        Args:
            step: Steps done.
            folder: Where `PAGE` and `WEIGHTS` are written, in the main process.
            title: Of the page.
        """
        if not self._sampler.due(step):
            return None
        evidence = self._evidence(step)
        made = self._sampler.refresh(step, evidence)
        if self._sampler.config.per != "trajectory" or not self._accelerator.is_main_process:
            return made
        episodes = self._data.windows.episodes
        _write_weights(folder / WEIGHTS, episodes, made)
        reweighting = self._sampler.reweighting
        if isinstance(reweighting, AdaMix) and evidence.metrics is not None:
            difficulty = reweighting.difficulty(evidence.metrics)
            thumbnails = {i: _thumbnail(episodes[i]) for i in shown(difficulty)}
            write_page(
                folder / PAGE,
                title,
                [_name(each) for each in episodes],
                evidence.metrics,
                difficulty,
                self._sampler.history,
                {i: picture for i, picture in thumbnails.items() if picture is not None},
            )
        return made

    def measured(self, made: Refresh) -> dict[str, float]:
        """What new weights are like, by column of the curve."""
        share = float(made.probabilities[self._generated].sum())
        return {**made.measured(), "generated_share": share}

    def state_dict(self) -> dict[str, Tensor]:
        """What future draws follow from."""
        return self._sampler.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Goes on from that.

        Raises:
            TrainingError: If it is another training's.
        """
        try:
            self._sampler.load_state_dict(state)
        except (KeyError, ReweightingError) as error:
            raise TrainingError(f"the state's weights of samples: {error}") from None

    def _evidence(self, step: int) -> Evidence:
        """What the sampler needs, made in one process for all: others may differ in last bits."""
        needs, units = self._sampler.reweighting.needs, len(self._sampler.reweighting.groups)
        found: dict[str, Any] = {}
        for name in needs:
            shape = (units, 3) if name == "metrics" else (units,)
            values = torch.zeros(shape, dtype=torch.float64, device=self._accelerator.device)
            if self._accelerator.is_main_process:
                values = self._measured(name, seed_of(self._seed, step, _NOISE_STREAM))
            if self._accelerator.num_processes > 1:
                values = broadcast(values)
            found[name] = values.cpu().numpy()
        return Evidence(**found)

    def _measured(self, name: str, seed: int) -> Tensor:
        windows, per_frame = self._data.windows, self._sampler.config.per == "frame"
        if name == "metrics":
            margin: float = self._sampler.reweighting.config.margin
            std = self._data.statistics.action.std
            metrics = predicted_metrics(self._method, windows, std, margin)
            return metrics.by_frame() if per_frame else metrics.by_trajectory()
        method = self._method if name == "losses" else self._reference
        assert method is not None
        if per_frame:
            return losses(method, windows, range(len(windows)), seed)
        frames = [
            windows.index(number, int(frame))
            for number, length in enumerate(windows.lengths)
            for frame in (np.arange(LOSS_FRAMES) + 0.5) * length / LOSS_FRAMES
        ]
        return losses(method, windows, frames, seed).reshape(-1, LOSS_FRAMES).mean(dim=1)


def _configured(settings: SamplingSettings) -> tuple[SamplerConfig, dict[str, Any]]:
    """The sampler's configuration, and the options of what decides its weights."""
    common = {field.name for field in dataclasses.fields(SamplerConfig)}
    own = {field.name for field in dataclasses.fields(REWEIGHTINGS[settings.sampler].config_class)}
    for name in settings.config:
        if name not in common | own:
            raise ConfigurationError(
                f"unknown sampler_config.{name}; {nearest(name, sorted(common | own))}"
            )
    here = {name: value for name, value in settings.config.items() if name in common}
    rest = {name: value for name, value in settings.config.items() if name not in common}
    return configured(SamplerConfig, here, "sampler_config"), rest


def _reference(folder: Path, method: ImitationMethod) -> tuple[ImitationMethod, str]:
    """A trained method of the same configuration, and the hash of its weights."""
    try:
        found = Checkpoint.load(folder)
        reference = found.build()
    except CheckpointError as error:
        raise TrainingError(f"reference={folder}: {error}") from None
    if as_mapping(reference.config) != as_mapping(method.config):
        raise TrainingError(f"reference={folder}: its {found.method} is configured otherwise")
    return reference.to(next(method.parameters()).device), found.sha256


def _write_weights(path: Path, episodes: Sequence[Episode], made: Refresh) -> None:
    drawn = zip(episodes, made.probabilities.tolist(), strict=True)
    content = {str(episode.path.resolve()): probability for episode, probability in drawn}
    staging = path.with_name(f"{path.name}.part")
    staging.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    staging.replace(path)


def _name(episode: Episode) -> str:
    kind = "generated " if "generated" in episode.info else ""
    return f"{kind}{episode.path.stem}"


def _thumbnail(episode: Episode) -> NDArray[np.uint8] | None:
    """The middle of a demonstration, as `THUMBNAIL` or else its first camera saw it.

    Recorded demonstrations may have other cameras than the generated ones beside them. None if it
    has none.
    """
    if not episode.cameras:
        return None
    camera = THUMBNAIL if THUMBNAIL in episode.cameras else episode.cameras[0]
    seen = episode.observation(len(episode) // 2, (camera,), ("rgb",))
    picture: NDArray[np.uint8] = seen["cameras"][camera]["rgb"]
    return picture
