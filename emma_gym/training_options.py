"""The options of `emma_gym.train`: one file for each kind of training, and what they ask for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from augment.dream_transfer.training.stages import GeneratorSettings
from augment.video_metrics.depth_trainer import DepthNetSettings
from emma_gym.command_line import Options, UsageError, compose_options
from envs.errors import nearest
from envs.tasks import load_task
from eval_protocols.episodes import jsonable
from eval_protocols.provenance import usable_cores
from policies.training.trainers import (
    DemonstrationSettings,
    InteractionSettings,
    SamplingSettings,
    learns_from_demonstrations,
)

INTERACTION_FILE, DEMONSTRATIONS_FILE = "train_interaction", "train_demonstrations"
GENERATOR_FILE, DEPTH_NET_FILE = "train_generator", "train_depth_net"

DEFAULT_POLICY = "sac"

MODELS = ("dream_transfer", "depth_net")
"""Values of `model`: what learns pictures, not actions."""

Settings = InteractionSettings | DemonstrationSettings | GeneratorSettings | DepthNetSettings


def settings_from(arguments: Sequence[str]) -> Settings:
    """Checks the options, as far as that goes without the trainer.

    Args:
        arguments: `key=value`; `policy`, or `model`, decides which other keys there are.

    Raises:
        ValueError: In one line, with the nearest valid names or values.
    """
    if model := _given("model", arguments):
        if model not in MODELS:
            raise UsageError(f"model={model}; {nearest(model, MODELS)}")
        if model == "depth_net":
            return _depth_net_settings(compose_options(DEPTH_NET_FILE, arguments))
        return _generator_settings(compose_options(GENERATOR_FILE, arguments))
    if learns_from_demonstrations(_given("policy", arguments) or DEFAULT_POLICY):
        return _demonstration_settings(compose_options(DEMONSTRATIONS_FILE, arguments))
    return _interaction_settings(compose_options(INTERACTION_FILE, arguments))


def _given(name: str, arguments: Sequence[str]) -> str:
    """The value of an option that decides which others there are; empty if it is not given."""
    given = [each.partition("=")[2] for each in arguments if each.startswith(f"{name}=")]
    return given[-1].strip("'\"") if given else ""


def _interaction_settings(options: Options) -> InteractionSettings:
    policy, task = options.text("policy"), _task(options)
    seed = options.integer("seed", 0)
    return InteractionSettings(
        policy=policy,
        task=task,
        seed=seed,
        total_steps=options.integer("total_steps", 1),
        workers=_workers(options),
        folder=_folder(options, f"{policy}-{task}-{seed}"),
        resume=options.flag("resume"),
        episode_steps=options.integer("episode_steps", 0) or None,
        eval_every=options.integer("eval_every", 1),
        eval_episodes=options.integer("eval_episodes", 1),
        checkpoint_every=options.integer("checkpoint_every", 1),
        hyperparameters=_mapping(options, "hyperparameters"),
        hand=_mapping(options, "hand"),
        reward=_mapping(options, "reward"),
    )


def _demonstration_settings(options: Options) -> DemonstrationSettings:
    policy, size, task = options.text("policy"), options.text("size"), _task(options)
    seed = options.integer("seed", 0)
    dataset = options.optional_path("dataset")
    if dataset is None:
        raise UsageError(
            f"dataset=FOLDER is needed, which `python -m emma_gym.collect tasks={task}` makes"
        )
    return DemonstrationSettings(
        policy=policy,
        size=size,
        task=task,
        dataset=dataset,
        generated=options.optional_path("generated"),
        sampling=SamplingSettings(
            sampler=options.text("sampler"),
            config=_mapping(options, "sampler_config"),
            reference=options.optional_path("reference"),
            generated_share=options.optional_number("generated_share", 0.0),
            filtered=options.flag("generated_filter"),
        ),
        episodes=options.optional_integer("episodes", 1),
        seed=seed,
        total_steps=options.optional_integer("total_steps", 1),
        method=_mapping(options, "method"),
        optimization=_mapping(options, "optimization"),
        folder=_folder(options, f"{policy}-{size}-{task}-{seed}"),
        resume=options.flag("resume"),
        device=options.text("device"),
        precision=options.text("precision"),
        compile=options.flag("compile"),
        accumulate=options.integer("accumulate", 1),
        loader_workers=options.integer("loader_workers", 0),
        checkpoint_every=options.integer("checkpoint_every", 1),
        eval_every=options.integer("eval_every", 0),
        eval_episodes=options.integer("eval_episodes", 1),
        workers=_workers(options),
    )


def _generator_settings(options: Options) -> GeneratorSettings:
    model, size, seed = options.text("model"), options.text("size"), options.integer("seed", 0)
    return GeneratorSettings(
        size=size,
        stage=options.text("stage"),
        dataset=_looks(options),
        tasks=_tasks(options),
        folder=_folder(options, f"{model}-{size}-{seed}"),
        start=options.optional_path("start"),
        learn=options.text("learn"),
        views=options.text("views"),
        seed=seed,
        optimization=_mapping(options, "optimization"),
        total_steps=options.optional_integer("total_steps", 1),
        precision=options.text("precision"),
        compile=options.flag("compile"),
        device=options.text("device"),
        loader_workers=options.integer("loader_workers", 0),
        accumulate=options.integer("accumulate", 1),
        checkpoint_every=options.integer("checkpoint_every", 1),
        resume=options.flag("resume"),
    )


def _depth_net_settings(options: Options) -> DepthNetSettings:
    seed = options.integer("seed", 0)
    return DepthNetSettings(
        dataset=_looks(options),
        tasks=_tasks(options),
        folder=_folder(options, f"{options.text('model')}-{seed}"),
        seed=seed,
        optimization=_mapping(options, "optimization"),
        total_steps=options.optional_integer("total_steps", 1),
        precision=options.text("precision"),
        device=options.text("device"),
        loader_workers=options.integer("loader_workers", 0),
        checkpoint_every=options.integer("checkpoint_every", 1),
        resume=options.flag("resume"),
    )


def _looks(options: Options) -> Path:
    """The data set that a model of pictures learns from."""
    dataset = options.optional_path("dataset")
    if dataset is None:
        raise UsageError(
            "dataset=FOLDER is needed, which `python -m emma_gym.collect variations=appearance` "
            "makes"
        )
    return dataset


def _tasks(options: Options) -> tuple[str, ...]:
    return () if options.is_text("tasks", "all") else tuple(options.texts("tasks"))


def _task(options: Options) -> str:
    task = options.text("task")
    load_task(task)
    return task


def _workers(options: Options) -> int:
    if options.is_text("workers", "auto"):
        return usable_cores()
    return options.integer("workers", 0, also=" or auto")


def _mapping(options: Options, name: str) -> dict[str, Any]:
    value = options.mapping(name)
    if not jsonable(value):
        raise UsageError(f"{name}={value}: not all finite numbers")
    return value


def _folder(options: Options, name: str) -> Path:
    folder = options.optional_path("output_dir")
    if folder is None:
        folder = Path("outputs") / "train" / name.replace(":", ".")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"output_dir={folder}: not a folder")
    return folder
