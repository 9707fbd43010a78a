import pytest
import torch

from augment.dream_transfer.panorama import (
    apart,
    panorama_to_views,
    side_by_side,
    views_to_panorama,
)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_inverse_is_exact_for_every_level(count):
    levels = torch.arange(256, dtype=torch.uint8).view(1, 1, 1, 16, 16, 1)
    views = levels.repeat(2, 3, count, 1, 1, 3)
    views[:, 1] = 255 - views[:, 1]
    views[:, :, -1] = views[:, :, -1].flip(-2)
    panorama = views_to_panorama(views)
    assert panorama.shape == (2, 3, 3, 16, 16 * count)
    assert panorama.min() == -1
    assert panorama.max() == 1
    assert torch.equal(panorama_to_views(panorama, count), views)


def test_views_stand_from_left_to_right():
    views = torch.arange(3, dtype=torch.uint8).view(1, 1, 3, 1, 1, 1).expand(1, 1, 3, 2, 4, 3)
    panorama = side_by_side(views)
    assert panorama[0, 0, 0].tolist() == [[0] * 4 + [1] * 4 + [2] * 4] * 2
    assert torch.equal(apart(panorama, 3), views)


def test_what_lies_outside_is_clipped():
    panorama = torch.tensor([-3.0, 3.0]).view(1, 1, 1, 1, 2)
    assert panorama_to_views(panorama, 1).flatten().tolist() == [0, 255]


def test_wrong_pictures_are_refused():
    with pytest.raises(ValueError, match="must be uint8"):
        views_to_panorama(torch.zeros(1, 1, 1, 2, 2, 3))
    with pytest.raises(ValueError, match="8 wide is not 3 views"):
        apart(torch.zeros(1, 3, 1, 2, 8), 3)
