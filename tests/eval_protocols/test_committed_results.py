"""What is committed in `results` is what the code of today says of it."""

import json
from pathlib import Path

import pytest

from emma_gym.leaderboard import main as leaderboard
from envs.source_code import physics_sha256

RESULTS = Path(__file__).parents[2] / "results"


@pytest.mark.parametrize(
    "folder",
    sorted(path.parent for path in RESULTS.rglob("actions.npz")),
    ids=lambda path: path.name,
)
def test_results_with_actions_can_be_verified(folder):
    versions = json.loads((folder / "result.json").read_text())["versions"]
    message = f"physics has changed: evaluate anew, as {RESULTS / 'README.md'} says"
    assert versions["physics_sha256"] == physics_sha256(), message


def test_the_leaderboard_is_of_the_results(tmp_path, monkeypatch):
    monkeypatch.chdir(RESULTS.parent)  # it names files as it was told
    assert leaderboard(["results", "--output", str(tmp_path)]) == 0
    made, kept = (folder / "leaderboard.json" for folder in (tmp_path, RESULTS / "leaderboard"))
    assert json.loads(made.read_text()) == json.loads(kept.read_text()), (
        "run python -m emma_gym.leaderboard results --output results/leaderboard"
    )
