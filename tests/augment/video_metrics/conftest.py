"""Clips of the simulator: two bottles being lifted, as it is and in another appearance."""

import pytest
import torch
from rendered_clips import THINGS, part, play, smaller

from augment.video_metrics.depth_net import DepthNet
from augment.video_metrics.depth_training import train_depth_net


@pytest.fixture(scope="session")
def true_clip(renderer):
    """Nine frames of a red and a green bottle."""
    return play({})


@pytest.fixture(scope="session")
def other_clip(renderer):
    """The same episode: a mustard and a beige bottle on another table."""
    return play(
        {
            "object_appearance": {"numbers": [10, 11, 12, 13]},
            "table_texture": {"size": [1, 1]},
        }
    )


@pytest.fixture(scope="session")
def bright_clip(renderer):
    """The first frame in twice the light."""
    return play({"light_intensity": {"size": [1, 1]}}, frames=1)


@pytest.fixture(scope="session")
def things(true_clip):
    """Ids of some things in these clips."""
    return THINGS


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def depth_net(true_clip, other_clip):
    """A network that has seen a few dozen small pictures."""
    learned = [part(smaller(clip, 3), slice(0, None, 2)) for clip in (true_clip, other_clip)]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = DepthNet(views=3)
    train_depth_net(learned, 60, torch.Generator().manual_seed(0), net=net)
    torch.set_num_threads(threads)
    return net
