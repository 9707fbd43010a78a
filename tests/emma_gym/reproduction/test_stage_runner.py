from pathlib import Path

import pytest

from emma_gym.reproduction import stage_runner
from emma_gym.reproduction.stage_runner import StageFailedError, run_stages
from emma_gym.reproduction.stages import Stage

WRITE = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"


@pytest.fixture
def python(monkeypatch):
    """Stages whose options are Python's own."""
    monkeypatch.setattr(stage_runner, "command_of", lambda stage, cores: [*stage.options])


def stage(name, folder, *options, after=(), keeps=()):
    return Stage("train", name, options, folder, after, dict(keeps))


def test_each_begins_after_what_it_needs(python, tmp_path):
    both = "import sys; a, b, c = sys.argv[1:]; open(c, 'w').write(open(a).read() + open(b).read())"
    a, b, c = (str(tmp_path / name) for name in "abc")
    todo = [
        stage("a", tmp_path, "-c", WRITE, a, "1"),
        stage("b", tmp_path, "-c", WRITE, b, "2", after=("a",)),
        stage("c", tmp_path, "-c", both, a, b, c, after=("a", "b")),
    ]
    told = []
    run_stages(todo, 3, 1, tmp_path / "logs", told.append)
    assert Path(c).read_text() == "12"
    assert [words.split()[:2] for words in told] == [
        [word, name] for name in "abc" for word in ("begins", "done")
    ]


def test_what_is_small_is_kept(python, tmp_path):
    kept = tmp_path / "kept" / "x.json"
    todo = [
        stage("x", tmp_path, "-c", WRITE, str(tmp_path / "x.json"), "5", keeps=[("x.json", kept)])
    ]
    run_stages(todo, 1, 1, tmp_path / "logs", lambda words: None)
    assert kept.read_text() == "5"
    assert [path.name for path in kept.parent.iterdir()] == ["x.json"]


def test_one_that_fails_ends_it_and_says_where_its_output_is(python, tmp_path):
    after = tmp_path / "after"
    todo = [
        stage("bad one", tmp_path, "-c", "raise SystemExit('broken')"),
        stage("after", tmp_path, "-c", WRITE, str(after), "", after=("bad one",)),
    ]
    with pytest.raises(StageFailedError, match="bad one failed with exit status 1: see") as error:
        run_stages(todo, 2, 1, tmp_path / "logs", lambda words: None)
    assert "broken" in Path(str(error.value).split("see ")[1]).read_text()
    assert not after.exists()


def test_the_real_commands_are_run(tmp_path):
    todo = [Stage("collect", "x", ("tasks=nothing",), tmp_path)]
    with pytest.raises(StageFailedError, match="exit status 2"):
        run_stages(todo, 1, 1, tmp_path / "logs", lambda words: None)
    assert "unknown task 'nothing'" in (tmp_path / "logs" / "x.log").read_text()
    assert stage_runner.command_of(todo[0], 3) == [
        *("-m", "emma_gym.collect", "tasks=nothing", "workers=3")
    ]
