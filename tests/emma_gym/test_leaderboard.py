"""The command as people use it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from emma_gym.leaderboard import main

sys.path.append(str(Path(__file__).parents[1] / "eval_protocols"))

from example_result import example_result

from eval_protocols.results import write_result


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """Runs the command beside `ours.json` and `theirs/result.json`; status, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    write_result(Path("ours.json"), example_result(policy={"name": "ours"}))
    Path("theirs").mkdir()
    write_result(Path("theirs/result.json"), example_result(policy={"name": "[b]theirs\x1b[2J"}))

    def run(*arguments):
        status = main(arguments)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_files_and_folders_become_a_site(here):
    status, out, err = here("ours.json", "theirs", "--output", "site")
    assert (status, err) == (0, "")
    assert "1-2   50.0%   15.0 to  85.0  ours" in out
    assert "[b]theirs<U+001B>[2J" in out
    assert "site/index.html" in out
    assert json.loads(Path("site/leaderboard.json").read_text())["refused"] == []
    assert here("ours.json", "--output", "site")[0] == 0  # ours may be replaced


def test_refused_files_are_told_and_the_rest_counts(here):
    Path("theirs/bad").mkdir()
    Path("theirs/bad/result.json").write_text("{}")
    status, _, err = here("theirs", "--output", "site")
    assert status == 0
    assert err.startswith("refused theirs/bad/result.json: ")
    assert len(err.splitlines()) == 1
    status, _, err = here("theirs", "--output", "strict", "--strict")
    assert (status, Path("strict").exists()) == (1, False)
    assert err.splitlines()[-1].startswith("error: --strict, and files were refused")


def test_nothing_accepted_writes_nothing(here):
    Path("bad.json").write_text("\x1b[31m" + "x" * 100_000)
    status, out, err = here("bad.json", "--output", "site")
    assert (status, out, Path("site").exists()) == (1, "", False)
    assert "\x1b" not in err
    assert err.splitlines()[-1] == "error: no result was accepted; nothing is written"
    assert len(err) < 1000


def test_an_empty_folder_has_no_result(here):
    Path("empty").mkdir()
    assert here("empty", "--output", "site")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: RESULTS, --output"),
        (["ours.json"], "the following arguments are required: --output"),
        (["nowhere", "--output", "site"], "nowhere: no such file or folder"),
        (["ours.json", "--output", "site", "--stric"], "unrecognized arguments: --stric"),
        (["ours.json", "--output", "theirs"], "theirs: neither empty nor a leaderboard"),
        (["ours.json", "--output", "ours.json"], "ours.json: not a folder"),
        (["ours.json", "--output", "site", "--source-url", "javascript:x"], "expected https"),
    ],
)
def test_wrong_arguments_are_told_in_one_line(here, arguments, message):
    status, out, err = here(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err
    assert len(err.splitlines()) == 1
    assert not Path("site").exists()


def test_results_inside_the_old_site_are_not_lost(here):
    """Whoever keeps submissions below DIR would lose them with it."""
    here("ours.json", "--output", "site")
    Path("site/in").mkdir()
    Path("ours.json").rename("site/in/result.json")
    status, _, err = here("site/in", "--output", "site")
    assert status == 2
    assert "would be replaced" in err
    assert Path("site/in/result.json").exists()


def test_it_runs_as_a_module_and_helps():
    found = subprocess.run(
        [sys.executable, "-m", "emma_gym.leaderboard", "--help"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert found.returncode == 0
    assert "--source-url" in found.stdout
    assert "--strict" in found.stdout
