"""An honest result is verified; what a replay does not bear out is refused, with its reason."""

import hashlib
import json
import shutil

import numpy as np
import pytest
from forging import (
    BROKEN,
    CLEAN,
    FIRST,
    FIRST_RANDOMIZED,
    RANDOMIZED,
    SECOND,
    TASK,
    claim,
    deny_validation,
    no_actions_of,
)

from envs.seeds import seed_list_sha256
from eval_protocols.action_archive import ARCHIVE_NAME
from eval_protocols.verification import verify


def test_an_honest_result_is_verified(honest):
    verdict = verify(honest / "result.json")
    assert verdict.refusals == ()
    assert verdict.verified
    assert verdict.replayed == 6
    content = (honest / "result.json").read_bytes()
    assert verdict.result_sha256 == hashlib.sha256(content).hexdigest()


def test_forging_nothing_is_no_fraud(forgery):
    """What the tests below refuse is what they change, not how they write it."""
    forgery.seal()
    assert forgery.refusals() == ()


def test_a_worker_process_and_a_sample_of_known_seed_come_to_the_same(forgery):
    forgery.episodes[FIRST]["return"] += 0.5
    forgery.episodes[SECOND]["return"] += 0.5
    forgery.seal()
    here = verify(forgery.path).refusals
    assert len(here) == 2
    assert sorted(verify(forgery.path, workers=1).refusals) == sorted(here)
    drawn = [verify(forgery.path, sample=1, seed=seed) for seed in range(8)]
    assert {verdict.replayed for verdict in drawn} == {1}
    assert {verdict.refusals for verdict in drawn} == {(), here[:1], here[1:]}
    again = [verify(forgery.path, sample=1, seed=seed) for seed in range(8)]
    assert [verdict.refusals for verdict in again] == [verdict.refusals for verdict in drawn]


def test_a_sample_is_drawn_anew_each_time_and_says_with_what(honest):
    first, second = (verify(honest / "result.json", sample=1) for _ in range(2))
    assert first.verified
    assert first.sample_seed != second.sample_seed
    assert verify(honest / "result.json", sample=6).sample_seed is None


