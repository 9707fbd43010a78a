"""The command as people use it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "eval_protocols"))
from example_result import episodes_of, example_result, sweep_result

from emma_gym.compare import main
from eval_protocols.results import write_result


def result_of(counts, name="dp3", seed=0, first_seed=0, **changes):
    records = [
        record
        for task, count in zip(("hammer", "handover"), counts, strict=True)
        for record in episodes_of(task, "nominal", [n < count for n in range(50)], first_seed)
    ]
    policy = {"name": name, "weights_sha256": None}
    return example_result(records, policy=policy, training={"seed": seed}, **changes)


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """Writes results and runs the command; returns status, stdout in one line, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments, **results):
        for name, result in results.items():
            write_result(tmp_path / f"{name}.json", result)
        status = main(list(arguments))
        captured = capsys.readouterr()
        return status, " ".join(captured.out.split()), captured.err

    return run


def test_it_says_which_is_better_by_how_much_and_how_sure(here):
    status, out, err = here(
        "a.json", "b.json", a=result_of([20, 25]), b=result_of([40, 25], name="sem")
    )
    assert (status, err) == (0, "")
    assert "in_domain v1, success once" in out
    assert "paired: 100 episodes on the same seeds" in out
    assert re.search(r"B \(sem\) is better: A 45.0 %, B 65.0 %; B - A \+20.0 \[", out)
    assert "p < 0.001" in out
    assert re.search(r"hammer 40.0 80.0 \+40.0 \[.*\] < 0.001 B is better", out)
    assert re.search(r"handover 50.0 50.0 \+0.0 \[.*\] 1.000 not shown", out)
    assert "Holm's correction for 2 lines" in out
    assert "if other tasks could have been chosen" in out


def test_what_is_not_shown_is_never_called_equal(here):
    status, out, _ = here("a.json", "b.json", a=result_of([20, 20]), b=result_of([20, 21]))
    assert status == 0
    assert "No difference shown" in out
    assert "equal" not in out
    assert "better" not in out


def test_policies_of_one_name_are_called_by_what_differs(here):
    a, b = result_of([20, 25]), result_of([40, 25])
    a["training"]["sampling"] = {"sampler": "uniform"}
    b["training"]["sampling"] = {"sampler": "adamix"}
    _, out, _ = here("a.json", "b.json", a=a, b=b)
    assert 'B (dp3, sampling.sampler="adamix") is better' in out


def test_training_runs_are_joined_by_commas(here):
    results = {f"a{n}": result_of([20 + n, 20], seed=n) for n in range(3)}
    results |= {f"b{n}": result_of([40 + n, 45], "sem", n) for n in range(3)}
    status, out, err = here("a0.json,a1.json,a2.json", "b0.json,b1.json,b2.json", **results)
    assert (status, err) == (0, "")
    assert "3 training runs: a0.json, a1.json, a2.json" in out
    assert "A 41.0 +- 1.0 %, B 86.0 +- 1.0 %" in out
    assert "bootstrap over tasks, training runs and episodes" in out


def test_a_sweep_shows_factors_and_conditions(here):
    status, out, _ = here(
        "a.json",
        "b.json",
        a=sweep_result(20, 16, (2, 0)),
        b=sweep_result(20, 18, (1, 1), training={"name": "few_shot"}),
    )
    assert status == 0
    assert "note: A was trained on in_domain, B on few_shot" in out
    assert "over 2 tasks, 10 conditions" in out
    assert re.search(r"camera_azimuth 50.0 75.0 \+25.0 .* B is better", out)
    assert "camera_azimuth 30.0 15.0 62 83 0.55 0.78" in out  # drop, retention, area
    assert re.search(r"camera_roll_5 80.0 65.0 -15.0 ", out)
    assert "Holm's correction for 11 lines" in out


