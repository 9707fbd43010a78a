import pytest

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
