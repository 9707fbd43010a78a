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
