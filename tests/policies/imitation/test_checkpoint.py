import json
import shutil

import pytest
import torch
from tiny_method.method import Tiny, TinyConfig

from learning.configuration import as_mapping
from policies.imitation.checkpoint import CONFIG_NAME, MODEL_NAME, Checkpoint, CheckpointError

DATASET = {"parts": [{"episodes": 2, "variations": {}}]}


def saved(folder, **config):
    torch.manual_seed(0)
    method = Tiny(TinyConfig(**config))
    checkpoint = Checkpoint(
        "tiny_method.method:Tiny",
        as_mapping(method.config),
        "tool_adjust",
        DATASET,
        {"seed": 0, "step": 5},
        method.state_dict(),
    )
    return method, checkpoint.save(folder)


def test_it_comes_back_as_it_was(tmp_path):
    method, sha256 = saved(tmp_path / "last", width=7)
    found = Checkpoint.load(tmp_path / "last")
    assert found.sha256 == sha256
    assert found.dataset == DATASET
    assert found.versions["torch"] == torch.__version__.partition("+")[0] or found.versions["torch"]
    again = found.build()
    assert not again.training
    assert not any(each.requires_grad for each in again.parameters())
    assert again.config == method.config
    state = again.state_dict()
    assert all(torch.equal(each, state[name]) for name, each in method.state_dict().items())


def test_the_same_weights_have_the_same_hash(tmp_path):
    assert saved(tmp_path / "a")[1] == saved(tmp_path / "b")[1] != saved(tmp_path / "c", width=7)[1]


def test_an_interrupted_replacement_is_found(tmp_path):
    _, sha256 = saved(tmp_path / "last")
    (tmp_path / "last").rename(tmp_path / "last.old")
    assert Checkpoint.load(tmp_path / "last").sha256 == sha256


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: shutil.rmtree(folder), "is no checkpoint folder: it has no config.json"),
        (lambda folder: (folder / MODEL_NAME).unlink(), "it has no model.safetensors"),
        (lambda folder: (folder / MODEL_NAME).write_bytes(b"x"), "not the file that its config"),
        (lambda folder: (folder / CONFIG_NAME).write_text("{"), "cannot read"),
        (lambda folder: (folder / CONFIG_NAME).write_bytes(b"\xff"), "cannot read"),
        (lambda folder: (folder / CONFIG_NAME).write_text("[]"), "has not the format"),
        (lambda folder: edit(folder, format="emma_gym-sb3-1"), "has not the format"),
        (lambda folder: edit(folder, dataset=3), "is damaged"),
        (lambda folder: edit(folder, config={"widht": 3}), "unknown method.widht"),
        (lambda folder: edit(folder, config={"width": 3}), "none of this .*size mismatch"),
        (lambda folder: edit(folder, method="dq"), "unknown method 'dq'"),
        (lambda folder: edit(folder, method="json:dumps"), "is no ImitationMethod"),
    ],
)
def test_what_is_wrong_with_it_is_told_in_one_line(change, message, tmp_path):
    folder = tmp_path / "run"
    saved(folder)
    change(folder)
    with pytest.raises(CheckpointError, match=message) as caught:
        Checkpoint.load(folder).build()
    assert "\n" not in str(caught.value)


def edit(folder, **changes):
    config = json.loads((folder / CONFIG_NAME).read_text())
    (folder / CONFIG_NAME).write_text(json.dumps(config | changes))