def test_a_single_bit_of_a_single_action_is_noticed(forgery):
    bits = forgery.actions[forgery.key(FIRST)].view(np.uint32)
    moving = np.flatnonzero(np.ptp(bits.astype(np.int64), axis=0))
    bits[len(bits) // 2, moving[0]] ^= 1
    forgery.seal()
    (reason,) = forgery.refusals()
    assert reason.startswith(f"{CLEAN}/100000: ")
    assert "but the replay gives" in reason


@pytest.mark.parametrize(
    ("fraud", "reason"),
    [
        (claim(FIRST, success_at_end=False), "success_at_end is False, but the replay gives True"),
        (claim(FIRST, progress=0.5), "progress is 0.5, but the replay gives 1.0"),
        (claim(FIRST, failure="fell"), "failure is fell, but the replay gives None"),
        (claim(FIRST, checks={}), "checks is {}, but the replay gives"),
        (claim(FIRST, variations={"language": 1}), "variations is"),
        (claim(FIRST_RANDOMIZED, variations={}), "variations is {}, but the replay gives"),
        (claim(FIRST, state_sha256="0" * 64), "state_sha256 is 0000"),
        (claim(FIRST, success_once=False, success_at_end=False, score=4), "success_once is False"),
        (
            claim(BROKEN, error=None, success_once=True, success_at_end=True, score=5),
            "stops after 8 steps, before its end",
        ),
        (claim(BROKEN, error=None), "stops after 8 steps, before its end"),
        (claim(BROKEN, score=4), "score is 4, but the replay gives 0"),
        (
            claim(FIRST, error="oh", success_once=False, success_at_end=False, score=4),
            "an error is claimed, but it ran to its end",
        ),
    ],
)
def test_edited_outcomes_are_refused(forgery, fraud, reason):
    fraud(forgery)
    forgery.seal()
    (found,) = forgery.refusals()
    assert reason in found
    assert found.startswith((CLEAN, RANDOMIZED))


OUTCOME = ("success_once", "success_at_end", "steps", "return", "checks", "progress", "score")


def copy_an_easy_seed(forgery):
    forgery.actions[forgery.key(SECOND)] = forgery.actions[forgery.key(FIRST)]
    easy = forgery.episodes[FIRST]
    forgery.episodes[SECOND] |= {key: easy[key] for key in (*OUTCOME, "state_sha256")}


def relabel_conditions(forgery):
    here, there = forgery.episodes[FIRST], forgery.episodes[FIRST_RANDOMIZED]
    keys = [key for key in here if key != "condition"]
    easy = {key: here[key] for key in keys}
    here |= {key: there[key] for key in keys}
    there |= easy
    first, second = forgery.key(FIRST), forgery.key(FIRST_RANDOMIZED)
    actions = forgery.actions
    actions[first], actions[second] = actions[second], actions[first]


def stop_at_success(forgery):
    steps = forgery.episodes[FIRST]["steps"] - 10
    forgery.episodes[FIRST]["steps"] = steps
    forgery.actions[forgery.key(FIRST)] = forgery.actions[forgery.key(FIRST)][:steps]


def go_on_after_the_end(forgery):
    key = forgery.key(FIRST)
    forgery.episodes[FIRST]["steps"] += 5
    last = forgery.actions[key][-1:]
    forgery.actions[key] = np.concatenate([forgery.actions[key], *[last] * 5])


@pytest.mark.parametrize(
    ("fraud", "reasons"),
    [
        (copy_an_easy_seed, (f"{CLEAN}/100001: ",)),
        (relabel_conditions, (f"{CLEAN}/100000: ", f"{RANDOMIZED}/100000: ")),
        (stop_at_success, ("before its end",)),
        (go_on_after_the_end, ("steps, but it ends after",)),
    ],
)
def test_actions_that_lead_elsewhere_are_refused(forgery, fraud, reasons):
    fraud(forgery)
    forgery.seal()
    found = forgery.refusals()
    assert len(found) == len(reasons)
    for line, reason in zip(found, reasons, strict=True):
        assert reason in line


def test_sums_that_do_not_follow_and_episodes_given_twice_are_refused(forgery):
    forgery.seal()
    forgery.result["summary"]["overall"][0]["mean_return"] += 1
    forgery.path.write_text(json.dumps(forgery.result))
    (reason,) = forgery.refusals()
    assert "summary.overall[0].mean_return" in reason
    forgery.episodes.append(forgery.episodes[0])
    forgery.path.write_text(json.dumps(forgery.result))
    (reason,) = forgery.refusals()
    assert "episodes[6]: the same as episodes[0]" in reason


def test_another_archive_a_truncated_one_and_none_are_refused(honest, tmp_path):
    for name in ("result.json", ARCHIVE_NAME):
        shutil.copy(honest / name, tmp_path / name)
    archive = tmp_path / ARCHIVE_NAME
    content = archive.read_bytes()
    archive.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert "by its hash" in verify(tmp_path / "result.json").refusals[0]
    archive.write_bytes(content[: len(content) // 2])
    assert "but the result says" in verify(tmp_path / "result.json").refusals[0]
    archive.unlink()
    assert "No such file" in verify(tmp_path / "result.json").refusals[0]


def test_an_episode_whose_worker_died_needs_no_actions(forgery):
    nothing = {"steps": 0, "return": 0.0, "progress": 0.0, "score": 0, "checks": {}}
    no_actions_of(BROKEN, **nothing, state_sha256=None, variations={})(forgery)
    forgery.seal()
    verdict = verify(forgery.path)
    assert verdict.refusals == ()
    assert verdict.replayed == 5


def test_seeds_that_are_not_validated_can_be_verified_as_such(forgery):
    assert forgery.result["seeds"]["lists"] == {TASK: seed_list_sha256(TASK)}
    deny_validation(forgery)
    forgery.seal()
    assert forgery.refusals() == ()
