import pytest

from augment.baselines.color_jitter import ColorJitter
from augment.restyling import RestylingError, ordered_views


class Stereo(ColorJitter):
    name = "stereo"
    cameras = ("left", "right")


def test_views_come_in_the_order_that_the_restyler_wants():
    assert ordered_views(Stereo(), ["right", "left"]) == ("left", "right")
    assert ordered_views(ColorJitter(), ["right", "left"]) == ("right", "left")


@pytest.mark.parametrize("cameras", [["left"], ["left", "right", "front"], []], ids=str)
def test_other_views_are_refused(cameras):
    with pytest.raises(RestylingError, match="stereo restyles the views left, right together"):
        ordered_views(Stereo(), cameras)