def test_other_seeds_are_said(here):
    _, out, _ = here(
        "a.json", "b.json", a=result_of([20, 20]), b=result_of([20, 21], first_seed=500)
    )
    assert "seeds differ (0 of up to 100 episodes in common): compared as independent" in out


def test_the_confidence_is_that_of_intervals(here):
    results = {"a": result_of([20, 20]), "b": result_of([26, 20])}
    _, sure, _ = here("a.json", "b.json", "--confidence", "0.99", **results)
    _, out, _ = here("a.json", "b.json", "--confidence=0.9")
    assert "99 % interval" in sure
    assert "No difference shown" in sure
    assert "90 % interval" in out
    assert "is better" in out


def test_folders_and_names_with_commas_are_found(here, tmp_path):
    (tmp_path / "run").mkdir()
    write_result(tmp_path / "run" / "result.json", result_of([20, 20]))
    write_result(tmp_path / "b,c.json", result_of([20, 21]))
    status, _, err = here("run", "b,c.json")
    assert (status, err) == (0, "")


def test_names_of_strangers_are_harmless(here):
    hostile = "[bold]x[/nothing] \x1b[31m\n\u202e" + "y" * 100
    status, out, _ = here("a.json", "b.json", a=result_of([1, 1], hostile), b=result_of([40, 40]))
    assert status == 0
    assert "[bold]x[/nothing]" in out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "yyyy ..." in out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "required: A, B"),
        (["a.json"], "required: B"),
        (["a.json", "b.json", "c.json"], "unrecognized arguments: c.json"),
        (["a.json", "b.json", "--frob"], "unrecognized arguments: --frob"),
        (["a.json", "missing.json"], "missing.json: No such file"),
        (["a.json", "."], "result.json: No such file"),
        (["a.json", ""], "an empty name"),
        (["a.json,", "b.json"], "an empty name"),
        (["a.json", "a.json"], "a.json and a.json are the same result"),
        (["a.json,a.json", "b.json"], "a.json and a.json are the same result"),
        (["a.json", "copy.json"], "a.json and copy.json are the same result"),
        (["a.json,sem.json", "b.json"], "a.json and sem.json are of dp3 and sem"),
        (["a.json", "sweep.json"], "different protocols: in_domain v1 in a.json, camera_sweep v1"),
        (["a.json", "broken.json"], "broken.json: not JSON"),
        (["a.json", "cheat.json"], r"cheat.json: summary.overall\[0\].success_once: .* but the"),
        (["a.json", "old.json"], "old.json: schema_version"),
        (["a.json", "b.json", "--confidence", "95"], "'95' is not a number from 0.5 to below 1"),
        (["a.json", "b.json", "--confidence", "nan"], "'nan' is not a number"),
        (["a.json", "b.json", "--confidence", "high"], "'high' is not a number"),
        (["a.json", "b.json", "--confidence"], "expected one argument"),
    ],
)
def test_nonsense_is_refused_in_one_line(here, tmp_path, arguments, complaint):
    results = {
        "a": result_of([20, 20]),
        "b": result_of([20, 21]),
        "copy": result_of([20, 20]),
        "sem": result_of([20, 21], name="sem", seed=1),
        "sweep": sweep_result(),
    }
    cheat = result_of([20, 20])
    cheat["summary"]["overall"][0]["success_once"]["rate"] = 1.0
    (tmp_path / "cheat.json").write_text(json.dumps(cheat))
    (tmp_path / "old.json").write_text(json.dumps(cheat | {"schema_version": "1.0"}))
    (tmp_path / "broken.json").write_text("{")
    status, out, err = here(*arguments, **results)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert re.search(complaint, err)


def test_help_explains_itself():
    run = subprocess.run(
        [sys.executable, "-m", "emma_gym.compare", "--help"], capture_output=True, text=True
    )
    assert run.returncode == 0
    for words in ("Examples:", "--confidence", "McNemar", "commas", "Exit status"):
        assert words in run.stdout
    assert max(map(len, run.stdout.splitlines())) <= 100
