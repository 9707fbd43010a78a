"""The command as people use it, on the real environment with a tiny task."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from emma_gym.evaluate import main

FAKES = Path(__file__).parents[1] / "eval_protocols"
TINY = ["policy=fakes:Raise", "tasks=fakes:Lift", "validated_seeds=false", "video=0"]
ENVIRONMENT = os.environ | {
    "PYTHONPATH": os.pathsep.join([str(FAKES), os.environ.get("PYTHONPATH", "")])
}
SLOW = ENVIRONMENT | {"FAKES_SLEEP_S": "0.02"}


def command(*arguments):
    return [sys.executable, "-m", "emma_gym.evaluate", *TINY, *arguments]


def evaluate(folder, *arguments, environment=ENVIRONMENT):
    """Runs the command in a folder, in a process of its own."""
    return subprocess.run(
        command(*arguments),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """Runs the command in this process, which is faster; returns status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(FAKES))

    def run(*arguments):
        status = main([*TINY, "workers=0", *arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def without_times(path):
    result = json.loads(path.read_text())
    del result["timing"]
    for episode in result["episodes"]:
        del episode["wall_s"]
    return json.dumps(result)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """An evaluation of eight episodes by one worker, and what it printed."""
    folder = tmp_path_factory.mktemp("finished")
    return folder, evaluate(folder, "episodes=8", "workers=1", "output_dir=run")


def test_a_result_a_report_and_a_table_come_out(finished):
    folder, run = finished
    assert run.returncode == 0, run.stderr
    result = json.loads((folder / "run/result.json").read_text())
    assert [episode["seed"] for episode in result["episodes"]] == list(range(100_000, 100_008))
    count = sum(episode["success_once"] for episode in result["episodes"])
    assert 0 < count < 8
    assert result["summary"]["overall"][0]["success_once"]["count"] == count
    table, _, files = run.stdout.partition("result")
    assert f"{100 * count / 8:.1f} %" in table
    for name in ("run/result.json", "run/report.html", "run/episodes.jsonl"):
        assert name in files
        assert (folder / name).exists()
    assert len(list((folder / "run/actions").rglob("*.npy"))) == 8
    assert f"8/8 success {100 * count / 8:.1f} %" in run.stderr
    assert "episodes/min" in run.stderr


def test_two_workers_give_the_same_result(finished, tmp_path):
    run = evaluate(tmp_path, "episodes=8", "workers=2", "output_dir=run")
    assert run.returncode == 0, run.stderr
    assert without_times(tmp_path / "run/result.json") == without_times(
        finished[0] / "run/result.json"
    )


def test_ctrl_c_sigterm_sigkill_and_a_torn_line_then_the_same_result(finished, tmp_path):
    arguments = ["episodes=8", "workers=2", "output_dir=run"]
    journal = tmp_path / "run/episodes.jsonl"

    child = start(tmp_path, *arguments)
    wait_for_lines(journal, 2)
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does: to the workers, too
    _, errors = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "Traceback" not in errors
    assert re.search(r"interrupted; \d of 8 episodes are in run; this continues:", errors)
    kept = journal.read_text().count("\n")
    assert 2 <= kept < 8

    child = start(tmp_path, *arguments)
    wait_for_lines(journal, kept + 1)
    child.terminate()
    _, errors = child.communicate(timeout=30)
    assert child.returncode == 130
    assert re.search(r"interrupted; \d of 8 episodes are in run; this continues:", errors)
    kept = journal.read_text().count("\n")
    assert kept < 8

    child = start(tmp_path, *arguments)
    wait_for_lines(journal, kept + 1)
    child.kill()
    child.communicate(timeout=30)
    with journal.open("ab") as file:
        file.write(b'{"task": "fakes:Li')

    last = evaluate(tmp_path, *arguments)
    assert last.returncode == 0, last.stderr
    assert "continuing run" in last.stderr
    assert journal.read_text().count("\n") == 8
    assert without_times(tmp_path / "run/result.json") == without_times(
        finished[0] / "run/result.json"
    )


def test_more_episodes_continue_the_same_run_and_none_change_nothing(finished, tmp_path, here):
    assert here("episodes=3")[0] == 0
    status, _, errors = here("episodes=8")
    assert status == 0
    assert "3 of 8 episodes are done" in errors
    (path,) = tmp_path.glob("outputs/fakes.Raise-in_domain-????????/result.json")
    assert without_times(path) == without_times(finished[0] / "run/result.json")
    before = path.read_bytes()
    assert here("episodes=8")[0] == 0
    assert path.read_bytes() == before


def test_another_run_in_the_folder_is_refused_unless_started_over(tmp_path, here):
    assert here("episodes=1", "output_dir=run")[0] == 0
    status, _, errors = here("episodes=1", "output_dir=run", "seed=200005")
    assert status == 2
    (line,) = errors.splitlines()
    assert "run holds another run: seeds.start is 100000 there and 200005 here" in line
    assert here("episodes=1", "output_dir=run", "seed=200005", "resume=false")[0] == 0
    (episode,) = json.loads((tmp_path / "run/result.json").read_text())["episodes"]
    assert episode["seed"] == 200005


def test_seeds_of_demonstrations_are_noted(here):
    status, _, errors = here("episodes=1", "output_dir=run", "seed=5")
    assert status == 0
    assert "note: demonstrations are collected on seeds below 100000" in errors


def test_errors_are_shown(tmp_path, here):
    status, out, errors = here("episodes=2", "policy_config.fault=bad", "output_dir=run")
    assert status == 0
    assert "errors 2" in errors
    assert re.search(r"error in 2 of 2: act returned in row 0: .*nan", out)
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert result["summary"]["overall"][0]["errors"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["policy=expart"], "unknown policy 'expart'; did you mean expert"),
        (["tasks=block_hamer_beat"], "unknown task 'block_hamer_beat'; did you mean block_hammer"),
        (["tasks=[block_handover,block_handover]"], "tasks: block_handover is given twice"),
        (["tasks=block_handover,blocks_stack_easy"], r"several values are written tasks=\[...\]"),
        (["tasks=[]"], r"tasks=\[\]: expected a list of names"),
        (["protocol=indomain"], "unknown protocol 'indomain'; did you mean in_domain"),
        (["episode=3"], "unknown option 'episode'; did you mean episodes"),
        (["+episode=3"], "unknown option 'episode'; did you mean episodes"),
        (["episodes.x=3"], "unknown option 'episodes.x': episodes has nothing below it"),
        (["--episodes", "3"], "'--episodes': options are key=value; did you mean episodes"),
        (["episodes"], "'episodes': options are key=value; did you mean episodes"),
        (["~episodes"], "cannot be deleted"),
        (["episodes=many"], "episodes=many: expected an integer >= 1"),
        (["episodes=0"], "episodes=0: expected an integer >= 1"),
        (["episodes=true"], "episodes=true: expected an integer >= 1"),
        (["seed=-1"], "seed=-1: expected an integer >= 0"),
        (["workers=-1"], "workers=-1: expected an integer >= 0 or auto"),
        (["workers=all"], "workers=all: expected an integer >= 0 or auto"),
        (["resume=perhaps"], "resume=perhaps: expected true or false"),
        (["video=1.5"], "video=1.5: expected an integer >= 0"),
        (["policy_timeout_s=0"], "policy_timeout_s=0: expected a number of seconds > 0"),
        (["policy_config=3"], "policy_config=3: expected a mapping"),
        (["tasks=[a"], r"'tasks=\[a': "),
        (["policy=${nowhere}"], "nowhere"),
        (["output_dir=file.txt"], "output_dir=file.txt: not a folder"),
        (["policy=null"], "policy=null: expected a text"),
    ],
)
def test_a_wrong_option_is_one_line_and_nothing_is_written(
    arguments, message, tmp_path, monkeypatch, capsys
):
    (tmp_path / "file.txt").touch()
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert re.search(message, line)
    assert captured.out == ""
    assert os.listdir(tmp_path) == ["file.txt"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["policy=fakes:Rais"], "did you mean Raise"),
        (["policy_config.speed=1"], "speed"),
        (["policy=fakes:Unbuildable"], "weights are missing"),
        (["policy=fakes:Blind"], "no_such_camera.*head_camera"),
        (["policy=fakes:Blind", "workers=1"], "no_such_camera.*head_camera"),
        (["validated_seeds=true"], "fakes:Lift"),
        (["output_dir=/proc/nowhere"], "/proc/nowhere"),
    ],
)
def test_what_shows_later_is_one_line_as_well(arguments, message, tmp_path, here):
    status, out, errors = here(*arguments)
    assert status == 2
    (line,) = errors.splitlines()
    assert re.search(message, line)
    assert out == ""
    assert os.listdir(tmp_path) == []


