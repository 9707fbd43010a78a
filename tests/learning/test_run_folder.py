import errno
from pathlib import Path

import pytest
import yaml

from learning.errors import TrainingError
from learning.run_folder import begin, holds

DESCRIBED = {"seed": 0, "optimization": {"steps": 3}}


def test_a_training_is_told_from_another(tmp_path):
    folder = tmp_path / "run"
    assert not holds(folder, DESCRIBED)
    begin(folder, DESCRIBED, results=())
    assert holds(folder, DESCRIBED)
    with pytest.raises(TrainingError, match=r"optimization\.steps=3, not 5"):
        holds(folder, {**DESCRIBED, "optimization": {"steps": 5}})


def test_a_beginning_deletes_what_a_training_wrote_and_nothing_else(tmp_path):
    begin(tmp_path, DESCRIBED, results=())
    for name in ("checkpoints", "tensorboard", "last", "notes"):
        (tmp_path / name).mkdir()
    (tmp_path / "curve.csv").write_text("step\n1\n")
    begin(tmp_path, DESCRIBED, results=("best", "last"))
    assert {path.name for path in tmp_path.iterdir()} == {"config.yaml", "notes"}


@pytest.mark.parametrize("name", ["checkpoints", "tensorboard", "last", "curve.csv", "config.yaml"])
def test_files_that_are_no_trainings_are_refused_and_stay(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "mine").write_text("mine")
    with pytest.raises(TrainingError, match=f"no training but other files, such as {name}: name"):
        begin(tmp_path, DESCRIBED, results=("best", "last"))
    assert [path.name for path in tmp_path.rglob("*")] == [name, "mine"]


def test_the_config_of_another_program_is_no_trainings(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("model: mine\nseed: 1\n")
    with pytest.raises(TrainingError, match="seed=1, not 0; name another output_dir, or empty"):
        holds(tmp_path, DESCRIBED)
    with pytest.raises(TrainingError, match=r"no training but other files, such as config\.yaml"):
        begin(tmp_path, DESCRIBED, results=())
    assert config.read_text() == "model: mine\nseed: 1\n"


def test_a_folder_with_other_names_is_used(tmp_path):
    (tmp_path / "notes").write_text("mine")
    begin(tmp_path, DESCRIBED, results=("last",))
    assert {path.name for path in tmp_path.iterdir()} == {"config.yaml", "notes"}
    assert yaml.safe_load((tmp_path / "config.yaml").read_text()) == DESCRIBED


@pytest.mark.parametrize("content", [b"", b"- 1\n", b"word", b"a: [", b"\xff", b"a: 2026-99-99"])
def test_a_config_that_is_no_mapping_is_answered_in_one_line(tmp_path, content):
    (tmp_path / "config.yaml").write_bytes(content)
    with pytest.raises(
        TrainingError, match=r"config\.yaml describes no training: name .*$"
    ) as caught:
        holds(tmp_path, DESCRIBED)
    assert "\n" not in str(caught.value)


def test_a_full_disk_leaves_no_part_of_a_config(tmp_path, monkeypatch):
    def full(path, text, **options):
        path.write_bytes(text.encode()[:5])
        raise OSError(errno.ENOSPC, "the disk is full")

    begin(tmp_path, DESCRIBED, results=())
    before = (tmp_path / "config.yaml").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match="full"):
            begin(tmp_path, {"seed": 1}, results=())
    assert (tmp_path / "config.yaml").read_bytes() == before
    begin(tmp_path, {"seed": 1}, results=())
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


def test_a_deletion_that_was_killed_is_completed(tmp_path, monkeypatch):
    def killed(path):
        raise KeyboardInterrupt

    begin(tmp_path, DESCRIBED, results=())
    for name in ("checkpoints", "last"):
        (tmp_path / name).mkdir()
    with monkeypatch.context() as patch:
        patch.setattr("learning.run_folder.shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            begin(tmp_path, DESCRIBED, results=("last",))
    begin(tmp_path, DESCRIBED, results=("last",))
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]
