"""All scores of a clip, by name."""

from __future__ import annotations

from collections.abc import Sequence

from augment.clip import Clip, ClipError
from augment.video_metrics.attributes import KINDS, Claim, attribute_accuracy
from augment.video_metrics.clip_score import PromptSimilarity
from augment.video_metrics.depth_net import DepthNet, estimated_depth
from augment.video_metrics.geometry import depth_errors, edge_agreement
from augment.video_metrics.reprojection import cross_view, over_time


def clip_scores(
    clip: Clip,
    *,
    source: Clip | None = None,
    claims: Sequence[Claim] = (),
    depth_net: DepthNet | None = None,
    prompt: str | None = None,
    prompt_similarity: PromptSimilarity | None = None,
) -> dict[str, float]:
    """Scores of a clip. What cannot be said of it is not there; nothing is NaN.

        cross_view_difference   Delta E of a surface point between views       lower is better
        cross_view_points       surface points compared, a frame
        matched_pixels          pixels matched between views, a frame          higher
        over_time_difference    Delta E of a resting point between frames      lower
        over_time_points        surface points compared, a step
        edge_precision          picture edges that are edges of the depth      higher
        edge_recall             edges of the depth that are picture edges      higher
        edge_f1                 harmonic mean of both                          higher
        depth_abs_rel           of the estimated depth; with `depth_net`       lower
        depth_sq_rel            m                                              lower
        depth_rmse              m                                              lower
        depth_within_1_25                                                      higher
        attribute_accuracy      part of the claims that hold; with `claims`    higher
        color_accuracy          of those of a kind; likewise pattern_accuracy,
                                brightness_accuracy, temperature_accuracy      higher
        prompt_similarity       CLIP's; with `prompt_similarity`               higher

    Args:
        clip: The clip.
        source: What a generated clip was made from; claims about light need it.
        claims: What its prompt says (`attributes`).
        depth_net: Estimates depth.
        prompt: Its prompt.
        prompt_similarity: Compares it with the prompt.

    Raises:
        ClipError: If a claim needs a source or a segmentation that is not there, or a similarity
            a prompt.
    """
    views, time = cross_view(clip), over_time(clip)
    scores: dict[str, float | None] = {
        "cross_view_difference": views.difference,
        "cross_view_points": views.points,
        # Where no view sees what another does, that nothing matches says nothing.
        "matched_pixels": views.matched if views.points else None,
        "over_time_difference": time.difference,
        "over_time_points": time.points,
    }
    edges = edge_agreement(clip)
    if edges is not None:
        scores |= {f"edge_{name}": value for name, value in edges._asdict().items()}
    if depth_net is not None and (clip.depth > 0).any():
        errors = depth_errors(estimated_depth(depth_net, clip), clip.depth)
        scores |= {f"depth_{name}": value for name, value in errors._asdict().items()}
    if claims:
        references = None if source is None else [source]
        scores["attribute_accuracy"] = attribute_accuracy([clip], [claims], references)
        for kind in KINDS:
            of_kind = [claim for claim in claims if claim.kind == kind]
            scores[f"{kind}_accuracy"] = attribute_accuracy([clip], [of_kind], references)
    if prompt_similarity is not None:
        if prompt is None:
            raise ClipError("the similarity with a prompt needs a prompt")
        scores["prompt_similarity"] = prompt_similarity(clip, prompt)
    return {name: float(value) for name, value in scores.items() if value is not None}
