"""What a summary says of a condition and its twin."""

import time

import pytest
from example_result import condition, episode, episodes_of, failed, sweep_conditions, sweep_result

from eval_protocols.paired_statistics import PairCounts, mcnemar_p_value, paired_difference
from eval_protocols.summary import summarize

CLEAN_AND_DARK = [condition("clean"), condition("dark", "clean", factor="light")]


def twins_of(episodes, tasks, conditions=CLEAN_AND_DARK, headline="success_once"):
    return summarize(episodes, tasks, conditions, headline)["twins"]


def test_twins_are_compared_on_the_seeds_that_both_have():
    episodes = [
        *episodes_of("a", "clean", [True, True, True, False]),
        *episodes_of("a", "dark", [True, False, True], first_seed=1),  # seeds 1, 2, 3
    ]
    overall, task = twins_of(episodes, ["a"])
    assert (overall["task"], task["task"]) == (None, "a")
    assert {**overall, "task": "a"} == task
    assert (task["condition"], task["twin"], task["pairs"]) == ("dark", "clean", 3)
    assert task["rate"] == pytest.approx(2 / 3)
    assert task["twin_rate"] == pytest.approx(2 / 3)
    counts = PairCounts(both=1, first=1, second=1, neither=0)
    assert task["difference"] == paired_difference(counts)._asdict()
    assert task["retention"] == pytest.approx(1)
    assert task["p_value"] == 1


def test_an_error_counts_as_a_failure_of_its_pair():
    episodes = [
        *episodes_of("a", "clean", [True] * 8),
        *episodes_of("a", "dark", [False] * 8, error="it broke"),
    ]
    _, task = twins_of(episodes, ["a"])
    assert task["rate"] == 0
    assert task["retention"] == 0
    assert task["difference"]["value"] == -1
    assert task["p_value"] == mcnemar_p_value(PairCounts(0, 0, 8, 0)) == pytest.approx(2 / 2**8)


def test_nothing_can_be_retained_of_nothing():
    episodes = [*episodes_of("a", "clean", [False]), *episodes_of("a", "dark", [True])]
    _, task = twins_of(episodes, ["a"])
    assert task["retention"] is None


def test_the_headline_is_what_twins_are_compared_by():
    episodes = [
        episode("a", 1, condition="clean"),
        episode("a", 1, condition="dark", success_at_end=False),
    ]
    assert twins_of(episodes, ["a"])[0]["rate"] == 1
    assert twins_of(episodes, ["a"], headline="success_at_end")[0]["rate"] == 0


def test_tasks_are_pooled_and_listed_in_order_and_left_out_without_pairs():
    episodes = [
        *episodes_of("a", "clean", [True, True]),
        *episodes_of("b", "clean", [False]),
        *episodes_of("a", "dark", [True, False]),
        *episodes_of("b", "dark", [True], first_seed=100),
    ]
    overall, task = twins_of(episodes, ["b", "a"])
    assert (overall["task"], overall["pairs"]) == (None, 2)
    assert task["task"] == "a"
    episodes = [failed("a", 1, condition="clean"), failed("a", 2, condition="dark")]
    assert twins_of(episodes, ["a"]) == []


def test_a_sweep_has_an_entry_for_each_perturbed_condition_and_task():
    result = sweep_result(seeds=10, clean=8, drop=(1, 0))
    twins = result["summary"]["twins"]
    names = [each["name"] for each in sweep_conditions()][1:]
    tasks = list(dict.fromkeys(record["task"] for record in result["episodes"]))
    assert [(twin["condition"], twin["task"]) for twin in twins] == [
        (name, task) for name in names for task in (None, *tasks)
    ]
    by_name = {twin["condition"]: twin for twin in twins if twin["task"] is None}
    assert by_name["camera_azimuth_5"]["difference"]["value"] == pytest.approx(-0.5)
    assert by_name["camera_azimuth_5"]["retention"] == pytest.approx(3 / 8)
    assert by_name["camera_roll_5"]["retention"] == 1


def test_a_large_result_is_summarized_in_seconds():
    """Whoever ranks results sent by strangers computes every summary again."""
    conditions = [
        condition("clean"),
        *(condition(f"c{index}", "clean", factor="x") for index in range(99)),
    ]
    tasks = [f"t{index}" for index in range(100)]
    episodes = [
        (episode if (seed * index) % 3 else failed)(task, seed, condition=each["name"])
        for index, each in enumerate(conditions)
        for task in tasks
        for seed in range(3)
    ]
    started = time.perf_counter()
    twins_of(episodes, tasks, conditions)  # 10,000 cells, 9,900 pairs of them
    assert time.perf_counter() - started < 10
