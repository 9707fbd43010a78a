import dataclasses
import json

import pytest

from emma_gym.collect_command import settings_from as collected
from emma_gym.command_line import compose_options
from emma_gym.reproduction.catalog import experiment_names, load_experiment
from emma_gym.reproduction.folders import Folders
from emma_gym.reproduction.stages import stages
from emma_gym.training_options import settings_from
from policies.training.resampling import check

EXPERIMENT = dataclasses.replace(
    load_experiment("sem_table2", "small").of_rows(["sem", "sem_ext1_20", "sem_ext0_100_ext1_20"]),
    tasks=("tool_adjust",),
    episodes=5,
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


def test_what_acts_otherwise_shares_the_training(folders):
    experiment = dataclasses.replace(load_experiment("sem_table6", "small"), tasks=("tool_adjust",))
    todo = stages(experiment, folders)
    assert [stage.kind for stage in todo] == ["collect", "train", "evaluate", "evaluate"]
    usual, otherwise = todo[2:]
    assert (
        usual.options[1]
        == otherwise.options[1]
        == f"policy_config.checkpoint={todo[1].folder}/last"
    )
    assert "policy_config.standardized=false" in otherwise.options
    assert usual.folder != otherwise.folder
    assert {*usual.keeps.values()}.isdisjoint(otherwise.keeps.values())


@pytest.mark.parametrize("name", experiment_names())
def test_options_are_those_of_the_commands(folders, name):
    for stage in stages(load_experiment(name, "small"), folders):
        file = "train_demonstrations" if stage.kind == "train" else stage.kind
        options = compose_options(file, stage.options)
        if stage.kind == "train":
            check(settings_from(stage.options).sampling)
        if stage.kind == "collect":
            collected(options)


def test_generated_demonstrations_are_made_and_judged_before_they_are_learned_from(folders):
    kinds = {}
    experiment = load_experiment("emma_visual", "small").of_rows(["emma_unfiltered", "emma_fixmix"])
    todo = stages(dataclasses.replace(experiment, training_seeds=(0,)), folders)
    for stage in todo:
        kinds.setdefault(stage.kind, []).append(stage)
    assert {kind: len(each) for kind, each in kinds.items()} == {
        **{"collect": 1, "generate": 1, "judge": 1, "train": 2, "evaluate": 2}
    }
    (collect,), (generate,), (judge,) = (kinds[kind] for kind in ("collect", "generate", "judge"))
    assert "training=emma_visual/one_appearance_100" in collect.options
    assert f"dataset={collect.folder}" in generate.options
    assert f"dataset={generate.folder}" in judge.options
    unfiltered, filtered = kinds["train"]
    assert {"generated_filter=false", f"generated={generate.folder}"} <= {*unfiltered.options}
    assert {"generated_filter=true", f"generated={generate.folder}"} <= {*filtered.options}
    assert judge.name not in unfiltered.after
    assert judge.name in filtered.after


def test_a_reference_is_trained_first(folders):
    experiment = load_experiment("emma_adamix_vs_fixmix", "small").of_rows(["emma_remix"])
    todo = stages(dataclasses.replace(experiment, training_seeds=(0,)), folders)
    reference, train = (stage for stage in todo if stage.kind == "train")
    assert reference.name == "train emma_fixmix on container_place, seed 0"
    assert reference.name in train.after
    assert f"reference={reference.folder / 'last'}" in train.options


def test_a_reference_that_is_trained_again_leaves_what_is_kept_of_it(folders):
    experiment = load_experiment("emma_adamix_vs_fixmix", "small")
    experiment = experiment.of_rows(["emma_fixmix", "emma_remix"])
    experiment = dataclasses.replace(experiment, training_seeds=(0,), episodes=5)
    fixmix = experiment.rows[0]

    def kept_of_training():
        todo = stages(experiment, folders)
        return next(each for each in todo if each.name.startswith("train emma_fixmix")).keeps

    assert sorted(kept_of_training()) == ["config.yaml", "curve.csv"]
    path = folders.result(experiment, fixmix, "container_place", 0)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"summary": {"tasks": [{"episodes": 5}]}}))
    assert not kept_of_training()
    path.write_text(json.dumps({"summary": {"tasks": [{"episodes": 4}]}}))
    assert kept_of_training()  # is evaluated anew, with this training


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
