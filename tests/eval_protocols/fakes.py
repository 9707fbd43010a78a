"""Policies that misbehave, an environment that costs nothing, and a task for the real one.

Found by name (`fakes:Faulty`), since pytest puts this folder on the path.
"""

import hashlib
import os
import signal
import sys
import time
from pathlib import Path

import gymnasium
import numpy as np
import sapien

from envs.errors import InvalidActionError
from envs.objects.model import ObjectModel
from envs.scene_settings import TABLE_HEIGHT
from envs.tasks.task import Evaluation, Task
from eval_protocols.episodes import policy_seed
from policies.policy import Observes, Policy

STEP_LIMIT = 12
GOAL = 3.8
FAULTS = (
    "raise",
    "hang",
    "nan",
    "inf",
    "shape",
    "flat",
    "empty",
    "text",
    "range",
    "segfault",
    "exit",
    "reset",
    "orphan",
    "system_exit",
)


class FakeEnv(gymnasium.Env):
    """Success is a sum over time that exceeds GOAL; a first number of -1 fails for good."""

    control_hz = 10.0
    instruction = "add up"
    asset_sha256 = "0" * 64

    def __init__(
        self,
        task,
        obs_mode="state",
        cameras=(),
        resolution=None,
        action_mode="joint",
        variations=None,
    ):
        self.variations = variations
        if "no_such_camera" in cameras:
            raise ValueError("unknown camera 'no_such_camera'")
        self.task = task
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (2,))
        self.render_next = True
        self.pictures = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        if self.task == "broken":
            raise KeyError("a bug of ours")
        self.sum = float(self.np_random.random())
        self.steps, self.once = 0, False
        self.digest = hashlib.sha256(f"{self.task}/{seed}".encode())
        return self._observation(), {**self._info(0.0), "variations": dict(self.variations or {})}

    def step(self, action):
        if not np.isfinite(action).all() or np.abs(action).max() > 1 + 1e-6:
            raise InvalidActionError(f"action has {action}")
        self.digest.update(action.tobytes())
        self.sum += float(action.sum())
        self.steps += 1
        self.once |= self.sum > GOAL
        self.pictures += self.render_next
        info = self._info(float(action[0]))
        return self._observation(), self.sum, self.once, self.steps >= STEP_LIMIT, info

    def state_sha256(self):
        return self.digest.hexdigest()

    def _observation(self):
        return {"sum": self.sum, "pictures": self.pictures}

    def _info(self, first):
        held = self.sum > GOAL
        return {
            "success": held,
            "is_success": held,
            "success_once": self.once,
            "checks": {"enough": held},
            "progress": float(np.clip(self.sum / GOAL, 0, 1)),
            "failure": "gave up" if first == -1.0 else None,
        }


def make_fake_env(task, **kwargs):
    return FakeEnv(task, **kwargs)


class Adder(Policy):
    """Random chunks, which reach success for some seeds."""

    def __init__(self, chunk=3, sleep_s=0.0):
        self.chunk, self.sleep_s = chunk, sleep_s

    def config(self):
        return {"chunk": self.chunk}

    def reset(self, episode):
        self.rng = np.random.default_rng(episode.seed)
        self.size = episode.action_space.shape[0]

    def act(self, observation):
        time.sleep(self.sleep_s)
        return self.rng.uniform(-0.2, 0.6, (self.chunk, self.size))


