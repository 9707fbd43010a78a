"""Trains a method of imitation on demonstrations: `sem`, `dp`, `dp3`, `act`.

A training is a function of its settings: the frames of a step, its noise and its dropout follow
from the seed and the step alone. One that was interrupted and goes on has the curve, bit for bit,
of one that was not, on a CPU with the same number of threads.

Several GPUs: `accelerate launch -m emma_gym.train ...`. They share the batches that one alone
would have computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from accelerate import Accelerator  # type: ignore[import-untyped]

from envs.demonstrations.worker_pool import WorkerPool
from learning.accelerator import make_accelerator
from learning.compiling import compile_parts
from learning.configuration import ConfigurationError, as_mapping
from learning.errors import TrainingError
from learning.heap import keep_freed_memory
from learning.interruption import Interruption
from learning.item_order import Shuffled
from learning.learner import Learner
from learning.loader import Loader
from learning.optimization import Optimization
from learning.outcome import TrainingOutcome
from learning.report import Report, nobody
from learning.run_folder import CHECKPOINTS, begin, holds
from learning.state import Progress, latest_state, load_more
from policies.imitation.method import ImitationMethod
from policies.imitation.methods import method_class, preset
from policies.training.demonstration_data import (
    DemonstrationData,
    load_demonstrations,
    open_demonstrations,
    open_generated,
)
from policies.training.demonstration_loop import DemonstrationLoop
from policies.training.policy_folders import BEST, LAST, files_of
from policies.training.resampling import PAGE, WEIGHTS, Resampling, check
from policies.training.simulator_evaluation import ValidationEpisode, validation_episodes
from policies.training.trainers import EPOCHS, DemonstrationSettings


def train(settings: DemonstrationSettings, report: Report) -> TrainingOutcome:
    """Trains a policy; writes checkpoints, a curve, TensorBoard logs, and the policy itself.

    Args:
        settings: What is asked for.
        report: Is told how far it is.

    Raises:
        TrainingError: If it cannot begin as it was asked for; nothing is written then.
    """
    keep_freed_memory()
    accelerator = make_accelerator(settings.device, settings.precision)
    torch.manual_seed(settings.seed)
    method, optimization = _method(settings)
    optimization.check(settings.accumulate, accelerator.num_processes)
    check(settings.sampling)
    recorded = open_demonstrations(settings.dataset, settings.task, settings.episodes, method)
    told = report if accelerator.is_main_process else nobody
    generated = None
    if settings.generated is not None:
        generated = open_generated(
            settings.generated, settings.task, method, settings.sampling.filtered, told
        )
    with accelerator.main_process_first():  # it makes what the others find
        data = load_demonstrations(recorded, generated, method, settings.workers, told)
    resampling = _resampling(settings, data, method, optimization, accelerator)
    described = _described(settings, method, optimization, data, resampling)
    state = None
    if settings.resume and holds(settings.folder, described):
        state = latest_state(settings.folder / CHECKPOINTS)
    method.fit(data.statistics)
    if settings.compile:
        compile_parts(method, method.repeated_parts, accelerator.device)
    learner = Learner(method, optimization, accelerator, settings.precision, settings.seed)
    progress = Progress()
    if state is not None:
        progress = learner.load(state)
        if resampling is not None:
            resampling.load_state_dict(load_more(state))
        told(f"going on from step {progress.step} in {settings.folder}")
    if method.notice:
        told(method.notice)
    accelerator.wait_for_everyone()  # before the folder changes, all have read it
    order = resampling.order if resampling else Shuffled(len(data.windows), settings.seed)
    loader = Loader(data.windows, order, settings.accumulate, settings.loader_workers)
    validation = _validation_episodes(settings, accelerator, data)
    if state is None and accelerator.is_main_process:
        begin(settings.folder, described, results=(BEST, LAST, PAGE, WEIGHTS))
    with Interruption() as interruption, WorkerPool(settings.workers) as pool:
        DemonstrationLoop(
            settings, described, learner, loader, validation, resampling, pool, told, interruption
        ).run(progress)
    return TrainingOutcome(
        steps=progress.step,
        total_steps=optimization.steps,
        interrupted=progress.step < optimization.steps,
        files=files_of(settings.folder),
    )


def _method(settings: DemonstrationSettings) -> tuple[ImitationMethod, Optimization]:
    """The method with fresh weights, and how it is trained."""
    optimization = dict(settings.optimization)
    if settings.total_steps is not None:
        optimization["steps"] = settings.total_steps
    try:
        config, found = preset(settings.policy, settings.size, settings.method, optimization)
        method = method_class(settings.policy)(config)
    except ConfigurationError as error:
        raise TrainingError(str(error)) from None
    return method, found


def _validation_episodes(
    settings: DemonstrationSettings, accelerator: Accelerator, data: DemonstrationData
) -> Sequence[ValidationEpisode]:
    """Those of evaluations, if there are any and this process does them."""
    if settings.eval_every <= 0 or not accelerator.is_main_process:
        return ()
    return validation_episodes(settings.task, settings.eval_episodes, data.variations, data.seeds)


def _described(
    settings: DemonstrationSettings,
    method: ImitationMethod,
    optimization: Optimization,
    data: DemonstrationData,
    resampling: Resampling | None,
) -> dict[str, Any]:
    """What decides the numbers: `config.yaml`."""
    sampling = {"sampler": EPOCHS} if resampling is None else resampling.description
    generated = data.description.get("generated", {})
    filtered = generated.get("filter_sha256") is not None
    return {
        "policy": settings.policy,
        "size": settings.size,
        "task": settings.task,
        "seed": settings.seed,
        "precision": settings.precision,
        "accumulate": settings.accumulate,
        "eval_every": settings.eval_every,
        "eval_episodes": settings.eval_episodes,
        "optimization": as_mapping(optimization),
        "method": as_mapping(method.config),
        "dataset": dict(data.description),
        "sampling": {**sampling, "generated_filter": filtered},
    }


def _resampling(
    settings: DemonstrationSettings,
    data: DemonstrationData,
    method: ImitationMethod,
    optimization: Optimization,
    accelerator: Accelerator,
) -> Resampling | None:
    """What draws frames by weights, if they are drawn."""
    if settings.sampling.sampler == EPOCHS:
        return None
    return Resampling(settings.sampling, data, method, optimization, accelerator, settings.seed)
