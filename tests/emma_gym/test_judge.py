"""The command as people use it; what scores are worth is tested in augment/test_judging.py."""

import pytest

from emma_gym.judge import main


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "dataset=FOLDER is needed"),
        (["dataset=nowhere"], "nowhere"),
        (["dataset=nowhere", "clips=0"], "nowhere"),
        (["datset=x"], "unknown option 'datset'; did you mean dataset?"),
    ],
    ids=["none", "nowhere", "first_wrong_first", "option"],
)
def test_what_is_wrong_is_said_in_a_line(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert words in err


def test_help_names_every_option(capsys):
    assert main(["--help"]) == 0
    assert "drop_at_most=0.08" in capsys.readouterr().out
