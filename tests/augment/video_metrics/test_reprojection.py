import broken_videos
import numpy as np
import pytest
from plane_scene import CARD_HALF, camera, fine, scene
from rendered_clips import part

from augment.clip import Clip
from augment.video_metrics.correspondence import Geometry, correspond
from augment.video_metrics.reprojection import cross_view, over_time

TWO = [
    camera((0.3, -0.2, 1.0), (0.0, 0.0, 0.0)),
    camera((-0.3, -0.1, 1.1), (0.05, 0.0, 0.0), focal=110.0, squeeze=1.3),
]


def geometry(clip, view):
    return Geometry(clip.depth[:, view], clip.intrinsic_cv[:, view], clip.extrinsic_cv[:, view])


def test_points_of_a_plane_are_found_where_they_are():
    clip = scene(TWO)
    found = correspond(geometry(clip, 0), geometry(clip, 1))
    places = []
    for view in (0, 1):
        rows, columns = np.mgrid[: clip.rgb.shape[2], : clip.rgb.shape[3]] + 0.5
        pixels = np.stack([columns, rows, np.ones_like(rows)], axis=-1)
        rays = pixels @ np.linalg.inv(clip.intrinsic_cv[0, view]).T
        points = clip.depth[0, view][..., None] * rays
        world_from_camera = np.linalg.inv(clip.extrinsic_cv[0, view])
        places.append((points @ world_from_camera[:3, :3].T + world_from_camera[:3, 3])[None])
    here = found.seen(places[0].astype(np.float32))
    # Positions on a plane are not linear between pixels, but nearly so.
    there = found.seen_by_other(places[1].astype(np.float32))
    assert len(here) > 2000
    assert np.abs(here - there).max() < 2e-4
    np.testing.assert_allclose(found.weights.sum(axis=0), 1, atol=1e-6)


def test_a_plane_is_consistent_up_to_interpolation():
    consistency = cross_view(scene(TWO))
    assert consistency.points > 2000
    assert consistency.difference < 0.6  # uint8 alone makes about 0.4
    assert consistency.matched > 0.95 * consistency.points


@pytest.mark.parametrize("millimetres", [5, 20])
def test_a_camera_that_is_elsewhere_shows(millimetres):
    clip = scene(TWO)
    moved = clip.extrinsic_cv.copy()
    moved[:, 1, 0, 3] += millimetres / 1000
    wrong = Clip(clip.rgb, clip.depth, clip.intrinsic_cv, moved)
    assert cross_view(wrong).difference > 0.2 * millimetres + cross_view(clip).difference


def test_what_is_hidden_is_not_compared():
    clip = scene(TWO, cards=((0.0, 0.0),))
    consistency = cross_view(clip)
    assert consistency.difference < 0.6
    # The card hides different parts of the floor from each camera.
    floor = cross_view(scene(TWO))
    assert 0.5 * floor.points < consistency.points < floor.points
    blind = Clip(clip.rgb, scene(TWO).depth, clip.intrinsic_cv, clip.extrinsic_cv)
    assert cross_view(blind).difference > 10


def test_details_that_a_far_camera_cannot_see_are_not_held_against_it():
    far, near = camera((0.0, -0.1, 3.0), (0, 0, 0)), camera((0.0, -0.05, 0.3), (0, 0, 0))
    clip = scene([far, near], texture=fine)
    source, target = geometry(clip, 1), geometry(clip, 0)
    assert len(correspond(source, target).source) == 0, "nothing is looked up in the far one"
    both = correspond(target, source)
    assert len(both.source) > 30
    # Colors at the borders of squares are mixed.
    seen = np.abs(both.seen(clip.rgb[:, 0] * 1.0) - both.seen_by_other(clip.rgb[:, 1] * 1.0))
    assert np.median(seen) < 2


def test_things_that_move_are_left_out_in_time():
    still = over_time(scene(TWO, cards=((0, 0), (0, 0))))
    assert still.difference < 1e-3
    step = 2 * CARD_HALF
    moving = scene(TWO, cards=((0, 0), (step, 0)))
    judged = over_time(moving)
    assert judged.difference < 0.6
    assert 0.5 * still.points < judged.points < still.points


def test_light_that_changes_shows_in_time_only():
    clip = scene(TWO, cards=(None, None))
    rgb = clip.rgb.copy()
    rgb[1] = rgb[1] // 2
    changed = clip.with_rgb(rgb)
    assert over_time(changed).difference > 15
    assert cross_view(changed).difference < 0.6


def test_pictures_without_a_common_point_have_no_difference():
    away = camera((30.0, 0.0, 1.0), (30.0, 0.1, 0.0))
    apart = cross_view(scene([TWO[0], away]))
    assert apart == (None, 0, 0)
    clip = scene(TWO[:1])
    assert cross_view(clip) == (None, 0, 0), "there is one view"
    assert over_time(clip) == (None, 0, 0), "there is one frame"
    nothing = Clip(clip.rgb, 0 * clip.depth, clip.intrinsic_cv, clip.extrinsic_cv)
    assert correspond(geometry(nothing, 0), geometry(clip, 0)).source.size == 0


@pytest.fixture(scope="module")
def clips(true_clip, other_clip):
    """Five frames of each, and how consistent they are across views and over time."""
    pieces = [part(clip, slice(0, None, 2)) for clip in (true_clip, other_clip)]
    return [(piece, cross_view(piece), over_time(piece)) for piece in pieces]


def test_simulator_pictures_are_consistent(clips):
    for _, views, time in clips:
        assert views.difference < 0.8
        assert views.points > 3000
        assert views.matched > 300
        assert time.difference < 2  # shadows of the arms move
        assert time.points > 20_000


@pytest.mark.parametrize(
    "broken",
    [
        broken_videos.views_shuffled,
        broken_videos.one_view_recolored,
        broken_videos.warped,
        broken_videos.blurred,
        broken_videos.time_reversed,
    ],
    ids=lambda broken: broken.__name__,
)
def test_views_that_do_not_agree_show(broken, clips):
    for clip, true, _ in clips:
        false = cross_view(broken(clip))
        assert false.difference > 4 * true.difference
        assert false.matched < 0.7 * true.matched
        assert false.points == true.points, "only colors have changed"


@pytest.mark.parametrize(
    "broken",
    [broken_videos.flickering, broken_videos.views_shuffled, broken_videos.time_reversed],
    ids=lambda broken: broken.__name__,
)
def test_frames_that_do_not_agree_show(broken, clips):
    for clip, _, true in clips:
        assert over_time(broken(clip)).difference > 6 * true.difference


def test_flicker_that_all_views_share_does_not_show_across_views(clips):
    for clip, true, _ in clips:
        assert cross_view(broken_videos.flickering(clip)).difference < 1.2 * true.difference


def test_a_blank_video_is_consistent_but_matches_nothing(clips):
    blank = cross_view(broken_videos.blank(clips[0][0]))
    assert blank.difference < 1e-5
    assert blank.matched == 0
