import dataclasses
import json

import pytest

from emma_gym.reproduction.catalog import load_experiment
from emma_gym.reproduction.folders import Folders
from emma_gym.reproduction.kept_results import is_there, outdated
from eval_protocols.protocol import load_protocol
from learning.configuration import as_mapping
from policies.imitation.methods import preset

EXPERIMENT = dataclasses.replace(
    load_experiment("emma_visual", "small").of_rows(["emma_fixmix", "emma_adamix"]),
    training_seeds=(0,),
    episodes=5,
)
CAMERAS = {"cameras": ["head_camera", "left_camera", "right_camera"]}
SAMPLING = {
    "sampler": "uniform",
    "generated_share": 0.5,
    **{"per": "trajectory", "warmup_steps": 200, "refresh_every": 200, "floor": 0.05},
    **{"max_ratio": 100.0, "exact": True, "collapse_tolerance": 2.0, "collapse_patience": 2},
    "generated_filter": True,
}


@pytest.fixture
def folders(tmp_path):
    return Folders(tmp_path / "runs", tmp_path / "results")


def result(protocol=None, training="one_appearance_100_generated_100", **sampling):
    method, optimization = preset("act", "small", CAMERAS)
    block = {"name": "emma_visual", "version": 1, "sha256": load_protocol("emma_visual").sha256}
    trained = {
        "optimization": as_mapping(optimization) | {"steps": 1500},
        "sampling": SAMPLING | sampling,
    }
    return {
        "protocol": block | (protocol or {}),
        "policy": {"config": {"method": "act", "config": as_mapping(method), "training": trained}},
        "training": {"name": training, "seed": 0},
        "summary": {"tasks": [{"episodes": 5}] * 5},
    }


def keep(folders, content, row=EXPERIMENT.rows[0]):
    path = folders.result(EXPERIMENT, row, "container_place", 0)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(content))
    return path


def test_what_is_asked_for_is_not_outdated(folders):
    assert outdated(EXPERIMENT, folders) == []
    path = keep(folders, result())
    assert is_there(path, 5)
    assert outdated(EXPERIMENT, folders) == []


def changed(*path, value):
    content = result()
    at = content["policy"]["config"]
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return content


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (result(protocol={"sha256": "f" * 64}), "another emma_visual (version 1) than version 3;"),
        (
            result(training="one_appearance_100"),
            "training=one_appearance_100, not one_appearance_100_",
        ),
        (result(generated_share=0.25), "sampling.generated_share=0.25, not 0.5;"),
        (result(exact=False), "sampling.exact=false, not true;"),
        (result(floor=0.5), "sampling.floor=0.5, not 0.05;"),
        (result(generated_filter=False), "generated_filter=false, not true;"),
        (changed("training", "optimization", "steps", value=7), "optimization.steps=7, not "),
        (changed("config", "chunk", value=1), "config.chunk=1, not "),
        (changed("config", "older", value=1), "config.older=1, not null;"),
        (changed("method", value="dp"), 'method="dp", not "act";'),
        (changed("training", "sampling", value={"sampler": "per"}), 'sampler="per", not "uniform"'),
    ],
)
def test_a_result_of_something_else_says_what_differs_and_what_to_delete(folders, content, words):
    path = keep(folders, content)
    (line,) = outdated(EXPERIMENT, folders)
    assert line.startswith(f"{path} has ")
    assert words in line
    assert "\n" not in line
    run = folders.run(EXPERIMENT, "emma_fixmix", "container_place", 0)
    assert "to make it anew, delete it" in line
    assert f" {run / 'emma_visual'}" in line
    assert line.endswith(f" and {run / 'training'}") == ("another emma_visual" not in words)


def test_what_is_not_to_be_filtered_is_not(folders):
    unfiltered = load_experiment("emma_visual", "small").of_rows(["emma_unfiltered"])
    unfiltered = dataclasses.replace(unfiltered, training_seeds=(0,), episodes=5)
    path = keep(folders, result(generated_filter=False), unfiltered.rows[0])
    assert outdated(unfiltered, folders) == []
    path.write_text(json.dumps(result()))
    assert "generated_filter=true, not false" in outdated(unfiltered, folders)[0]


def test_a_sampler_of_the_same_data_is_another_training(folders):
    keep(folders, result(), row=EXPERIMENT.rows[1])
    (line,) = outdated(EXPERIMENT, folders)
    assert 'sampling.sampler="uniform", not "adamix"' in line


def test_one_of_other_episodes_is_made_anew_anyway(folders):
    path = keep(folders, result(exact=False) | {"summary": {"tasks": [{"episodes": 4}] * 5}})
    assert not is_there(path, 5)
    assert outdated(EXPERIMENT, folders) == []


def test_another_reference_is_another_training(folders):
    remix = load_experiment("emma_adamix_vs_fixmix", "small").of_rows(["emma_fixmix", "emma_remix"])
    remix = dataclasses.replace(remix, training_seeds=(0,), episodes=5)
    own = {"sampler": "remix", "eta": 0.5, "smoothing": 0.05, "reference_sha256": "a" * 64}
    keep(folders, result(**own), remix.rows[1])
    assert outdated(remix, folders) == []
    reference = result()
    reference["policy"]["weights_sha256"] = "a" * 64
    path = keep(folders, reference, remix.rows[0])
    assert outdated(remix, folders) == []
    reference["policy"]["weights_sha256"] = "b" * 64
    path.write_text(json.dumps(reference))
    (line,) = outdated(remix, folders)
    assert "other weights as its reference than" in line
