import logging

import pytest
from example_result import condition, episode, episodes_of, failed, sweep_conditions

from eval_protocols.video_selection import choose_episodes

CLEAN = condition("clean")


def named(chosen):
    return [(each["task"], each["condition"], each["seed"]) for each in chosen]


def choose(episodes, conditions, per_task, **options):
    return named(choose_episodes(episodes, conditions, "success_once", per_task, **options))


def test_without_twins_failures_come_first():
    episodes = [
        *episodes_of("a", "nominal", [True, True, False]),
        *episodes_of("b", "nominal", [1]),
    ]
    assert choose(episodes, [condition("nominal")], 2) == [
        ("a", "nominal", 2),
        ("b", "nominal", 0),
        ("a", "nominal", 0),
    ]
    assert choose(episodes, [condition("nominal")], 0) == []


def test_a_pair_shows_what_the_worst_condition_broke():
    conditions = sweep_conditions()
    episodes = episodes_of("a", "clean", [False, True, True])
    for each in conditions[1:]:
        broken = each["name"] == "camera_azimuth_3"
        episodes += episodes_of("a", each["name"], [False, True, not broken])
    assert choose(episodes, conditions, 1) == [("a", "clean", 2), ("a", "camera_azimuth_3", 2)]


def test_the_next_pair_shows_another_factor_on_the_same_seed():
    conditions = sweep_conditions()
    episodes = episodes_of("a", "clean", [True, True])
    for each in conditions[1:]:
        lost = each["factor"] == "camera_azimuth" or each["level"] >= 4
        episodes += episodes_of("a", each["name"], [not lost, not lost])
    assert choose(episodes, conditions, 2) == [
        ("a", "clean", 0),
        ("a", "camera_azimuth_5", 0),
        ("a", "camera_roll_5", 0),
    ]


def test_where_nothing_fails_the_strongest_level_is_shown():
    conditions = sweep_conditions()
    episodes = [episode("a", 1, condition=each["name"]) for each in conditions]
    assert choose(episodes, conditions, 1) == [("a", "clean", 1), ("a", "camera_azimuth_5", 1)]


def test_an_episode_without_its_twin_makes_no_pair():
    conditions = [CLEAN, condition("dark", "clean", factor="light")]
    episodes = [episode("a", 1, condition="clean"), failed("a", 2, condition="dark")]
    assert choose(episodes, conditions, 3) == []


def test_a_sweep_of_all_tasks_stays_few_videos():
    conditions = sweep_conditions([f"factor_{number}" for number in range(5)])
    episodes = [
        failed(f"task_{task}", seed, condition=each["name"])
        for each in conditions
        for task in range(19)
        for seed in range(3)
    ]
    assert len(conditions) == 26
    assert len(choose(episodes, conditions, 1)) == 2 * 19


@pytest.mark.parametrize("limit", [4, 5])
def test_the_limit_takes_from_every_task_in_turn(limit, caplog):
    conditions = [CLEAN, condition("dark", "clean", factor="light")]
    episodes = [
        record
        for task in "ab"
        for record in (
            *episodes_of(task, "clean", [True] * 3),
            *episodes_of(task, "dark", [False] * 3),
        )
    ]
    with caplog.at_level(logging.WARNING):
        chosen = choose(episodes, conditions, 3, limit=limit)
    # Half a pair is of no use.
    assert [task for task, _, _ in chosen] == ["a", "a", "b", "b"]
    assert f"4 of 12 videos are made: no more than {limit}" in caplog.text
