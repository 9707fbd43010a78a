import dataclasses
import json

import pytest

from emma_gym.command_line import compose_options
from emma_gym.reproduction.catalog import load_experiment
from emma_gym.reproduction.stages import Folders, stages

EXPERIMENT = dataclasses.replace(
    load_experiment("sem_table2", "small"), tasks=("tool_adjust",), episodes=5
)


@pytest.fixture
def folders(tmp_path):
    return Folders(tmp_path / "runs", tmp_path / "results")


def keep(folders, row, episodes, conditions=("ext0", "ext1")):
    path = folders.result(EXPERIMENT, row, "tool_adjust", 0)
    path.parent.mkdir(parents=True)
    cells = [{"condition": name, "episodes": episodes} for name in conditions]
    path.write_text(json.dumps({"summary": {"tasks": cells}}))


def test_everything_comes_after_what_it_needs(folders):
    todo = stages(EXPERIMENT, folders)
    assert [stage.kind for stage in todo] == ["collect", "train", "evaluate"] * 3
    for place, stage in enumerate(todo):
        assert {*stage.after} <= {before.name for before in todo[:place]}
    assert len({stage.folder for stage in todo}) == len(todo)


def test_options_are_those_of_the_commands(folders):
    files = {"collect": "collect", "train": "train_demonstrations", "evaluate": "evaluate"}
    for stage in stages(EXPERIMENT, folders):
        compose_options(files[stage.kind], stage.options)


def test_demonstrations_are_collected_once(folders):
    table = load_experiment("sem_table1", "small")
    kinds = [stage.kind for stage in stages(table, folders)]
    assert kinds.count("collect") == len(table.tasks)
    assert kinds.count("train") == len(table.tasks) * len(table.rows)


def test_a_training_serves_all_its_evaluations(folders):
    first, *_ = EXPERIMENT.rows
    both = (first, dataclasses.replace(first, protocol="camera_intrinsic"))
    todo = stages(dataclasses.replace(EXPERIMENT, rows=both), folders)
    assert [stage.kind for stage in todo] == ["collect", "train", "evaluate", "evaluate"]
    assert len({stage.folder for stage in todo}) == 4


def test_what_is_kept_is_not_made_again(folders):
    first, second, third = EXPERIMENT.rows
    keep(folders, first, 5)
    todo = stages(EXPERIMENT, folders)
    assert {"sem", "sem_ext1_20"} & {stage.name.split()[1] for stage in todo} == {"sem_ext1_20"}
    keep(folders, second, 5)
    keep(folders, third, 5)
    assert stages(EXPERIMENT, folders) == []


def test_results_of_fewer_episodes_are_not_enough(folders):
    keep(folders, EXPERIMENT.rows[0], 4)
    assert len(stages(EXPERIMENT, folders)) == 9


def test_estimates_grow_with_episodes(folders):
    def minutes(episodes):
        asked = dataclasses.replace(EXPERIMENT, episodes=episodes)
        return {stage.name: stage.minutes for stage in stages(asked, folders)}

    few, many = minutes(10), minutes(20)
    for name in few:
        assert many[name] == (2 if name.startswith("evaluate") else 1) * few[name]
    full = load_experiment("sem_table2", "full")
    assert {stage.minutes for stage in stages(full, folders)} == {None}
