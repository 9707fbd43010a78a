import sys

import numpy as np
from PIL import Image

from envs.objects import gallery


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["gallery", *map(str, arguments)])
    return gallery.main()


def test_a_sheet_shows_every_instance(renderer, monkeypatch, tmp_path):
    path = tmp_path / "sheet.png"
    assert run(monkeypatch, "cabinet", "--output", path, "--pixels", "24") == 0
    sheet = np.asarray(Image.open(path), dtype=float)[:, -240:]
    assert sheet.shape == (48, 240, 3)
    cells = sheet.reshape(2, 24, 10, 24, 3).swapaxes(1, 2).reshape(20, -1)
    assert (cells.std(axis=1) > 5).all(), "something is to be seen"
    apart = np.abs(cells[:, None] - cells[None]).mean(axis=2) + np.eye(20) * 9
    assert apart.min() > 1, "no two of them look the same"


def test_an_unknown_family_names_the_nearest(renderer, monkeypatch, capsys, tmp_path):
    assert run(monkeypatch, "botle", "--output", tmp_path / "x.png") == 2
    assert "did you mean bottle" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
