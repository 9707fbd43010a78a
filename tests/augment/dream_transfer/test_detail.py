import pytest
import torch

from augment.dream_transfer.detail import DepthGuidedDetail


@pytest.fixture(autouse=True)
def _deterministic():
    torch.manual_seed(1)


def made(seed=0):
    torch.manual_seed(seed)
    return DepthGuidedDetail(channels=(8, 16), layers=1)


def test_it_begins_by_changing_nothing():
    pictures, depth = torch.rand(2, 4, 3, 16, 32) * 2 - 1
    assert torch.equal(made()(pictures, depth), pictures)


def test_views_of_panoramas_are_seen_alone():
    network = made()
    torch.nn.init.normal_(network.unet.conv_out.weight, std=0.1)
    video, depth = torch.rand(2, 2, 3, 5, 16, 48) * 2 - 1
    with torch.no_grad():
        whole = network.of_panoramas(video, depth, views=3)
        alone = network(
            video[1, :, :, :, 16:32].transpose(0, 1), depth[1, :, :, :, 16:32].transpose(0, 1)
        )
    torch.testing.assert_close(whole[1, :, :, :, 16:32].transpose(0, 1), alone.clamp(-1, 1))
    assert whole.abs().max() <= 1
    assert not torch.allclose(whole, video)
