import dataclasses
import re

import fakes
import numpy as np
import pytest

from eval_protocols.episodes import RECORD_KEYS, WorkUnit, behaviour_score, policy_seed
from eval_protocols.guarded_policy import PolicyRefusedError, Unwatched
from eval_protocols.protocol import Condition
from eval_protocols.runner import EpisodeRunner, RunnerSettings

SETTINGS = RunnerSettings(
    policy="fakes:Adder",
    policy_config={},
    first_seeds={"sums": 0},
    conditions={"nominal": Condition("nominal", {})},
    after_success_steps=3,
    policy_timeout_s=5.0,
    start_timeout_s=5.0,
    make_env=fakes.make_fake_env,
)


def runner(policy, **changes):
    return EpisodeRunner(
        dataclasses.replace(SETTINGS, policy=f"fakes:{policy}", **changes), Unwatched()
    )


def run(policy, seed=0, **changes):
    return runner(policy, **changes).run(WorkUnit("sums", seed, "nominal"))


def test_a_record_has_all_keys_and_the_executed_actions_reproduce_it():
    finished = run("Adder", seed=4)
    record = finished.record
    assert tuple(record) == RECORD_KEYS
    env = fakes.make_fake_env("sums")
    env.reset(seed=4)
    for action in finished.actions:
        _, _, _, _, info = env.step(action)
    assert env.state_sha256() == record["state_sha256"]
    assert info["success_once"] == record["success_once"]
    assert record["steps"] == len(finished.actions)
    assert finished.actions.dtype == np.float32


def test_an_episode_does_not_depend_on_those_before():
    one = runner("Adder")
    many = [one.run(WorkUnit("sums", seed, "nominal")).record for seed in (3, 1, 2)]
    alone = run("Adder", seed=2).record
    assert {**many[2], "wall_s": 0} == {**alone, "wall_s": 0}


def test_it_goes_on_after_success_and_tells_whether_it_lasts():
    record = run("Eager").record  # successful in step 2, spoiled from step 3 on
    assert (record["success_once"], record["success_at_end"]) == (True, False)
    assert record["steps"] == 2 + SETTINGS.after_success_steps


def test_no_steps_after_success_end_the_episode_at_once():
    record = run("Eager", after_success_steps=0).record
    assert (record["success_once"], record["success_at_end"], record["steps"]) == (True, True, 2)


def test_a_failure_ends_the_episode():
    record = run("Quitter").record
    assert (record["failure"], record["steps"], record["error"]) == ("gave up", 2, None)


def test_the_time_limit_ends_the_episode():
    record = run("Adder", policy_config={"chunk": 5}, after_success_steps=1000).record
    assert record["steps"] == fakes.STEP_LIMIT


def test_pictures_are_taken_for_the_last_action_of_a_chunk_only():
    fakes.Looker.seen = ()
    run("Looker", policy_config={"chunk": 4}, after_success_steps=1000)
    assert fakes.Looker.seen == (0, 1, 2)


def test_pictures_are_taken_where_a_history_reaches_back_to():
    fakes.Looker.seen = ()
    run("Historian", policy_config={"chunk": 6}, after_success_steps=1000)
    # Of six steps, the first is seen by nobody. The fake counts the pictures taken so far.
    assert [list(seen) for seen in fakes.Looker.seen] == [[0, 0, 0], [1, 3, 5]]


