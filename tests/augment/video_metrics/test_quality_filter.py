import json

import broken_videos
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from rendered_clips import part

from augment.clip import ClipError
from augment.video_metrics.quality_filter import HIGHER_IS_BETTER, filter_clips
from augment.video_metrics.scores import clip_scores

TRUE = [{"matched_pixels": 100.0 + i, "cross_view_difference": 1.0 + i / 50} for i in range(9)]
GOOD = {"matched_pixels": 105.0, "cross_view_difference": 1.1}


def test_the_worst_go_first_and_the_report_says_why():
    generated = [
        GOOD,
        {**GOOD, "cross_view_difference": 2.0},
        {**GOOD, "cross_view_difference": 9.0},
        {**GOOD, "matched_pixels": 20.0, "cross_view_difference": 2.0},
    ]
    result = filter_clips(generated, TRUE, drop_at_most=0.5)
    assert result.kept == (0, 1)
    assert [(fault.clip, fault.score) for fault in result.dropped] == [
        (2, "cross_view_difference"),
        (3, "matched_pixels"),
    ]
    assert [fault.clip for fault in result.spared] == [1]
    worst = result.dropped[0]
    assert worst.value == 9.0
    assert worst.threshold == result.thresholds["cross_view_difference"]
    assert worst.deviations == pytest.approx((9.0 - 1.08) / (1.4826 * 0.04))
    assert json.loads(json.dumps(result.as_data()))["dropped"][0]["score"] == worst.score


def test_better_than_true_is_no_fault():
    better = {"matched_pixels": 1e6, "cross_view_difference": 0.0}
    assert filter_clips([better], TRUE, drop_at_most=1.0).kept == (0,)


@pytest.mark.parametrize(("share", "dropped"), [(0, 0), (0.05, 5), (0.07, 7), (0.079, 7), (1, 100)])
def test_no_more_than_a_share_is_dropped(share, dropped):
    bad = [{**GOOD, "matched_pixels": float(-i)} for i in range(100)]
    result = filter_clips(bad, TRUE, drop_at_most=share)
    assert len(result.dropped) == dropped
    assert len(result.kept) + dropped == 100
    assert set(result.kept) == set(range(100 - dropped))


def test_scores_that_are_absent_or_not_used_do_not_count():
    generated = [{}, {"cross_view_points": -1e9, **GOOD}, {"depth_rmse": 1e9, **GOOD}]
    assert filter_clips(generated, TRUE, drop_at_most=1.0).kept == (0, 1, 2)


def test_true_clips_that_agree_exactly_still_leave_room():
    true = [{"attribute_accuracy": 1.0}] * 5
    generated = [{"attribute_accuracy": value} for value in (1.0, 0.9, 0.5)]
    assert filter_clips(generated, true, drop_at_most=1.0).kept == (0, 1)


scores = st.dictionaries(
    st.sampled_from(sorted(HIGHER_IS_BETTER)), st.floats(-1e3, 1e3), max_size=4
)


@settings(max_examples=80, deadline=None)
@given(st.lists(scores, max_size=12), st.lists(scores, min_size=1, max_size=8), st.floats(0, 1))
def test_every_clip_is_kept_or_dropped_once(generated, true, share):
    if not any(true):
        with pytest.raises(ClipError, match="none of the scores"):
            filter_clips(generated, true)
        return
    result = filter_clips(generated, true, drop_at_most=share)
    gone = [fault.clip for fault in result.dropped]
    assert sorted([*result.kept, *gone]) == list(range(len(generated)))
    assert len(gone) <= share * len(generated) + 1e-6
    assert all(fault.deviations > 3 for fault in (*result.dropped, *result.spared))
    ranks = [fault.deviations for fault in (*result.dropped, *result.spared)]
    assert ranks == sorted(ranks, reverse=True)
    assert {fault.clip for fault in result.spared} <= set(result.kept)


@pytest.mark.parametrize(
    "options", [{"deviations": 0}, {"drop_at_most": 1.1}], ids=["deviations", "share"]
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ClipError, match="must be positive"):
        filter_clips([], TRUE, **options)


def test_broken_videos_are_dropped(true_clip, other_clip):
    """Whole clips of three frames: true ones to compare with, and a generated set with bad ones."""
    pieces = [
        part(clip, slice(first, first + 3))
        for first in range(0, 6, 2)
        for clip in (true_clip, other_clip)
    ]
    true = [clip_scores(piece) for piece in pieces[::2] + pieces[1::2]]
    ways = (
        broken_videos.views_shuffled,
        broken_videos.warped,
        broken_videos.flickering,
        broken_videos.blank,
    )
    good = [part(other_clip, slice(first, first + 3)) for first in (1, 3, 5)]
    generated = [clip_scores(clip) for clip in good]
    generated += [clip_scores(way(pieces[3])) for way in ways]
    result = filter_clips(generated, true, deviations=4.0, drop_at_most=len(ways) / len(generated))
    assert {fault.clip for fault in result.dropped} == {3, 4, 5, 6}
    reasons = {fault.clip: fault.score for fault in result.dropped}
    assert reasons[5] == "over_time_difference"
    assert np.isfinite([fault.deviations for fault in result.dropped]).all()
