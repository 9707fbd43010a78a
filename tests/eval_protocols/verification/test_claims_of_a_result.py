"""What a result claims that no replay is needed for is refused without one, with its reason."""

import sys

import numpy as np
import pytest
from forging import (
    BROKEN,
    CLEAN,
    FIRST,
    RANDOMIZED,
    TASK,
    claim,
    deny_validation,
    no_actions_of,
)

from eval_protocols.verification.replay import Replayer


def put(*path, to):
    """A fraud that replaces a value of the result."""

    def edit(forgery):
        *keys, last = path
        at = forgery.result
        for key in keys:
            at = at[key]
        at[last] = to

    return edit


def rename_the_task(name):
    def edit(forgery):
        for episode in forgery.episodes:
            episode["task"] = name
        forgery.result["seeds"]["lists"] = {name: forgery.result["seeds"]["lists"][TASK]}
        forgery.actions = {
            key.replace(TASK, name): actions for key, actions in forgery.actions.items()
        }

    return edit


def reseed(change):
    """A fraud that gives the episodes other seeds."""

    def edit(forgery):
        forgery.actions = {
            f"{condition}/{task}/{change(int(seed))}": actions
            for (condition, task, seed), actions in (
                (key.split("/"), actions) for key, actions in forgery.actions.items()
            )
        }
        for episode in forgery.episodes:
            episode["seed"] = change(episode["seed"])

    return edit


def unvalidated(start):
    def edit(forgery):
        deny_validation(forgery)
        forgery.result["seeds"]["start"] = start

    return edit


def leave_out(*indices):
    def edit(forgery):
        for index in sorted(indices, reverse=True):
            del forgery.actions[forgery.key(index)]
            del forgery.episodes[index]

    return edit


def change_order(forgery):
    forgery.episodes[:2] = forgery.episodes[1::-1]


def deny_privilege(forgery):
    forgery.result["policy"] |= {"name": "expert", "privileged": False}


def claim_training(name, weights=None):
    def edit(forgery):
        forgery.result["training"]["name"] = name
        forgery.result["policy"]["weights_sha256"] = weights

    return edit


def add_foreign_actions(forgery):
    forgery.actions[f"{CLEAN}/7"] = forgery.actions[f"{CLEAN}/100000"]


def cut(index, count):
    def edit(forgery):
        forgery.actions[forgery.key(index)] = forgery.actions[forgery.key(index)][:count]

    return edit


def put_action(value):
    def edit(forgery):
        forgery.actions[forgery.key(FIRST)][3, 2] = value

    return edit


def shorten_actions(forgery):
    forgery.actions[forgery.key(FIRST)] = forgery.actions[forgery.key(FIRST)][:, :13]


def test_another_task_with_the_same_seeds_is_refused(forgery):
    rename_the_task("bottle_adjust")(forgery)
    forgery.seal()
    assert len(forgery.refusals()) == 6


OTHER = "0" * 64


@pytest.mark.parametrize(
    ("fraud", "reason"),
    [
        (put("schema_version", to="1.0"), "schema_version: '2.0' was expected"),
        (put("versions", "sapien", to="3.0.2"), "versions.sapien is 3.0.2, but 3.0.3 here"),
        (put("versions", "physics_sha256", to=OTHER), "versions.physics_sha256 is 0000"),
        (put("protocol", "name", to="in_domian"), "unknown protocol 'in_domian'; did you mean"),
        (put("protocol", "name", to="../specs/in_domain"), "protocol.name"),
        (put("protocol", "name", to="objects_unseen"), "protocol.version is"),
        (put("protocol", "version", to=99), "protocol.version is 99, but"),
        (put("protocol", "sha256", to=OTHER), "protocol.sha256 is 0000"),
        (put("protocol", "headline", to="success_at_end"), "protocol.headline is success_at_end"),
        (put("protocol", "after_success_steps", to=0), "protocol.after_success_steps is 0, but"),
        (put("protocol", "conditions", 2, "variations", to={}), "protocol.conditions is"),
        (rename_the_task("antigravity:Task"), "task antigravity:Task is none of this suite"),
        (put("seeds", "lists", TASK, to=OTHER), f"seeds.lists.{TASK}: not the hash of the valid"),
        (put("seeds", "lists", to={}), "seeds.lists names other tasks"),
        (put("seeds", "start", to=5), "seeds.start is given, but"),
        (put("seeds", "validated", to=False), f"seeds.lists.{TASK} is given, but"),
        (reseed(lambda seed: seed + 1), f"{CLEAN}/100001 stands where {CLEAN}/100000 has to"),
        (unvalidated(99999), f"{CLEAN}/100000 stands where {CLEAN}/99999 has to"),
        (leave_out(BROKEN), f"{RANDOMIZED} has 1 episodes, where others have 2"),
        (leave_out(0, 2, 4), f"{CLEAN}/100001 stands where {CLEAN}/100000 has to"),
        (change_order, f"{CLEAN}/100001 stands where {CLEAN}/100000 has to"),
        (deny_privilege, "policy expert reads the simulator, but the result denies it"),
        (claim_training("some_set"), "training.name is some_set, no training set of"),
        (claim_training("none", OTHER), "training.name is none, but the policy has weights"),
        (put("actions", to=None), "no actions"),
        (no_actions_of(FIRST), f"{CLEAN}/100000: no actions, and no error that explains it"),
        (no_actions_of(BROKEN), f"{RANDOMIZED}/100001: no actions, but steps is claimed"),
        (
            no_actions_of(BROKEN, steps=0, **{"return": 0.0}, progress=0.0, score=0, checks={}),
            "no actions, but state_sha256 is claimed",
        ),
        (claim(FIRST, state_sha256=None), "no state_sha256, and no error that explains it"),
        (claim(FIRST, steps=301), "301 steps, the limit is 300"),
        (claim(FIRST, steps=20), "actions, but 20 steps"),
        (cut(FIRST, -1), "actions, but"),
        (cut(BROKEN, 7), "7 actions, but 8 steps"),
        (add_foreign_actions, f"{CLEAN}/7.npy belongs to no episode"),
        (put_action(np.nan), "step 3: action[2] = nan is not within"),
        (put_action(np.inf), "step 3: action[2] = inf is not within"),
        (put_action(100.0), "step 3: action[2] = 100 is not within"),
        (shorten_actions, "actions are uint8 (4, 13,"),
        (put("policy", "action_mode", to="ee"), "actions are uint8 (4, 14,"),
    ],
)
def test_claims_that_need_no_replay_are_refused_without_one(forgery, fraud, reason, monkeypatch):
    monkeypatch.setattr(Replayer, "replay", None)
    fraud(forgery)
    forgery.seal()
    (found,) = forgery.refusals()
    assert reason in found
    assert "\n" not in found


def test_no_code_that_a_result_names_is_imported(forgery):
    assert "antigravity" not in sys.modules
    rename_the_task("antigravity:Task")(forgery)
    forgery.result["policy"]["name"] = "antigravity:Policy"
    forgery.seal()
    assert forgery.refusals()
    assert "antigravity" not in sys.modules
