"""Trains `ppo` and `sac` with Stable-Baselines3, on a task as one hand sees and does it."""

from __future__ import annotations

import functools
import json
import multiprocessing
import signal
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, SupportsFloat

import gymnasium
import numpy as np
import stable_baselines3
import torch
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import CallbackList, EvalCallback
from stable_baselines3.common.logger import configure
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv, VecMonitor

from envs.errors import InvalidOptionError, nearest
from envs.registration import make_env
from envs.wrappers import OneHand, OneHandWrapper, ProgressGain
from envs.wrappers.one_hand import STEP_SIZE
from learning.curve import cut_curve, read_curve
from learning.errors import TrainingError
from learning.interruption import Interruption
from learning.outcome import TrainingOutcome
from learning.report import Report
from learning.run_folder import CHECKPOINTS, CURVE_NAME, TENSORBOARD, begin, holds
from policies.sb3 import Checkpoint, Network
from policies.training.hands import TASK_HANDS
from policies.training.policy_folders import BEST, LAST, files_of
from policies.training.sb3_callbacks import Best, Checkpoints, Curve, UntilInterrupted
from policies.training.trainers import InteractionSettings

Env = gymnasium.Env[Any, Any]

ALGORITHMS: dict[str, type[BaseAlgorithm]] = {"ppo": PPO, "sac": SAC}

HYPERPARAMETERS: dict[str, dict[str, Any]] = {
    "ppo": {
        "hidden": [128, 128],
        "learning_rate": 3e-4,
        "n_steps": 256,
        "batch_size": 128,
        "n_epochs": 10,
        "gamma": 0.97,
        "gae_lambda": 0.95,
        "clip_range": 0.2,
        "ent_coef": 0.0,
        "vf_coef": 0.5,
        "max_grad_norm": 0.5,
        "log_std_init": -0.5,
    },
    "sac": {
        "hidden": [128, 128],
        "learning_rate": 5e-4,
        "buffer_size": 200_000,
        "learning_starts": 500,
        "batch_size": 256,
        "tau": 0.005,
        "gamma": 0.95,
        "train_freq": 1,
        "gradient_steps": -1,
        "ent_coef": "auto_0.1",
    },
}
"""Defaults. `hidden` and `log_std_init` are the policy's, the others arguments of SB3's classes."""

EVALUATION_SEED = 200_000
"""First seed of the evaluations during a training, which are the same episodes each time."""


