import broken_videos
import numpy as np
import pytest
import torch
from rendered_clips import part, smaller

from augment.video_metrics.depth_net import DepthNet, estimated_depth
from augment.video_metrics.geometry import depth_errors

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def held_out(true_clip):
    """Frames that the network has not seen."""
    return part(smaller(true_clip, 3), slice(1, None, 2))


def test_it_learns_more_than_a_constant(depth_net, true_clip, held_out):
    errors = depth_errors(estimated_depth(depth_net, held_out), held_out.depth)
    seen = part(smaller(true_clip, 3), slice(0, None, 2)).depth
    # The best constants, of the mean absolute and squared error.
    for constant in (np.exp(np.log(seen).mean()), np.median(seen), seen.mean()):
        naive = depth_errors(np.full_like(held_out.depth, constant), held_out.depth)
        assert errors.abs_rel < 0.6 * naive.abs_rel
        assert errors.sq_rel < 0.6 * naive.sq_rel
        assert errors.rmse < naive.rmse
        assert errors.within_1_25 > naive.within_1_25


@pytest.mark.parametrize(
    "broken",
    [broken_videos.views_shuffled, broken_videos.time_reversed, broken_videos.blank],
    ids=lambda broken: broken.__name__,
)
def test_it_sees_another_depth_in_a_picture_of_something_else(broken, depth_net, held_out):
    true = depth_errors(estimated_depth(depth_net, held_out), held_out.depth)
    false = depth_errors(estimated_depth(depth_net, broken(held_out)), held_out.depth)
    assert false.abs_rel > 1.5 * true.abs_rel
    assert false.sq_rel > 1.5 * true.sq_rel


def tiny(**options):
    torch.manual_seed(0)
    return DepthNet(channels=(8, 12), **options)


def test_depth_lies_between_its_bounds_at_any_size():
    net = tiny(nearest=0.1, farthest=2.0).eval()
    depth = net(torch.rand(2, 3, 17, 22))
    assert depth.shape == (2, 17, 22)
    assert (depth > 0.1).all()
    assert (depth < 2.0).all()


def test_it_has_half_a_million_parameters():
    assert 3e5 < sum(each.numel() for each in DepthNet().parameters()) < 6e5


def test_estimates_do_not_depend_on_the_batch(true_clip):
    net, clip = tiny(), smaller(part(true_clip, slice(0, 3)), 4)
    whole, single = (estimated_depth(net, clip, size) for size in (9, 2))
    np.testing.assert_allclose(whole, single, rtol=1e-4)


def test_a_saved_network_is_the_same(tmp_path):
    net = tiny().eval()
    net.save_pretrained(tmp_path)
    assert (tmp_path / "diffusion_pytorch_model.safetensors").is_file()
    again = DepthNet.from_pretrained(tmp_path)
    picture = torch.rand(1, 3, 16, 16)
    assert torch.equal(net(picture), again(picture))
