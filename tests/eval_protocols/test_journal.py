import json

import numpy as np
import pytest

from eval_protocols.episodes import FinishedEpisode, WorkUnit, lost_episode
from eval_protocols.journal import Journal, JournalError, actions_path, holds_run, read_records

IDENTITY = {"policy": {"name": "a", "config": {"lr": 1}}, "tasks": ["t"]}
RUN = {"identity": IDENTITY, "started": "2026-01-01T00:00:00+00:00"}


def episode(seed, actions=None):
    lost = lost_episode(WorkUnit("t", seed, "nominal"), "why", attempts=1, wall_s=0.5)
    return FinishedEpisode(lost.record, actions)


@pytest.fixture
def folder(tmp_path):
    """A run with three episodes."""
    journal = Journal.create(tmp_path / "run", RUN)
    for seed in range(3):
        journal.append(episode(seed, np.full((2, 14), seed, np.float32)))
    journal.close()
    return tmp_path / "run"


def test_what_is_appended_is_read(folder):
    assert [record["seed"] for record in read_records(folder)] == [0, 1, 2]
    actions = np.load(actions_path(folder, WorkUnit("t", 2, "nominal")), allow_pickle=False)
    assert actions.dtype == np.float32
    assert (actions == 2).all()


def test_resume_continues(folder):
    journal = Journal.resume(folder, IDENTITY)
    assert len(journal.records) == 3
    journal.append(episode(3))
    journal.close()
    assert [record["seed"] for record in read_records(folder)] == [0, 1, 2, 3]


@pytest.mark.parametrize("cut", [1, 20])
def test_a_torn_last_line_is_dropped(folder, cut):
    path = folder / "episodes.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    assert [record["seed"] for record in read_records(folder)] == [0, 1]
    journal = Journal.resume(folder, IDENTITY)
    journal.append(episode(2))
    journal.close()
    assert [record["seed"] for record in read_records(folder)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("replace", "message"),
    [
        (("{", "["), "line 2: not JSON"),
        (('"seed"', '"sead"'), "line 2: the keys"),
        (('"seed": 1', '"seed": true'), "line 2: seed is True"),
        (('"seed": 1', '"seed": 0'), "line 2: this episode was recorded before"),
        (('"return": 0.0', '"return": NaN'), "line 2: not JSON: NaN"),
    ],
)
def test_anything_else_that_is_wrong_names_the_line(folder, replace, message):
    path = folder / "episodes.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    lines[1] = lines[1].replace(*replace, 1)
    path.write_text("".join(lines))
    with pytest.raises(JournalError, match=message):
        Journal.resume(folder, IDENTITY)


def test_another_run_is_refused_with_what_differs(folder):
    other = {"policy": {"name": "a", "config": {"lr": 2}}, "tasks": ("t",)}
    with pytest.raises(JournalError, match=r"policy\.config\.lr is 1 there and 2 here\. Choose"):
        Journal.resume(folder, other)


def test_an_episode_is_never_recorded_twice(folder):
    journal = Journal.resume(folder, IDENTITY)
    with pytest.raises(ValueError, match="recorded before"):
        journal.append(episode(1))
    journal.close()


def test_two_processes_do_not_share_a_journal(folder):
    journal = Journal.resume(folder, IDENTITY)
    for opened in (lambda: Journal.resume(folder, IDENTITY), lambda: Journal.create(folder, RUN)):
        with pytest.raises(JournalError, match="another evaluation"):
            opened()
    journal.close()
    assert len(read_records(folder)) == 3


def test_create_deletes_only_its_own_files(folder):
    (folder / "notes.txt").write_text("mine")
    (folder / "result.json").write_text("{}")
    Journal.create(folder, RUN).close()
    assert read_records(folder) == []
    assert sorted(path.name for path in folder.iterdir()) == [
        "episodes.jsonl",
        "notes.txt",
        "run.json",
    ]


def _contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("videos/mine.mp4", "mine"),
        ("actions/mine.npy", "mine"),
        ("views/mine.png", "mine"),
        ("report.html", "mine"),
        ("result.json", "{}"),
        ("actions.npz", "mine"),
        ("episodes.jsonl", '{"episode_index": 0}\n'),  # as LeRobot's data sets have
        ("run.json", "{}"),
        ("run.json", "mine"),
    ],
)
def test_files_that_are_no_runs_are_refused_and_stay(tmp_path, name, content):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    before = _contents(tmp_path)
    first = name.split("/")[0]
    with pytest.raises(JournalError, match=f"no evaluation but other files, such as {first}: choo"):
        Journal.create(tmp_path, RUN)
    assert _contents(tmp_path) == before


def test_a_folder_with_other_names_is_used(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "episodes.jsonl").touch()  # of a `create` that was killed at its very start
    Journal.create(tmp_path, RUN).close()
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert read_records(tmp_path) == []


def test_a_deletion_that_was_killed_is_completed(folder, monkeypatch):
    def killed(path):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("eval_protocols.journal.shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            Journal.create(folder, RUN)
    Journal.create(folder, RUN).close()
    assert {path.name for path in folder.iterdir()} == {"episodes.jsonl", "run.json"}


def test_a_run_without_its_description_is_refused(folder):
    (folder / "run.json").unlink()
    assert holds_run(folder)
    with pytest.raises(JournalError, match=r"no run\.json"):
        Journal.resume(folder, IDENTITY)


def test_run_json_is_readable(folder):
    assert json.loads((folder / "run.json").read_text())["identity"] == IDENTITY
