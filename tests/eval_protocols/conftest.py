import pytest

from eval_protocols.leaderboard.document import make_document
from eval_protocols.leaderboard.entries import group
from eval_protocols.leaderboard.submissions import known_protocols, read_submissions
from eval_protocols.results import write_result


@pytest.fixture
def submit(tmp_path):
    """Writes results into files `0.json`, `1.json` ... and makes a leaderboard of them."""

    def run(*results):
        paths = []
        for index, each in enumerate(results):
            paths.append(tmp_path / f"{index}.json")
            write_result(paths[-1], each)
        accepted, refused = read_submissions(paths, known_protocols())
        return make_document(group(accepted), refused, known_protocols())

    return run
