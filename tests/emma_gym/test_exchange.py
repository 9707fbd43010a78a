"""Export and import as people use them."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "envs" / "demonstrations"))
from made_data import make_dataset, make_robotwin

from emma_gym.export_lerobot import main as export_lerobot
from emma_gym.import_robotwin import main as import_robotwin
from envs.demonstrations.dataset import Dataset


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """Runs a command in a folder; returns status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(command, *arguments):
        status = command(arguments)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_a_data_set_is_exported(here, tmp_path):
    pytest.importorskip("pyarrow")
    make_dataset(tmp_path / "set", episodes=1)
    status, out, err = here(export_lerobot, "dataset=set", "tasks=lift", "cameras=[left_camera]")
    assert status == 0, err
    assert "outputs/lerobot/set" in out
    assert "depth=true adds it" in out
    assert (tmp_path / "outputs/lerobot/set/meta/info.json").exists()
    status, _, err = here(export_lerobot, "dataset=set")
    assert status == 2
    assert err.strip() == "error: outputs/lerobot/set exists: choose another output_dir"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "dataset=FOLDER is needed, which `python -m emma_gym.collect`"),
        (["dataset=nowhere"], "nowhere is no data set: it has no dataset.json"),
        (["dataset=set", "tasks=lyft"], "did you mean lift?"),
        (["dataset=set", "cameras=head"], "has no camera head"),
        (["dataset=set", "video=false"], "unknown option 'video'; did you mean videos?"),
        (["dataset=set", "episodes=0"], "episodes=0: expected an integer >= 1"),
        (["dataset=set", "weights=set/dataset.json"], "a number for each episode's path"),
        (["dataset=set", "weights=nowhere"], "weights=nowhere: expected sampling_weights.json"),
    ],
)
def test_a_wrong_export_is_refused_in_one_line(arguments, message, here, tmp_path):
    pytest.importorskip("pyarrow")
    make_dataset(tmp_path / "set", episodes=1)
    status, _, err = here(export_lerobot, *arguments)
    assert status == 2
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "outputs").exists()


def test_without_pyarrow_the_export_says_what_to_install(here, tmp_path, monkeypatch):
    make_dataset(tmp_path / "set", episodes=1)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    status, _, err = here(export_lerobot, "dataset=set")
    assert status == 2
    assert "pip install 'emma-gym[lerobot]'" in err


def test_robotwins_episodes_are_imported(here, tmp_path):
    for task in ("beat_block_hammer", "click_bell"):
        make_robotwin(tmp_path / "data" / task / "demo_clean", frames=2)
    sources = "data/beat_block_hammer/demo_clean", "data/click_bell/demo_clean"
    status, out, err = here(
        import_robotwin,
        f"source=[{','.join(sources)}]",
        *("names.beat_block_hammer=block_hammer_beat", "episodes=1", "output_dir=set"),
    )
    assert status == 0, err
    assert "1 episodes each of block_hammer_beat, click_bell" in out
    dataset = Dataset(tmp_path / "set")
    (episode,) = dataset.episodes("block_hammer_beat")
    assert episode.info["source"]["task"] == "beat_block_hammer"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "source=data/TASK/CONFIGURATION is needed, which RoboTwin 2.0 records"),
        (["source=nowhere"], "no data/TASK/CONFIGURATION of RoboTwin 2.0"),
        (["source=data/bell/demo_clean", "names.ball=bell"], "names.ball: source has no such task"),
        (["source=data/bell/demo_clean", "names.bell=3"], "names.bell=3: expected a text"),
        (["source=[data/bell/demo_clean,data/bell/other]"], "bell is given twice"),
        (["source=[data/bell/demo_clean,data/lift/demo_clean]"], "episodes=1 takes so many"),
    ],
)
def test_a_wrong_import_is_refused_in_one_line(arguments, message, here, tmp_path):
    make_robotwin(tmp_path / "data/bell/demo_clean", episodes=1, frames=2, depth=False)
    make_robotwin(tmp_path / "data/lift/demo_clean", episodes=2, frames=2, depth=False)
    status, _, err = here(import_robotwin, *arguments)
    assert status == 2
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize("command", [export_lerobot, import_robotwin])
def test_help_has_all_options(command, here):
    status, out, _ = here(command, "--help")
    assert status == 0
    assert "output_dir=null" in out
