import broken_videos
import numpy as np
import pytest
import torch
from rendered_clips import part, smaller

from augment.clip import ClipError
from augment.video_metrics.depth_net import DepthNet, estimated_depth
from augment.video_metrics.depth_training import train_depth_net
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


def test_training_is_a_function_of_its_arguments(true_clip):
    clips = [smaller(true_clip, 4)]
    losses = [], []
    for told in losses:
        train_depth_net(
            clips,
            3,
            torch.Generator().manual_seed(1),
            batch_size=2,
            log=lambda step, loss, told=told: told.append((step, loss)),
        )
    assert losses[0] == losses[1]
    assert [step for step, _ in losses[0]] == [0, 1, 2]


def test_depth_lies_between_its_bounds_at_any_size():
    net = tiny(nearest=0.1, farthest=2.0).eval()
    depth = net(torch.rand(2, 3, 17, 22))
    assert depth.shape == (2, 17, 22)
    assert (depth > 0.1).all()
    assert (depth < 2.0).all()


def test_it_has_half_a_million_parameters():
    assert 3e5 < sum(each.numel() for each in DepthNet().parameters()) < 6e5


def test_views_can_be_told_apart(true_clip):
    net = tiny(views=3).eval()
    picture = torch.rand(1, 3, 16, 16)
    one, other = (net(picture, torch.tensor([view])) for view in (0, 2))
    assert not torch.equal(one, other)
    with pytest.raises(ClipError, match="tells 3 views apart"):
        net(picture)
    small = smaller(true_clip, 4)
    assert estimated_depth(net, small).shape == small.depth.shape
    with pytest.raises(ClipError, match="knows 2 views, the clip has 3"):
        estimated_depth(tiny(views=2), small)


def test_estimates_do_not_depend_on_the_batch(true_clip):
    net, clip = tiny(views=3), smaller(part(true_clip, slice(0, 3)), 4)
    whole, single = (estimated_depth(net, clip, size) for size in (9, 2))
    np.testing.assert_allclose(whole, single, rtol=1e-4)


def test_a_saved_network_is_the_same(tmp_path):
    net = tiny(views=3).eval()
    net.save_pretrained(tmp_path)
    assert (tmp_path / "diffusion_pytorch_model.safetensors").is_file()
    again = DepthNet.from_pretrained(tmp_path)
    picture, view = torch.rand(1, 3, 16, 16), torch.tensor([1])
    assert torch.equal(net(picture, view), again(picture, view))


def test_there_must_be_something_to_learn_from():
    with pytest.raises(ClipError, match="no clips"):
        train_depth_net([], 1, torch.Generator())
