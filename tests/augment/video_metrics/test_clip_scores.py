import dataclasses

import broken_videos
import numpy as np
import pytest
from rendered_clips import part

from augment.clip import Clip, ClipError
from augment.video_metrics.attributes import Claim
from augment.video_metrics.quality_filter import HIGHER_IS_BETTER
from augment.video_metrics.scores import clip_scores


def similarity(clip, prompt):
    return len(prompt) / 100


@pytest.fixture(scope="module")
def piece(true_clip):
    return part(true_clip, slice(2, 5))


@pytest.fixture(scope="module")
def options(piece, depth_net, things):
    return {
        "source": piece,
        "claims": [
            Claim((things["left_bottle"],), "color", "red"),
            Claim((things["wall"],), "brightness", "normal"),
        ],
        "depth_net": depth_net,
        "prompt": "a red bottle",
        "prompt_similarity": similarity,
    }


def test_there_is_every_score_that_the_filter_uses(piece, options):
    scores = clip_scores(piece, **options)
    assert set(scores) >= set(HIGHER_IS_BETTER)
    assert all(type(value) is float and np.isfinite(value) for value in scores.values())
    assert scores["attribute_accuracy"] == 1
    assert scores["prompt_similarity"] == 0.12


def test_what_is_not_asked_for_is_not_there(piece):
    names = set(clip_scores(piece))
    assert names == {
        "cross_view_difference",
        "cross_view_points",
        "matched_pixels",
        "over_time_difference",
        "over_time_points",
        "edge_precision",
        "edge_recall",
        "edge_f1",
    }


def test_what_cannot_be_said_is_not_there(piece, options):
    one = part(piece, slice(0, 1))
    lone = Clip(**{name: array[:, :1] for name, array in vars(one).items()})
    lone = dataclasses.replace(lone, depth=0 * lone.depth)
    hidden = {**options, "claims": [Claim((999,), "color", "red")]}
    scores = clip_scores(lone, **hidden)
    assert scores == {"cross_view_points": 0, "over_time_points": 0, "prompt_similarity": 0.12}


BROKEN = {
    broken_videos.views_shuffled: ["cross_view_difference", "edge_f1", "depth_abs_rel"],
    broken_videos.one_view_recolored: ["cross_view_difference"],
    broken_videos.warped: ["edge_f1"],
    broken_videos.flickering: ["over_time_difference"],
    broken_videos.blank: ["edge_f1", "depth_abs_rel", "attribute_accuracy"],
}


@pytest.mark.parametrize("way", BROKEN, ids=lambda way: way.__name__)
def test_broken_videos_are_worse_in_what_is_broken(piece, options, way):
    true, scores = (clip_scores(clip, **options) for clip in (piece, way(piece)))
    for name in BROKEN[way]:
        worse = true[name] - scores[name] if HIGHER_IS_BETTER[name] else scores[name] - true[name]
        assert worse > 0, name


def test_a_similarity_needs_a_prompt(piece):
    with pytest.raises(ClipError, match="needs a prompt"):
        clip_scores(piece, prompt_similarity=similarity)
