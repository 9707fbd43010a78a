"""One real evaluation is made; every test forges a copy of it."""

import pytest
from forging import PROTOCOL, SEEDS, TASK, Forgery

from eval_protocols.evaluation import EvaluationSettings, Watcher, evaluate
from eval_protocols.verification.replay import Replayer


class Silent(Watcher):
    def begin(self, folder, done, total):
        pass

    def episode(self, record):
        pass

    def output(self, line):
        pass


@pytest.fixture(scope="package")
def honest(tmp_path_factory):
    """Folder of an honest result: two seeds under three conditions, the last one an error."""
    folder = tmp_path_factory.mktemp("honest")
    settings = EvaluationSettings(
        tasks=[TASK],
        policy="forging:Breaking",
        protocol=PROTOCOL,
        episodes=len(SEEDS),
        workers=0,
        output_dir=folder,
    )
    _, result = evaluate(settings, Silent())
    assert [e["success_at_end"] for e in result["episodes"]] == [True] * 5 + [False]
    return folder


@pytest.fixture(scope="package", autouse=True)
def replays():
    """Remembers what became of actions: most tests change what is claimed of the same ones."""
    known, replay = {}, Replayer.replay

    def remembered(self, unit, actions, error):
        key = (unit, actions.tobytes(), error)
        if key not in known:
            known[key] = replay(self, unit, actions, error)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Replayer, "replay", remembered)
        yield


@pytest.fixture
def forgery(honest, tmp_path):
    return Forgery(honest, tmp_path)