class Faulty(Adder):
    """Does one thing wrong in the second call of given episodes.

    `marker`: a file that is made at the first fault, and prevents any later one.
    """

    def __init__(self, fault, seeds=(), marker=None, **config):
        super().__init__(**config)
        assert fault in FAULTS
        self.fault, self.seeds = fault, tuple(seeds)
        self.marker = Path(marker) if marker else None

    def config(self):
        return {**super().config(), "fault": self.fault}

    def reset(self, episode):
        super().reset(episode)
        bad = {policy_seed(episode.task, seed) for seed in self.seeds}
        self.calls, self.bad = 0, episode.seed in bad
        if self.bad and self.fault == "reset":
            raise RuntimeError("no reset\ntoday")

    def act(self, observation):
        actions = super().act(observation)
        self.calls += 1
        if not self.bad or self.calls != 2:
            return actions
        if self.marker:
            if self.marker.exists():
                return actions
            self.marker.touch()
        return getattr(self, f"do_{self.fault}", lambda actions: actions)(actions)

    def do_raise(self, actions):
        raise KeyError("lost my\nmind " + "x" * 5000)

    def do_hang(self, actions):
        while True:
            time.sleep(0.01)

    def do_nan(self, actions):
        actions[1, 0] = np.nan
        return actions

    def do_inf(self, actions):
        actions[1, 0] = 1e300
        return actions

    def do_shape(self, actions):
        return np.zeros((2, 3))

    def do_flat(self, actions):
        return actions[0]

    def do_empty(self, actions):
        return actions[:0]

    def do_text(self, actions):
        return [["a", "b"]]

    def do_range(self, actions):
        actions[0, 1] = 7.5
        return actions

    def do_segfault(self, actions):
        print("about to crash")
        os.kill(os.getpid(), signal.SIGSEGV)

    def do_exit(self, actions):
        os._exit(3)

    def do_orphan(self, actions):
        if os.fork() == 0:  # keeps the worker's pipes open for a while
            time.sleep(20)
            os._exit(0)
        os.kill(os.getpid(), signal.SIGKILL)

    def do_system_exit(self, actions):
        sys.exit("good bye")


class Quitter(Adder):
    """Fails for good in its second step."""

    def act(self, observation):
        return np.array([[0.5, 0.5], [-1.0, 0.0], [0.5, 0.5]])


class Eager(Adder):
    """Succeeds in its second step and spoils it right after."""

    def reset(self, episode):
        self.calls = 0

    def act(self, observation):
        self.calls += 1
        return np.full((2, 2), 1.0 if self.calls == 1 else -0.9)


class Spoiler(Eager):
    """Succeeds, then raises."""

    def act(self, observation):
        if self.calls:
            raise RuntimeError("spoiled")
        return super().act(observation)


class Looker(Adder):
    """Remembers how many pictures had been taken when it was asked."""

    seen = ()

    def act(self, observation):
        Looker.seen = (*Looker.seen, observation["pictures"])
        return super().act(observation)


class Historian(Looker):
    """Sees three observations, two steps apart."""

    observes = Observes(history=3, history_stride=2)


class Unbuildable(Policy):
    def __init__(self):
        raise OSError("weights are\nmissing")

    def act(self, observation):
        raise NotImplementedError


class BornDead(Policy):
    def __init__(self):
        os.kill(os.getpid(), signal.SIGSEGV)

    def act(self, observation):
        raise NotImplementedError


class Slow(Policy):
    def __init__(self):
        time.sleep(60)

    def act(self, observation):
        raise NotImplementedError


class Chameleon(Adder):
    """Another policy in each process."""

    def config(self):
        return {"process": os.getpid()}


class Blind(Adder):
    observes = Observes("rgb", ("no_such_camera",))


class Lift(Task):
    """A task for the real environment: the left arm's second joint is to be raised."""

    name = "lift"
    title = "Lift"
    step_limit = 20
    hold_steps = 2
    instructions = ("raise the left arm",)

    def build(self, simulation, rng, instances):
        pose = sapien.Pose([rng.uniform(-0.1, 0.1), 0.0, TABLE_HEIGHT + 0.03])
        simulation.add("block", ObjectModel.box((0.03, 0.03, 0.03), (1.0, 0.0, 0.0)), pose)

    def evaluate(self, state, start):
        raised = state.joint_position[1] - start.joint_position[1]
        return Evaluation({"raised": bool(raised > 0.3)}, float(np.clip(raised / 0.3, 0, 1)))

    def reward(self, state, start):
        return self.evaluate(state, start).progress

    def expert(self, motion, state):
        raise NotImplementedError


class Raise(Policy):
    """Raises the arm at a speed drawn from the episode's seed, which suffices for some.

    `$FAKES_SLEEP_S` slows it down without making it another policy.
    """

    def __init__(self, fault=None):
        self.sleep_s, self.fault = float(os.environ.get("FAKES_SLEEP_S", "0")), fault

    def config(self):
        return {"fault": self.fault}

    def reset(self, episode):
        rng = np.random.default_rng(episode.seed)
        self.speed, self.target = rng.uniform(0.0, 0.05), np.zeros(14, np.float32)

    def act(self, observation):
        time.sleep(self.sleep_s)
        if self.fault == "bad":
            return np.full((1, 14), np.nan)
        self.target[1] += self.speed
        return self.target[None]
