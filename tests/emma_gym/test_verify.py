"""The command: its verdicts, exit statuses and files. What is refused is tested elsewhere."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from emma_gym.evaluate import main as evaluate
from emma_gym.verify import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An evaluation of three short episodes."""
    folder = tmp_path_factory.mktemp("run") / "expert"
    arguments = ["policy=expert", "tasks=tool_adjust", "episodes=3", "workers=0", "video=0"]
    assert evaluate([*arguments, f"output_dir={folder}"]) == 0
    return folder


@pytest.fixture
def verify(capsys):
    """Runs the command in this process; returns status, stdout and stderr."""

    def run(*arguments):
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_a_verdict_for_people_and_one_for_leaderboards(folder, tmp_path, verify):
    target = tmp_path / "verdict.json"
    result = folder / "result.json"
    status, out, _ = verify(result, "--workers", 0, "--json", target)
    assert status == 0
    assert "expert, which says that it reads the simulator" in out
    assert re.search(r"replayed +3 of 3 episodes", out)
    assert re.search(r"^verified .*result\.json", out, re.MULTILINE)
    assert "that the actions came from the named policy" in out
    verdict = json.loads(target.read_text())
    assert verdict["kind"] == "emma_gym.verification"
    assert verdict["verified"] is True
    assert verdict["refusals"] == []
    assert (verdict["episodes"], verdict["replayed"], verdict["sample_seed"]) == (3, 3, None)
    assert os.listdir(tmp_path) == ["verdict.json"]


def test_a_sample_names_its_seed_which_draws_it_again(folder, tmp_path, verify):
    target = tmp_path / "verdict.json"
    sample = [folder / "result.json", "--workers", 0, "--json", target, "--sample", 1]
    status, out, _ = verify(*sample)
    assert status == 0
    seed = re.search(r"replayed +1 of 3 episodes, drawn with --seed (\d+)", out)[1]
    assert json.loads(target.read_text())["sample_seed"] == int(seed)
    assert f"--seed {seed}" in verify(*sample, "--seed", seed)[1]


def test_a_protocol_of_ones_own_has_to_be_named(tmp_path, verify):
    protocol = tmp_path / "higher_tables.yaml"
    protocol.write_text(
        """
        {name: higher_tables, version: 1, title: Higher tables, description: To reach up,
         headline: success_once, after_success_steps: 2, conditions: [
           {name: nominal, variations: {}},
           {name: higher, twin: nominal, factor: table_height, variations: {table_height: 2}}],
         training: [{name: nominal_100, description: 100 demonstrations}]}
        """
    )
    run = ["policy=hold", "tasks=tool_adjust", "episodes=1", "workers=0", "video=1"]
    assert evaluate([*run, f"protocol={protocol}", f"output_dir={tmp_path / 'run'}"]) == 0
    assert list((tmp_path / "run" / "videos").rglob("*.mp4"))
    result = tmp_path / "run" / "result.json"
    status, out, _ = verify(result, "--protocol", protocol, "--workers", 0)
    assert status == 0
    assert "2 of 2 episodes" in out
    status, out, _ = verify(result)
    assert status == 1
    assert "unknown protocol 'higher_tables'" in out
    assert verify(result, "--protocol", tmp_path / "lower.yaml")[0] == 2


def test_a_refusal_says_why_and_is_exit_status_1(folder, tmp_path, verify):
    result = json.loads((folder / "result.json").read_text())
    result["versions"]["sapien"] = "[bold]3.0.2\n\x1b[31m"
    (tmp_path / "result.json").write_text(json.dumps(result))
    status, out, _ = verify(tmp_path / "result.json", "--json", tmp_path / "verdict.json")
    assert status == 1
    assert "refused" in out
    assert "versions.sapien is [bold]3.0.2 [31m, but" in out
    assert "\x1b" not in out
    verdict = json.loads((tmp_path / "verdict.json").read_text())
    assert verdict["verified"] is False
    assert len(verdict["refusals"]) == 1


def test_what_is_no_result_is_refused_as_well(tmp_path, verify):
    for text in ("{}", "nonsense", "[" * 100000):
        (tmp_path / "result.json").write_text(text)
        status, out, _ = verify(tmp_path / "result.json")
        assert status == 1
        assert "refused" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "RESULT.json"),
        (["missing.json"], "missing.json: No such file"),
        (["."], "Is a directory"),
        (["r.json", "--sample", "0"], "'0' is not an integer >= 1"),
        (["r.json", "--sample", "many"], "'many' is not an integer >= 1"),
        (["r.json", "--seed", "3"], "--seed draws the episodes of --sample"),
        (["r.json", "--sample", "3", "--seed", "-1"], "--seed"),
        (["r.json", "--workers", "-1"], "--workers"),
        (["r.json", "--json", "no/where/x.json"], "not a file in an existing folder"),
        (["r.json", "--sampel", "3"], "--sampel"),
    ],
)
def test_a_wrong_argument_is_one_line_and_exit_status_2(
    arguments, message, verify, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    status, out, errors = verify(*arguments)
    assert status == 2
    (line,) = errors.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert out == ""


def test_the_help_says_what_is_not_shown(verify):
    status, out, _ = verify("--help")
    assert status == 0
    for words in ("--sample K", "--json FILE", "Not shown by a replay", "Exit status"):
        assert words in out


@pytest.mark.parametrize("delay_s", [0.0, 0.7])
def test_ctrl_c_ends_it_and_its_workers_without_a_traceback(folder, delay_s):
    command = [sys.executable, "-m", "emma_gym.verify", str(folder / "result.json")]
    child = subprocess.Popen(
        [*command, "--workers", "2"],
        text=True,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while len(members(child.pid)) < 4:  # the command, two workers, and what tracks resources
        assert time.monotonic() < deadline
        assert child.poll() is None
        time.sleep(0.01)
    time.sleep(delay_s)
    os.killpg(child.pid, signal.SIGINT)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 130
    assert errors.splitlines()[-1] == "interrupted: no verdict"
    assert "Traceback" not in errors
    deadline = time.monotonic() + 20
    while members(child.pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def members(group):
    """Processes of a process group."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            found.append(stat.parent.name)
    return found