@pytest.mark.parametrize(
    ("fault", "error", "steps"),
    [
        ("raise", r"^KeyError: 'lost my.* \.\.\. \(fakes\.py:\d+ in do_raise\)$", 3),
        ("nan", "^act returned in row 1: action has .*nan", 4),
        ("inf", "^act returned in row 1: action has .*inf", 4),
        ("range", "^act returned in row 0: action has .*7.5", 3),
        ("shape", r"^act returned shape \(2, 3\), expected \(T, 2\)", 3),
        ("flat", r"^act returned shape \(2,\), expected \(T, 2\)", 3),
        ("empty", r"^act returned shape \(0, 2\), expected \(T, 2\)", 3),
        ("text", "^act returned <U1, expected numbers", 3),
        ("reset", r"^RuntimeError: no reset today \(fakes\.py:\d+ in reset\)$", 0),
    ],
)
def test_what_a_policy_does_wrong_is_the_error_of_that_episode(fault, error, steps):
    faulty = runner("Faulty", policy_config={"fault": fault, "seeds": [1]})
    records = [faulty.run(WorkUnit("sums", seed, "nominal")).record for seed in range(3)]
    assert [record["error"] is None for record in records] == [True, False, True]
    wrong = records[1]
    assert re.search(error, wrong["error"])
    assert "\n" not in wrong["error"]
    assert len(wrong["error"]) <= 500
    assert not wrong["success_once"]
    assert not wrong["success_at_end"]
    assert wrong["steps"] == steps
    sane = run("Adder", seed=2).record
    assert {**records[2], "wall_s": 0} == {**sane, "wall_s": 0}


def test_a_success_before_an_error_does_not_count():
    record = run("Spoiler").record
    assert record["checks"] == {"enough": True}
    assert record["error"].startswith("RuntimeError: spoiled")
    assert (record["success_once"], record["success_at_end"]) == (False, False)


def test_a_bug_of_the_environment_is_raised():
    with pytest.raises(KeyError, match="a bug of ours"):
        runner("Adder").run(WorkUnit("broken", 0, "nominal"))


@pytest.mark.parametrize(
    ("policy", "config", "message"),
    [
        ("fakes:Unbuildable", {}, r"OSError: weights are missing \(fakes\.py"),
        ("fakes:Adder", {"chunks": 1}, "chunks"),
        ("fakes:Ader", {}, "did you mean Adder"),
        ("fakes:FakeEnv", {}, "is not a"),
        ("expart", {}, "did you mean expert"),
    ],
)
def test_a_policy_that_cannot_be_built_is_refused(policy, config, message):
    with pytest.raises(PolicyRefusedError, match=message):
        EpisodeRunner(
            dataclasses.replace(SETTINGS, policy=policy, policy_config=config), Unwatched()
        )


def test_a_policy_that_observes_what_there_is_not_is_refused():
    with pytest.raises(PolicyRefusedError, match="unknown camera 'no_such_camera'"):
        runner("Blind").describe()


def test_the_policys_seed_is_the_episodes_and_the_same_under_all_conditions():
    seeds = {policy_seed(task, seed) for task in "ab" for seed in (0, 1)}
    assert len(seeds) == 4
    assert all(0 <= seed < 2**63 for seed in seeds)
    conditions = {name: Condition(name, {}) for name in ("x", "y")}
    made = runner("Adder", conditions=conditions)
    one, other = (made.run(WorkUnit("sums", 3, name)) for name in conditions)
    assert np.array_equal(one.actions, other.actions), "twins share their noise"


def test_a_record_has_what_was_drawn_and_a_score():
    clean = Condition("nominal", {})
    moved = Condition("moved", {"clutter": 2}, twin="nominal", factor="clutter", level=2)
    made = runner("Adder", conditions={"nominal": clean, "moved": moved})
    records = [made.run(WorkUnit("sums", 3, name)).record for name in ("nominal", "moved")]
    assert [record["variations"] for record in records] == [{}, {"clutter": 2}]
    scores = {run("Adder", seed=seed).record["score"] for seed in range(8)}
    successes = {run("Adder", seed=seed).record["success_once"] for seed in range(8)}
    assert (5 in scores) == (True in successes)
    assert len(scores) > 1


def test_the_score_counts_whole_fifths_of_the_greatest_progress():
    assert [behaviour_score(False, p) for p in (0.0, 0.19, 0.2, 0.79, 1.0)] == [0, 0, 1, 3, 4]
    assert behaviour_score(True, 0.0) == 5
