"""What samples are weighted by is of the right frames of the right demonstrations."""

import numpy as np
import pytest
import torch
from ramp_demonstration import LENGTH, frame_of, joint_target, ramp_demonstration

from policies.imitation.method import ImitationMethod, Window
from policies.policy import Observes
from policies.training import evidence
from policies.training.demonstration_windows import DemonstrationWindows


class Foreseeing(ImitationMethod):
    """Predicts what was recorded, and `fault` more of a channel in the demonstrations `wrong`."""

    observes, window = Observes("state"), Window(1)

    def __init__(self, executed, wrong=(), fault=0.0):
        super().__init__()
        self.device_holder = torch.nn.Parameter(torch.zeros(1))
        self._executed, self.wrong, self.fault = executed, wrong, fault
        self.seen = 0

    @property
    def executed(self):
        return self._executed

    def fit(self, statistics):
        pass

    def frames(self, batch):
        return np.rint(frame_of(batch["joint_target"][:, 0]).mean(-1)).astype(int)

    def predict(self, batch, generator):
        assert generator is None  # noise would decide with the demonstrations what is hard
        chunks = []
        for frame in self.frames(batch):
            # Demonstrations follow each other, and each begins at its frame 0.
            self.seen += frame == 0
            # More than is executed: the rest is what it would do if it did not look again.
            ahead = np.minimum(frame + 1 + np.arange(self.executed + 3), LENGTH)
            chunk = np.stack([joint_target(each) for each in ahead])
            chunk[self.executed :] = 9.0
            chunk[: self.executed, 1] += self.fault * (self.seen - 1 in self.wrong)
            chunks.append(chunk)
        return torch.from_numpy(np.stack(chunks))

    def losses(self, batch, generator):
        return {"loss": torch.from_numpy(self.frames(batch).astype(np.float32))}


@pytest.fixture(scope="module")
def windows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ramps")
    episodes = [ramp_demonstration(folder / f"{number}.h5") for number in range(3)]
    return DemonstrationWindows(episodes, Foreseeing.observes, Foreseeing.window)


def metrics(method, windows):
    return evidence.predicted_metrics(method, windows, torch.ones(14), 0.0)


# 17 frames: a last chunk that is whole, cut to less, or longer than the demonstration.
@pytest.mark.parametrize("executed", [1, 5, 17, 40])
@pytest.mark.parametrize("batch_size", [2, 64])
def test_who_predicts_what_was_recorded_makes_no_error(windows, monkeypatch, executed, batch_size):
    monkeypatch.setattr(evidence, "BATCH_SIZE", batch_size)
    found = metrics(Foreseeing(executed), windows)
    assert found.inside.sum() == 3 * (LENGTH + 1)
    assert (found.values[..., 0] == 0).all()


def test_an_error_is_that_of_its_demonstration(windows):
    found = metrics(Foreseeing(5, wrong=(1,), fault=0.5), windows).by_trajectory()
    np.testing.assert_allclose(found[:, 0], [0, 0.25 / 14, 0], rtol=1e-5)


def test_losses_are_in_the_order_of_what_is_asked_for(windows, monkeypatch):
    monkeypatch.setattr(evidence, "BATCH_SIZE", 4)
    items = [windows.index(episode, frame) for episode, frame in [(2, 3), (0, 16), (1, 0), (0, 5)]]
    found = evidence.losses(Foreseeing(5), windows, [*items, *items[::-1]], 0)
    assert found.tolist() == [3, 16, 0, 5, 5, 0, 16, 3]