def test_the_help_names_every_option_and_every_name(capsys):
    assert main(["--help"]) == 0
    page = capsys.readouterr().out
    options = ("policy=[expert, pretrained]", "tasks=all", "episodes=10", "workers=auto")
    for option in (*options, "output_dir=null"):
        assert f"\n  {option}\n" in page
    for name in ("block_hammer_beat", "in_domain", "random", "module:Class"):
        assert name in page


def start(folder, *arguments):
    return subprocess.Popen(
        command(*arguments),
        cwd=folder,
        env=SLOW,
        text=True,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def wait_for_lines(path, count):
    deadline = time.monotonic() + 60
    while not path.exists() or path.read_bytes().count(b"\n") < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_of_several_policies_each_does_the_tasks_it_was_made_for(tmp_path, capsys, monkeypatch):
    wanted = ["episodes=1", "workers=0", "video=0", f"output_dir={tmp_path / 'out'}"]
    assert main(["policy=[hold, pretrained]", "tasks=tool_adjust", *wanted]) == 0
    assert os.listdir(tmp_path / "out") == ["hold"]
    capsys.readouterr()
    monkeypatch.setattr("policies.scripted.HoldPolicy.tasks", ("block_handover",))
    assert main(["policy=[hold, pretrained]", "tasks=tool_adjust", *wanted]) == 2
    assert capsys.readouterr().err == "error: none of the policies was made for tasks=tool_adjust\n"
