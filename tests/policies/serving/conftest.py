"""Policies that are served, and servers in a thread of this process."""

import asyncio
import contextlib
import socket
import threading

import numpy as np
import pytest

from envs import actions
from policies.policy import EpisodeContext, Observes, Policy, TrainingData
from policies.serving.server import PolicyServer


class Remembering(Policy):
    """Answers what it was told and shown in this episode; fails when it is told to."""

    observes = Observes(
        "rgbd", ("head_camera", "left_camera"), resolution=(24, 16), history=2, history_stride=3
    )
    tasks = ("tool_adjust",)
    training_data = TrainingData(((20, {}), (5, {"camera_azimuth": 3})), 7, ((40, {}),))

    def __init__(self, rows=3, fails_in="", config=None):
        self.rows, self.fails_in, self.given = rows, fails_in, config or {}

    def reset(self, episode):
        if self.fails_in == "reset" or episode.task == "refused":
            raise RuntimeError("no such\nepisode")
        self.episode, self.calls = episode, 0
        self.thread = threading.get_ident()

    def act(self, observation):
        if observation["instruction"] == "fail":
            raise KeyError("nothing\nleft")
        assert threading.get_ident() == self.thread
        self.calls += 1
        seen = [observation[name] for name in ("joint_position", "joint_target", "endpose")]
        for camera in observation["cameras"].values():
            seen += [camera[part] for part in sorted(camera)]
        sums = [part.astype(np.float64).sum() for part in seen]
        told = [self.calls, self.episode.seed, len(self.episode.instruction)]
        row = np.resize(np.array([*told, *sums], np.float64), 14)
        return np.stack([row + i for i in range(self.rows)])

    def config(self):
        return self.given

    def weights_sha256(self):
        return "ab" * 32


class ServerInThread:
    """A server that other threads can ask; `stop` ends it."""

    def __init__(self, server, port=0):
        self.server = server
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(port)))
        self._thread.start()
        assert self._ready.wait(60)

    async def _run(self, port):
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        async with self.server.listening("127.0.0.1", port) as listening:
            self.port = listening.sockets[0].getsockname()[1]
            self.uri = f"ws://127.0.0.1:{self.port}"
            self._ready.set()
            await self._end.wait()

    def stop(self):
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(60)
            assert not self._thread.is_alive()
            self.server.close()


@contextlib.contextmanager
def _serving(make, port=0, **options):
    lines = []
    served = ServerInThread(PolicyServer(make, "served", report=lines.append, **options), port)
    served.lines = lines
    try:
        yield served
    finally:
        served.stop()


def _episode(seed=0, task="tool_adjust", instruction="adjust the tool"):
    return EpisodeContext(task, instruction, seed, actions.space("joint"), 16.7)


@pytest.fixture(scope="session")
def serving():
    """Serves what a function builds: `with serving(make, port=0, ...) as served`."""
    return _serving


@pytest.fixture(scope="session")
def remembering():
    """A policy that answers what it was told and shown."""
    return Remembering


@pytest.fixture(scope="session")
def episode():
    """Makes an episode's context."""
    return _episode


@pytest.fixture
def free_port():
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
