"""How good a generated multi-view video is, given the geometry that it was generated for.

EMMA's abstract (arXiv 2509.22407) names three axes: multi-view consistency, geometric accuracy and
text-conditioning precision. The paper's matcher, depth estimator and text model are not known to
us, nor are the filter's scores; everything here is a **reconstruction** that uses what a simulator
knows exactly: depth, cameras and which thing each pixel shows.

    lab               colors as people see them
    correspondence    where the surface points of one picture are in another
    reprojection      consistency across views and over time
    patch_matching    what counts as a matched pixel
    edges, geometry   edges against depth discontinuities; errors of an estimated depth
    depth_net, depth_training   a small monocular depth estimator
    color_names, attributes     whether regions and light are as the prompt says
    clip_score        CLIP similarity with the prompt, where weights are there
    diversity         how different several appearances of one source are
    scores            all scores of a clip; quality_filter drops the worst clips by them
"""
