"""AdaMix: training on hard samples more often, and what it is compared with.

EMMA (arXiv 2509.22407) "adaptively weights samples according to policy performance to emphasize
challenging samples". It measures performance by three metrics, combines them, and samples inversely
to that: train, evaluate, update the weights, go on. So much is known; the equations are not public,
and those here are **our reconstruction**. What the metrics measure is fixed (a squared error, a
norm over joints, a count of frames; `metrics` has them); how they become weights, and when, is all
configurable.

    metrics, joint_limits     how well a policy predicts each trajectory
    difficulty, weight_rules  from metrics to one difficulty, from that to a weight
    reweighting               what decides the weights: the base class
    adamix, uniform, prioritized, group_dro, remix, shuffled    those that there are
    registry                  finds one by its name
    probabilities             from weights to how likely each is; how uneven that is
    alias_table               draws from that
    sampler, sampler_config   the draws of a training, step by step, and their state
    refresh, collapse         what new weights are like; whether they make the loss diverge
    weighted_order            the sampler's draws as the order of a training's items
    page                      who is hard, as a page

A **unit** is what has a weight: a trajectory or, with `per=frame`, a frame. An **item** is what is
drawn, a frame. (Microsoft's AdaMix, a mixture of adapters, is something else.)
"""
