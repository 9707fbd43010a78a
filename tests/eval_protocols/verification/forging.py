"""Forged results: what a test changes of an honest one, written so that it all fits together.

Summary, hashes and archive follow from the forgery, as anybody's would who cheats.
"""

import hashlib
import json

import numpy as np

from eval_protocols.action_archive import ARCHIVE_NAME, decode, encode
from eval_protocols.episodes import policy_seed
from eval_protocols.summary import summarize
from eval_protocols.verification import verify
from policies.scripted import ExpertPolicy

TASK, PROTOCOL = "tool_adjust", "robotwin2_randomized"
CLEAN, RANDOMIZED = f"demo_clean/{TASK}", f"demo_randomized/{TASK}"
SEEDS = (100000, 100001)
#: Indices of the episodes, which are sorted by condition, then seed.
FIRST, SECOND, FIRST_RANDOMIZED, BROKEN = 0, 1, 4, 5


class Breaking(ExpertPolicy):
    """The expert, which breaks down in one episode."""

    def reset(self, episode):
        super().reset(episode)
        self.left = 8
        randomized = len(episode.env.variations) > 1
        self.breaks = randomized and episode.seed == policy_seed(TASK, SEEDS[1])

    def act(self, observation):
        self.left -= 1
        if self.breaks and self.left < 0:
            raise RuntimeError("broke down")
        return super().act(observation)


class Forgery:
    """A copy of a result that is about to be changed.

    Attributes:
        result: The result, as it will be written.
        actions: The actions (T, A) of each entry of the archive.
    """

    def __init__(self, honest, folder):
        self.path = folder / "result.json"
        self.result = json.loads((honest / "result.json").read_text())
        with np.load(honest / ARCHIVE_NAME) as archive:
            self.actions = {name: decode(archive[name]) for name in archive}

    @property
    def episodes(self):
        return self.result["episodes"]

    def key(self, index):
        episode = self.episodes[index]
        return f"{episode['condition']}/{episode['task']}/{episode['seed']}"

    def seal(self):
        """Writes everything, so that it fits together."""
        archive = self.path.with_name(ARCHIVE_NAME)
        entries = {name: encode(actions) for name, actions in self.actions.items()}
        np.savez_compressed(archive, **entries)
        content = archive.read_bytes()
        if self.result["actions"] is not None:
            digest = hashlib.sha256(content).hexdigest()
            self.result["actions"] |= {"sha256": digest, "bytes": len(content)}
        protocol = self.result["protocol"]
        tasks = list(dict.fromkeys(episode["task"] for episode in self.episodes))
        self.result["summary"] = summarize(
            self.episodes, tasks, protocol["conditions"], protocol["headline"]
        )
        self.path.write_text(json.dumps(self.result))

    def refusals(self):
        return verify(self.path).refusals


def claim(index, **claims):
    """A fraud that edits an episode's record."""

    def edit(forgery):
        forgery.episodes[index] |= claims

    return edit


def deny_validation(forgery):
    forgery.result["seeds"] = {"validated": False, "start": 100000, "lists": {TASK: None}}


def no_actions_of(index, **claims):
    def edit(forgery):
        del forgery.actions[forgery.key(index)]
        forgery.episodes[index] |= claims

    return edit