def train(settings: InteractionSettings, report: Report) -> TrainingOutcome:
    """Trains a policy; writes checkpoints, a curve, TensorBoard logs, and the policy itself.

    With the same settings on the same machine it comes out the same, unless it is interrupted: one
    that goes on has its weights, optimizer, replay buffer and counts from the checkpoint, but
    begins new episodes with new random numbers.

    Raises:
        TrainingError: If it cannot begin as it was asked for; nothing is written then.
    """
    hand, hyperparameters = _checked(settings)
    folder = settings.folder
    described = _described(settings, hand, hyperparameters)
    steps = _steps_done(settings, described)
    if steps:
        report(f"going on from step {steps} in {folder}")
    with (
        _one_thread(),
        closing(_training_env(settings, hand, steps)) as env,
        closing(_evaluation_env(settings, hand)) as eval_env,
        Interruption() as interruption,
    ):
        model = _model(settings, hyperparameters, env, folder / CHECKPOINTS if steps else None)
        _prepare(settings, described, steps)
        model.set_logger(configure(str(folder / TENSORBOARD), ["tensorboard"]))
        curve = read_curve(folder / CURVE_NAME)
        export = functools.partial(_export, model, settings, hand)
        calls = max(1, env.num_envs)
        checkpoints = Checkpoints(max(1, settings.checkpoint_every // calls), folder / CHECKPOINTS)
        evaluation = EvalCallback(
            eval_env,
            n_eval_episodes=settings.eval_episodes,
            eval_freq=max(1, settings.eval_every // calls),
            callback_after_eval=CallbackList(
                [
                    Curve(folder / CURVE_NAME, curve[-1]["wall_s"] if curve else 0.0, report),
                    Best(
                        functools.partial(export, folder / BEST),
                        max((row["eval_success"] for row in curve), default=0.0),
                    ),
                ]
            ),
            verbose=0,
        )
        # Go on counting where the training stopped.
        checkpoints.n_calls = evaluation.n_calls = steps // calls
        checkpoints.init_callback(model)
        try:
            model.learn(
                max(0, settings.total_steps - steps),
                callback=[evaluation, checkpoints, UntilInterrupted(interruption)],
                reset_num_timesteps=False,
            )
        except (EOFError, BrokenPipeError, ConnectionResetError) as error:
            raise RuntimeError(f"a worker process died ({type(error).__name__})") from error
        checkpoints.save()
        export(folder / LAST)
    return TrainingOutcome(
        steps=model.num_timesteps,
        total_steps=settings.total_steps,
        interrupted=interruption.requested and model.num_timesteps < settings.total_steps,
        files=files_of(folder),
    )


def make_training_env(
    task: str, hand: OneHand, reward: Mapping[str, Any], max_steps: int | None = None
) -> Env:
    """The environment that a policy is trained in."""
    env = OneHandWrapper(make_env(task), hand, max_steps)
    return ProgressGain(env, **reward)


class _SameEpisodes(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Gives the same episodes in turn, whatever seed is asked for."""

    def __init__(self, env: Env, first_seed: int, episodes: int) -> None:
        super().__init__(env)
        self._seeds, self._next = range(first_seed, first_seed + episodes), 0

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        seed = self._seeds[self._next % len(self._seeds)]
        self._next += 1
        return self.env.reset(**{**kwargs, "seed": seed})

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        return self.env.step(action)


def _worker_env(**kwargs: Any) -> Env:
    """An environment in a worker process, which its parent ends at Ctrl-C."""
    if multiprocessing.parent_process() is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return make_training_env(**kwargs)


def _training_env(settings: InteractionSettings, hand: OneHand, steps: int) -> VecEnv:
    build = functools.partial(
        _worker_env,
        task=settings.task,
        hand=hand,
        reward=dict(settings.reward),
        max_steps=settings.episode_steps,
    )
    env: VecEnv
    if settings.workers:
        # Not fork: SAPIEN may have rendered in this process.
        env = SubprocVecEnv([build] * settings.workers, start_method="spawn")
    else:
        env = DummyVecEnv([build])
    # A training that goes on sees other episodes than those that it began with.
    env.seed(int(np.random.SeedSequence([settings.seed, steps]).generate_state(1)[0] >> 1))
    return VecMonitor(env)


def _evaluation_env(settings: InteractionSettings, hand: OneHand) -> VecEnv:
    env = make_training_env(settings.task, hand, settings.reward, settings.episode_steps)
    same = _SameEpisodes(env, EVALUATION_SEED, settings.eval_episodes)
    return VecMonitor(DummyVecEnv([lambda: same]))


def _model(
    settings: InteractionSettings,
    hyperparameters: Mapping[str, Any],
    env: VecEnv,
    checkpoints: Path | None,
) -> BaseAlgorithm:
    """A new model, or the one of the last checkpoint.

    SB3 unpickles parts of its files: they are read from a training's own folder only.
    """
    algorithm = ALGORITHMS[settings.policy]
    if checkpoints is not None:
        latest = json.loads((checkpoints / Checkpoints.LATEST).read_text())
        model: Any = algorithm.load(checkpoints / latest["model"], env=env, device="cpu")
        if "replay_buffer" in latest:
            model.load_replay_buffer(checkpoints / latest["replay_buffer"])
        model.set_random_seed(settings.seed + latest["steps"])
        return model  # type: ignore[no-any-return]
    arguments = dict(hyperparameters)
    policy_kwargs = {"net_arch": list(arguments.pop("hidden"))}
    if "log_std_init" in arguments:
        policy_kwargs["log_std_init"] = arguments.pop("log_std_init")
    try:
        return algorithm(
            "MlpPolicy",
            env,
            seed=settings.seed,
            device="cpu",
            policy_kwargs=policy_kwargs,
            **arguments,
        )
    except (TypeError, ValueError, AssertionError) as error:
        raise TrainingError(f"hyperparameters {dict(hyperparameters)}: {error}") from None


def _export(
    model: BaseAlgorithm, settings: InteractionSettings, hand: OneHand, folder: Path
) -> None:
    """Writes what acts to a folder, for `policies.sb3`."""
    Checkpoint(
        policy=settings.policy,
        task=settings.task,
        hand=hand,
        network=network_of(model),
        training={
            "steps": model.num_timesteps,
            "seed": settings.seed,
            "stable_baselines3": stable_baselines3.__version__,
            "torch": torch.__version__,
        },
    ).save(folder)


def network_of(model: BaseAlgorithm) -> Network:
    """The layers of a PPO or SAC model that choose the action it takes when it does not explore."""
    policy: Any = model.policy
    if isinstance(model, SAC):
        hidden, last, output = policy.actor.latent_pi, policy.actor.mu, "tanh"
    else:
        hidden, last, output = policy.mlp_extractor.policy_net, policy.action_net, "clip"
    linear = [each for each in hidden if isinstance(each, torch.nn.Linear)] + [last]
    layers = tuple(
        (each.weight.detach().numpy().copy(), each.bias.detach().numpy().copy()) for each in linear
    )
    return Network(layers, "relu" if isinstance(model, SAC) else "tanh", output)


def _checked(settings: InteractionSettings) -> tuple[OneHand, dict[str, Any]]:
    """The hand and the hyperparameters.

    Raises:
        TrainingError: For names and values that are not valid.
    """
    defaults = HYPERPARAMETERS[settings.policy]
    for name, value in settings.hyperparameters.items():
        if name not in defaults:
            raise TrainingError(f"unknown hyperparameter '{name}'; {nearest(name, defaults)}")
        if name == "hidden":
            if not isinstance(value, list) or not all(_is_integer(n) and n > 0 for n in value):
                raise TrainingError(f"hyperparameters.{name}={value}: expected sizes, as [128,128]")
        elif isinstance(defaults[name], int) and not _is_integer(value):
            raise TrainingError(f"hyperparameters.{name}={value}: expected an integer")
        elif isinstance(defaults[name], float) and not _is_number(value):
            raise TrainingError(f"hyperparameters.{name}={value}: expected a number")
    for name, value in settings.reward.items():
        if name not in ("scale", "bonus"):
            raise TrainingError(f"unknown reward '{name}'; {nearest(name, ('scale', 'bonus'))}")
        if not _is_number(value):
            raise TrainingError(f"reward.{name}={value}: expected a number")
    try:
        hand = OneHand.of({**TASK_HANDS.get(settings.task, {}), **settings.hand})
        env = make_training_env(settings.task, hand, settings.reward)
        env.reset(seed=0)
        env.step(np.zeros(STEP_SIZE, dtype=np.float32))
        env.close()
    except InvalidOptionError as error:
        raise TrainingError(f"hand: {error}") from None
    return hand, {**defaults, **settings.hyperparameters}


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or _is_integer(value)


def _described(
    settings: InteractionSettings, hand: OneHand, hyperparameters: Mapping[str, Any]
) -> dict[str, Any]:
    """What decides the numbers: `config.yaml`. More steps are no other training."""
    return {
        "policy": settings.policy,
        "task": settings.task,
        "seed": settings.seed,
        "workers": settings.workers,
        "episode_steps": settings.episode_steps,
        "hyperparameters": dict(hyperparameters),
        "hand": hand.settings(),
        "reward": dict(settings.reward),
        "eval_every": settings.eval_every,
        "eval_episodes": settings.eval_episodes,
    }


def _steps_done(settings: InteractionSettings, described: Mapping[str, Any]) -> int:
    """The step that the training goes on from.

    Raises:
        TrainingError: If the folder holds another training, which is to be continued.
    """
    if not settings.resume or not holds(settings.folder, described):
        return 0
    latest = settings.folder / CHECKPOINTS / Checkpoints.LATEST
    return int(json.loads(latest.read_text())["steps"]) if latest.exists() else 0


def _prepare(settings: InteractionSettings, described: Mapping[str, Any], steps: int) -> None:
    """Makes the folder ready to go on from a step, or to begin."""
    if steps:
        cut_curve(settings.folder / CURVE_NAME, "steps", steps)
    else:
        begin(settings.folder, described, results=(BEST, LAST))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Small networks are slower on several threads, which the workers need."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
