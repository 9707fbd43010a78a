import broken_videos
import numpy as np
import pytest
from plane_scene import camera, scene, smooth

from augment.video_metrics.edges import depth_edges, near, picture_edges
from augment.video_metrics.geometry import edge_agreement

STEP = 12
"""Column from which a picture is of another color."""


def stepped(left, right):
    picture = np.zeros((2, 20, 30, 3), np.uint8)
    picture[:, :, :STEP], picture[:, :, STEP:] = left, right
    return picture


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((20, 20, 20), (200, 200, 200)),
        ((200, 60, 60), (60, 121, 60)),
        ((90, 90, 90), (120, 120, 120)),
    ],
    ids=["dark_light", "red_green", "faint"],
)
def test_a_step_of_color_is_one_line(left, right):
    edges = picture_edges(stepped(left, right))
    assert (edges.sum(axis=-1) == 1).all()
    assert edges[:, :, STEP - 1 : STEP + 1].any(axis=-1).all()


def test_plain_pictures_and_slopes_have_no_edges():
    assert not picture_edges(np.full((1, 20, 30, 3), 90, np.uint8)).any()
    slope = np.broadcast_to(np.arange(100, 160, 2, dtype=np.uint8)[:, None], (1, 20, 30, 3))
    assert not picture_edges(slope).any()


def test_weak_parts_belong_to_an_edge_that_is_strong_elsewhere():
    picture = stepped((100, 100, 100), (119, 119, 119))
    assert not picture_edges(picture).any()
    picture[:, :, STEP:] += np.arange(20, dtype=np.uint8)[:, None, None]
    edges = picture_edges(picture)
    assert (edges.sum(axis=-1) == 1).all()
    # Between two pictures nothing is carried on.
    picture[1, :, STEP:] = 119
    assert not picture_edges(picture)[1].any()


def test_depth_breaks_off_at_the_card_and_nowhere_on_the_floor():
    flat = camera((0.0, -2.0, 0.25), (0.0, 0.0, 0.0))  # along the floor
    floor = scene([flat])
    assert floor.depth.max() > 3 * floor.depth.min()
    assert not depth_edges(floor.depth).any()
    clip = scene([camera((0.1, -0.2, 1.0), (0, 0, 0))], cards=((0.0, 0.0),))
    edges, card = depth_edges(clip.depth), clip.segmentation > 0
    border = near(card, 1) & near(~card, 1)
    assert edges[border].mean() > 0.95
    assert not edges[~near(card, 1.5)].any()


def test_nothing_is_an_edge_beside_unknown_depth():
    depth = np.ones((10, 12), np.float32)
    depth[:, 6:] = 0
    assert not depth_edges(depth).any()


def test_near_is_a_disc():
    point = np.zeros((3, 9, 9), bool)
    point[1, 4, 4] = True
    assert [int(near(point, tolerance).sum()) for tolerance in (0, 1, 1.5, 2)] == [1, 5, 9, 13]
    assert not near(point, 2)[[0, 2]].any()


def test_a_card_is_found_by_its_color():
    clip = scene([camera((0.1, -0.2, 1.0), (0, 0, 0))], lambda xy: 0 * smooth(xy) + 90, ((0, 0),))
    agreement = edge_agreement(clip)
    assert agreement.precision == 1
    assert agreement.recall > 0.95
    assert agreement.f1 == pytest.approx(2 / (1 + 1 / agreement.recall))
    shifted = edge_agreement(clip.with_rgb(np.roll(clip.rgb, 6, axis=3)))
    assert shifted.f1 < 0.7
    assert edge_agreement(broken_videos.blank(clip)) == (0, 0, 0)
    assert edge_agreement(scene([camera((0.1, -0.2, 1.0), (0, 0, 0))])) is None


def test_simulator_pictures_show_nearly_all_edges_of_their_depth(true_clip, other_clip):
    for clip in (true_clip, other_clip):
        agreement = edge_agreement(clip)
        assert agreement.recall > 0.9
        assert agreement.f1 > 0.6


@pytest.mark.parametrize(
    "broken",
    [broken_videos.warped, broken_videos.views_shuffled, broken_videos.time_reversed],
    ids=lambda broken: broken.__name__,
)
def test_another_geometry_shows(broken, true_clip, other_clip):
    for clip in (true_clip, other_clip):
        true, false = edge_agreement(clip), edge_agreement(broken(clip))
        assert false.recall < 0.7 * true.recall
        assert false.f1 < 0.75 * true.f1


def test_other_colors_have_the_same_edges(true_clip):
    recolored = edge_agreement(broken_videos.one_view_recolored(true_clip))
    assert recolored.f1 == pytest.approx(edge_agreement(true_clip).f1, abs=0.02)
