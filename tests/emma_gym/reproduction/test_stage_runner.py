import os
import signal
import threading
import time
from pathlib import Path

import pytest

from emma_gym.command_line import Terminated, interruptible
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


def test_one_that_fails_says_where_its_output_is(python, tmp_path):
    todo = [stage("bad one", tmp_path, "-c", "raise SystemExit('broken')")]
    with pytest.raises(StageFailedError, match="bad one failed with exit status 1: see") as error:
        run_stages(todo, 2, 1, tmp_path / "logs", lambda words: None)
    assert "broken" in Path(str(error.value).split("see ")[1]).read_text()


@pytest.mark.parametrize("jobs", [1, 3])
def test_what_does_not_need_one_that_failed_is_run(python, tmp_path, jobs):
    def write(name, *after):
        return stage(name, tmp_path, "-c", WRITE, str(tmp_path / f"{name}.txt"), "", after=after)

    todo = [
        stage("bad", tmp_path, "-c", "raise SystemExit(3)"),
        write("needs_it", "bad"),
        write("needs_that", "needs_it"),
        stage("worse", tmp_path, "-c", "raise SystemExit(4)"),
        write("before"),
        write("other", "before"),
    ]
    told = []
    with pytest.raises(StageFailedError) as error:
        run_stages(todo, jobs, 1, tmp_path / "logs", told.append)
    message = str(error.value)
    assert "bad failed with exit status 3: see" in message
    assert "worse failed with exit status 4: see" in message
    assert message.endswith("; 2 stages that depend on this were not begun")
    assert {path.stem for path in tmp_path.glob("*.txt")} == {"before", "other"}
    assert sum(words.startswith("failed  bad failed") for words in told) == 1


def test_the_real_commands_are_run(tmp_path):
    todo = [Stage("collect", "x", ("tasks=nothing",), tmp_path)]
    with pytest.raises(StageFailedError, match="exit status 2"):
        run_stages(todo, 1, 1, tmp_path / "logs", lambda words: None)
    assert "unknown task 'nothing'" in (tmp_path / "logs" / "x.log").read_text()
    assert stage_runner.command_of(todo[0], 3) == [
        *("-m", "emma_gym.collect", "tasks=nothing", "workers=3")
    ]


def test_sigterm_reaches_the_commands(python, tmp_path):
    begun = tmp_path / "begun"
    wait = f"import pathlib, time; pathlib.Path({str(begun)!r}).touch(); time.sleep(60)"

    def terminate():
        while not begun.exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=terminate, daemon=True).start()
    started = time.monotonic()
    with interruptible(), pytest.raises(Terminated):
        run_stages([stage("x", tmp_path, "-c", wait)], 1, 1, tmp_path, lambda words: None)
    assert time.monotonic() - started < 30
