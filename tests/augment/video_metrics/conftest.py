"""Clips of the simulator: two bottles being lifted, as it is and in another appearance."""

import pytest
import torch
from rendered_clips import THINGS, part, play, smaller

from augment.video_metrics.depth_net import DepthNet
from augment.video_metrics.depth_training import DepthEstimation, as_item
from learning.accelerator import make_accelerator
from learning.batch import collate
from learning.learner import Learner
from learning.optimization import Optimization


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
    frames = [
        as_item(part(smaller(clip, 3), slice(frame, frame + 1)))
        for clip in (true_clip, other_clip)
        for frame in range(0, clip.frames, 2)
    ]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = DepthNet()
    optimization = Optimization(60, 3, 2e-3, weight_decay=1e-4, warmup_steps=6)
    accelerator = make_accelerator("cpu", "fp32")
    learner = Learner(DepthEstimation(net), optimization, accelerator, "fp32", 0)
    order = torch.Generator().manual_seed(0)
    for step in range(optimization.steps):
        drawn = torch.randperm(len(frames), generator=order)[: optimization.batch_size]
        learner.step(step, [collate([frames[each] for each in drawn])])
    torch.set_num_threads(threads)
    return net.eval()
