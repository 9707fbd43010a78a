import pytest
import torch
from diffusers.training_utils import EMAModel
from torch import nn

from learning.errors import TrainingError
from learning.state import Progress, latest_state, load_progress, load_state, save_state


@pytest.fixture
def state(tmp_path):
    """A state of a linear layer after three steps."""
    network = nn.Linear(2, 3)
    optimizer = torch.optim.AdamW(network.parameters())
    network(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    average = EMAModel(network.parameters())
    progress = Progress(step=3, wall_s=1.5, sums={"loss": 0.1}, summed=1)
    save_state(tmp_path / "checkpoints", progress, network, average, [optimizer], {})
    return latest_state(tmp_path / "checkpoints"), network, optimizer


def test_everything_comes_back(state):
    folder, network, optimizer = state
    assert folder.name == "00000003"
    assert load_progress(folder) == Progress(3, 1.5, {"loss": 0.1}, 1)
    again = nn.Linear(2, 3)
    average, other = EMAModel(again.parameters()), torch.optim.AdamW(again.parameters())
    load_state(folder, again, average, [other])
    assert torch.equal(again.weight, network.weight)
    assert torch.equal(average.shadow_params[0], network.weight)
    assert average.optimization_step == 3
    for key in ("exp_avg", "exp_avg_sq", "step"):
        found, expected = other.state[again.weight][key], optimizer.state[network.weight][key]
        assert torch.equal(found, expected)


def test_another_networks_state_is_refused_in_one_line(state):
    folder, _, _ = state
    other = nn.Linear(3, 3)
    optimizer = torch.optim.AdamW(other.parameters())
    with pytest.raises(TrainingError, match=r"is damaged: .*; resume=false starts over$") as caught:
        load_state(folder, other, None, [optimizer])
    assert "\n" not in str(caught.value)


def test_a_torn_file_is_told(state):
    folder, _, _ = state
    (folder / "progress.json").write_text('{"step": 3')
    with pytest.raises(TrainingError, match="is damaged"):
        load_progress(folder)


def test_without_a_whole_state_there_is_none(tmp_path):
    assert latest_state(tmp_path / "nothing") is None
    (tmp_path / "00000004.part").mkdir()
    assert latest_state(tmp_path) is None
