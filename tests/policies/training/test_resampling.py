"""Trainings that draw their frames by weights."""

import hashlib
import json
import re
import signal
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from augment.adamix.weighted_order import WeightedOrder
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


def test_hard_demonstrations_are_weighted_and_shown(training, demonstrations, tmp_path):
    by_error = {"ts": 0, "jal": 0, "floor": 0.0}
    outcome, lines = training(sampling=adamix(config=by_error))
    shares = [row.get("effective_share") for row in curve(outcome)]
    # New weights after steps 2, 4, .. 10; the training has 12.
    assert [share is not None for share in shares] == [step % 2 == 0 for step in range(1, 12)] + [
        False
    ]
    assert all(0.5 <= share < 1 for share in shares if share is not None)
    # Of two demonstrations one has difficulty 0 and the other 1, however long they are.
    ratios = [row["max_min_ratio"] for row in curve(outcome) if "max_min_ratio" in row]
    assert ratios == pytest.approx([10.0] * 5)
    assert any("new weights: effective share" in line for line in lines)
    page = (tmp_path / "run" / PAGE).read_text()
    assert page.count("data:image/jpeg;base64,") == 4  # two demonstrations, hardest and easiest
    assert ">000000<" in page
    drawn = json.loads((tmp_path / "run" / WEIGHTS).read_text())
    assert [Path(path).name for path in drawn] == ["000000.h5", "000001.h5"]
    assert sum(drawn.values()) == pytest.approx(1)
    frames = [len(each) for each in Dataset(demonstrations).episodes("tool_adjust")]
    easy, hard = sorted(p / length for p, length in zip(drawn.values(), frames, strict=True))
    assert hard == pytest.approx(10 * easy)
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
    assert [row.get("max_min_ratio", 1.0) for row in curve(one)] == [1.0] * 12
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
    training(sampling=adamix("uniform"), folder=tmp_path / "reference", seed=1, resume=False)
    with pytest.raises(TrainingError, match=r"reference_sha256=.*, not "):
        training(sampling=sampling)


def test_generated_demonstrations_join_the_recorded_ones(training, generated, tmp_path):
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


@pytest.mark.parametrize("per", ["trajectory", "frame"])
@pytest.mark.parametrize("name", ["uniform", "adamix", "adamix_shuffled", "per", "group_dro"])
def test_weights_leave_generated_demonstrations_their_share(
    training, generated, monkeypatch, name, per
):
    drawn, epoch = [], WeightedOrder.epoch

    def remembered(order, number):
        found = list(epoch(order, number))
        drawn.extend(found)
        return iter(found)

    monkeypatch.setattr(WeightedOrder, "epoch", remembered)
    sampling = adamix(name, {"per": per, "exact": True}, generated_share=0.25)
    outcome, _ = training(generated=generated, sampling=sampling)
    dataset = Checkpoint.load(outcome.files["last"]).dataset
    recorded = dataset["frames"] - dataset["generated"]["frames"]
    batches = [drawn[first : first + 8] for first in range(0, 12 * 8, 8)]
    assert [sum(item >= recorded for item in batch) for batch in batches] == [2] * 12
    rows = [row for row in curve(outcome) if "generated_share" in row]
    assert [row["generated_share"] for row in rows] == pytest.approx([0.25] * 5)
    assert any(row["effective_share"] < 1 for row in rows) == (name != "uniform")


def test_without_a_share_hard_ones_are_drawn_more_often_of_whatever_kind(training, generated):
    outcome, _ = training(generated=generated, sampling=adamix(config={"floor": 0.0}))
    shares = [row["generated_share"] for row in curve(outcome) if "generated_share" in row]
    assert all(abs(share - 0.5) > 1e-4 for share in shares)  # they have as many frames


def test_a_checkpoint_says_how_its_samples_were_drawn(training, generated, tmp_path):
    sampling = adamix(generated_share=0.25, config={"strength": 3.0})
    outcome, _ = training(generated=generated, sampling=sampling, total_steps=2)
    said = Checkpoint.load(outcome.files["last"]).training["sampling"]
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert said == config["sampling"]
    expected = {"sampler": "adamix", "generated_share": 0.25, "strength": 3.0, "per": "trajectory"}
    assert expected.items() <= said.items()
    every, _ = training(total_steps=2, folder=tmp_path / "every")
    said = Checkpoint.load(every.files["last"]).training["sampling"]
    assert said == {"sampler": "epochs", "generated_filter": False}


def test_the_margin_of_joint_limits_is_a_trainings(training, tmp_path):
    for margin in (0.0, 1.5):
        training(sampling=adamix(config={"margin": margin}), resume=False)
        page = (tmp_path / "run" / PAGE).read_text()
        rows = re.findall(r'(?:<td class="num">(\S+)</td>\s*){3}<td', page)
        assert len(rows) == 4
        assert all((float(frames) > 0) == (margin > 0) for frames in rows)


def test_a_training_that_begins_anew_deletes_what_the_last_one_said_of_samples(training, tmp_path):
    training(sampling=adamix(), total_steps=4)
    assert (tmp_path / "run" / PAGE).exists()
    assert (tmp_path / "run" / WEIGHTS).exists()
    training(total_steps=2, resume=False)
    assert not (tmp_path / "run" / PAGE).exists()
    assert not (tmp_path / "run" / WEIGHTS).exists()


def test_a_training_whose_loss_diverges_falls_back_to_equal_weights(training):
    unstable = {"learning_rate": 10.0, "warmup_steps": 20, "schedule": "constant"}
    with pytest.warns(UserWarning, match="the loss has diverged"):
        outcome, lines = training(sampling=adamix(), total_steps=20, optimization=unstable)
    assert any("uniform weights, because the loss diverged" in line for line in lines)
    assert curve(outcome)[-3]["max_min_ratio"] == 1.0


def test_generated_ones_that_were_dropped_are_left_out(training, generated, tmp_path):
    quality = generated / QUALITY
    quality.write_text(json.dumps({"dropped": {"tool_adjust": [1]}}))
    try:
        fewer, lines = training(generated=generated)
        sampling = SamplingSettings(filtered=False)
        every, _ = training(generated=generated, sampling=sampling, folder=tmp_path / "every")
        sha256 = hashlib.sha256(quality.read_bytes()).hexdigest()
        quality.write_text(json.dumps({"dropped": {"tool_adjust": [1]}, "judged": "again"}))
        with pytest.raises(TrainingError, match=r"generated\.filter_sha256=.*, not "):
            training(generated=generated)
    finally:
        quality.unlink()
    assert any("1 of 2 episodes are left out by quality.json" in line for line in lines)
    said = [Checkpoint.load(each.files["last"]) for each in (fewer, every)]
    assert [each.training["sampling"]["generated_filter"] for each in said] == [True, False]
    assert [each.dataset["generated"]["filter_sha256"] for each in said] == [sha256, None]
    parts = [each.dataset["generated"]["parts"] for each in said]
    assert parts == [[{"episodes": 1, "variations": {}}], [{"episodes": 2, "variations": {}}]]


def test_generated_ones_that_nobody_judged_are_not_filtered_and_that_is_said(training, generated):
    outcome, lines = training(generated=generated)
    assert any("is not filtered: it has no quality.json" in line for line in lines)
    assert Checkpoint.load(outcome.files["last"]).training["sampling"]["generated_filter"] is False


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
