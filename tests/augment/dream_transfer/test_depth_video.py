import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from augment.dream_transfer.depth_video import FARTHEST, INVALID, DepthEncoding

DEPTHS = st.lists(st.floats(0.0625, 2.0, width=32), min_size=1, max_size=8)
SCALES = pytest.mark.parametrize("scale", ["inverse", "log"])


def row(depths):
    """One frame of one view."""
    return torch.tensor(depths, dtype=torch.float32).view(1, 1, 1, 1, -1)


@SCALES
@given(depths=DEPTHS)
def test_the_inverse_gives_depth_back(scale, depths):
    encoding = DepthEncoding(scale=scale)
    video = encoding.to_video(row(depths))
    assert video.shape == (1, 3, 1, 1, len(depths))
    assert video.abs().max() <= 1
    torch.testing.assert_close(encoding.to_depth(video, 1), row(depths), rtol=3e-6, atol=0)


@SCALES
@given(depths=DEPTHS)
def test_what_is_closer_is_brighter(scale, depths):
    depths = sorted(set(depths))
    value = DepthEncoding(scale=scale).to_video(row(depths))[0, 0].flatten()
    assert (value.diff() <= 0).all()
    apart = torch.tensor(depths).diff() > 1e-5
    assert (value.diff()[apart] < 0).all()


@SCALES
def test_the_ends_are_clipped_and_invalid_is_neither(scale):
    encoding = DepthEncoding(0.1, 1.0, scale)
    value = encoding.to_video(row([0.0, 0.02, 0.1, 1.0, 50.0]))[0, 0].flatten()
    torch.testing.assert_close(value, torch.tensor([INVALID, 1.0, 1.0, FARTHEST, FARTHEST]))
    back = encoding.to_depth(value.expand(1, 3, 1, 1, 5), 1)
    torch.testing.assert_close(back, row([0.0, 0.1, 0.1, 1.0, 1.0]))


def test_one_scale_holds_for_all_frames_and_views(depth):
    encoding = DepthEncoding()
    video = encoding.to_video(depth)
    assert video.shape == (2, 3, 5, 16, 64)
    alone = encoding.to_video(depth[1:, 3:4, 1:])
    assert torch.equal(video[1:, :, 3:4, :, 32:], alone)
    torch.testing.assert_close(encoding.to_depth(video, 2), depth)


def test_slopes_show_a_plate_as_the_depth_does_not():
    plate = torch.full((1, 1, 1, 24, 64), 0.7)
    plate[..., 8:16, 24:40] -= 0.01
    close, right, down = DepthEncoding(scale="log").to_video(plate)[0, :, 0]
    assert close.max() - close.min() < 0.01
    assert right[12, 24] < -0.1 < 0.1 < right[12, 39]
    assert down[8, 32] < -0.1 < 0.1 < down[15, 32]
    assert right[12, 28:36].abs().max() == down[:, :20].abs().max() == 0


def test_slopes_are_as_steep_at_every_resolution():
    distance = torch.linspace(-0.7, -0.4, 128).exp().view(1, 1, 1, 1, -1).repeat(1, 1, 1, 32, 1)
    fine, coarse = (
        DepthEncoding().to_video(each)[0, 1, 0] for each in (distance, distance[..., ::2, ::2])
    )
    assert fine.min() > 0.1
    torch.testing.assert_close(coarse, fine[::2, ::2], rtol=1e-2, atol=0)


def test_slopes_beside_what_is_unknown_are_none():
    distance = torch.linspace(0.5, 0.8, 64).view(1, 1, 1, 1, -1).repeat(1, 1, 1, 9, 1)
    distance[..., 4, 32] = 0
    right, down = DepthEncoding().to_video(distance)[0, 1:, 0]
    assert (right[4] == 0).nonzero().flatten().tolist() == [31, 33]
    assert right[4, 32] > 0.1
    assert down.abs().max() == 0


@pytest.mark.parametrize("bad", [-0.1, float("nan"), float("inf")], ids=str)
def test_impossible_depth_is_refused(bad):
    with pytest.raises(ValueError, match="0 is invalid"):
        DepthEncoding().to_video(row([0.5, bad]))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"near": 0.0}, "0 < near < far"),
        ({"near": 3.0}, "0 < near < far"),
        ({"scale": "metric"}, "valid are inverse, log"),
    ],
    ids=["at_zero", "behind_far", "unknown_scale"],
)
def test_wrong_encodings_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        DepthEncoding(**fields)
