"""Trainings that draw their frames by weights."""

import json
import signal
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from augment.baselines.color_jitter import ColorJitter
from augment.generation import generate, listed_prompts
from augment.judging import QUALITY
from envs.demonstrations.dataset import Dataset
from learning.curve import read_curve
from learning.errors import TrainingError
from policies.imitation.checkpoint import Checkpoint
from policies.training.resampling import PAGE, WEIGHTS
from policies.training.trainers import SamplingSettings

OFTEN = {"warmup_steps": 2, "refresh_every": 2}
CLOCKED = ("wall_s", "samples_per_s", "loading")


def adamix(name="adamix", config=(), **changes):
    return SamplingSettings(name, {**OFTEN, **dict(config)}, **changes)


def curve(outcome):
    rows = read_curve(outcome.files["curve"])
    return [{key: row[key] for key in row if key not in CLOCKED} for row in rows]


def weights(outcome):
    return load_file(outcome.files["last"] / "model.safetensors")


@pytest.fixture(scope="module")
def generated(demonstrations, tmp_path_factory):
    folder = tmp_path_factory.mktemp("generated") / "data"
    source = Dataset(demonstrations)
    prompts, tasks = listed_prompts(["red"]), source.info.tasks
    generate(source, tasks, ColorJitter(), {}, prompts, 1, 0, folder, lambda done, total: None)
    return folder


def test_hard_demonstrations_are_weighted_and_shown(training, tmp_path):
    outcome, lines = training(sampling=adamix())
    shares = [row.get("effective_share") for row in curve(outcome)]
    # New weights after steps 2, 4, .. 10; the training has 12.
    assert [share is not None for share in shares] == [step % 2 == 0 for step in range(1, 12)] + [
        False
    ]
    assert all(0.5 <= share <= 1 for share in shares if share is not None)
    assert any("new weights: effective share" in line for line in lines)
    page = (tmp_path / "run" / PAGE).read_text()
    assert page.count("data:image/jpeg;base64,") == 4  # two demonstrations, hardest and easiest
    assert ">000000<" in page
    drawn = json.loads((tmp_path / "run" / WEIGHTS).read_text())
    assert [Path(path).name for path in drawn] == ["000000.h5", "000001.h5"]
    assert sum(drawn.values()) == pytest.approx(1)
    assert len(set(drawn.values())) == 2
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert config["sampling"]["sampler"] == "adamix"
    assert (config["sampling"]["strength"], config["sampling"]["refresh_every"]) == (10.0, 2)


@pytest.mark.parametrize("loader_workers", [0, 1])
@pytest.mark.parametrize("per", ["trajectory", "frame"])
def test_one_that_was_interrupted_has_the_curve_of_one_that_was_not(
    training, tmp_path, monkeypatch, per, loader_workers
):
    sampling = adamix(config={"per": per})
    whole, _ = training(folder=tmp_path / "whole", sampling=sampling)

    from policies.training import demonstration_loop

    evaluate = demonstration_loop.DemonstrationLoop.evaluate

    def evaluate_and_stop(loop, step, measured):
        if step == 5:
            signal.raise_signal(signal.SIGINT)
        return evaluate(loop, step, measured)

    with monkeypatch.context() as patch:
        patch.setattr(demonstration_loop.DemonstrationLoop, "evaluate", evaluate_and_stop)
        first, _ = training(sampling=sampling, loader_workers=loader_workers)
    assert (first.steps, first.interrupted) == (5, True)
    second, lines = training(sampling=sampling, loader_workers=loader_workers)
    assert "going on from step 5" in lines[0]
    assert curve(second) == curve(whole)
    assert all(torch.equal(weights(second)[name], each) for name, each in weights(whole).items())


def test_a_strength_of_1_is_uniform(training, tmp_path):
    one, _ = training(sampling=adamix(config={"strength": 1}))
    uniform, _ = training(sampling=adamix("uniform"), folder=tmp_path / "uniform")
    ten, _ = training(sampling=adamix(config={"floor": 0.0}), folder=tmp_path / "ten")
    assert [row["loss"] for row in curve(one)] == [row["loss"] for row in curve(uniform)]
    assert [row["loss"] for row in curve(one)] != [row["loss"] for row in curve(ten)]


@pytest.mark.parametrize("name", ["per", "group_dro", "adamix_shuffled"])
def test_rivals_train(training, name):
    outcome, _ = training(sampling=adamix(name))
    assert outcome.steps == 12
    assert min(row.get("effective_share", 1.0) for row in curve(outcome)) < 1


def test_remix_compares_with_a_reference(training, tmp_path):
    reference, _ = training(sampling=adamix("uniform"), folder=tmp_path / "reference")
    sampling = adamix("remix", reference=reference.files["last"])
    assert training(sampling=sampling)[0].steps == 12


def test_generated_demonstrations_are_learned_from_in_their_share(training, generated, tmp_path):
    outcome, _ = training(
        generated=generated, sampling=adamix("uniform", {"exact": True}, generated_share=0.25)
    )
    checkpoint = Checkpoint.load(outcome.files["last"])
    assert checkpoint.dataset["parts"] == [{"episodes": 2, "variations": {}}]
    assert checkpoint.dataset["generated"]["parts"] == [{"episodes": 2, "variations": {}}]
    alone, _ = training(folder=tmp_path / "alone")
    assert curve(outcome)[-1]["epoch"] == pytest.approx(curve(alone)[-1]["epoch"] / 2)
    none, _ = training(
        generated=generated, sampling=adamix("uniform", generated_share=0), folder=tmp_path / "no"
    )
    only, _ = training(sampling=adamix("uniform"), folder=tmp_path / "only")
    assert curve(none)[0]["loss"] == pytest.approx(curve(only)[0]["loss"], rel=0.2)


def test_generated_ones_that_were_dropped_are_left_out(training, generated, tmp_path):
    quality = generated / QUALITY
    quality.write_text(json.dumps({"dropped": {"tool_adjust": [1]}}))
    try:
        fewer, _ = training(generated=generated)
        sampling = SamplingSettings(filtered=False)
        every, _ = training(generated=generated, sampling=sampling, folder=tmp_path / "every")
    finally:
        quality.unlink()
    parts = [
        Checkpoint.load(each.files["last"]).dataset["generated"]["parts"] for each in (fewer, every)
    ]
    assert parts == [[{"episodes": 1, "variations": {}}], [{"episodes": 2, "variations": {}}]]


def test_recorded_demonstrations_are_not_generated_ones(training, demonstrations):
    with pytest.raises(TrainingError, match="these are recorded demonstrations"):
        training(generated=demonstrations)


@pytest.mark.parametrize(
    ("sampling", "words"),
    [
        (SamplingSettings("adamx"), "unknown sampler 'adamx'; did you mean adamix"),
        (SamplingSettings(config={"floor": 0}), "sampler_config needs a sampler that draws"),
        (SamplingSettings(generated_share=0.5), "generated_share needs a sampler that draws"),
        (adamix(config={"florr": 0}), "unknown sampler_config.florr; did you mean floor"),
        (adamix(config={"strength": 0.5}), "strength=0.5: expected a number >= 1"),
        (adamix(generated_share=0.5), "there are no generated trajectories"),
        (SamplingSettings("remix"), "reference=None: sampler=remix needs one"),
    ],
    ids=["name", "config", "share", "key", "value", "no_generated", "reference"],
)
def test_what_cannot_be_had_is_said(training, tmp_path, sampling, words):
    with pytest.raises(TrainingError, match=words):
        training(sampling=sampling)
    assert not (tmp_path / "run").exists()
