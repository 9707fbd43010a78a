"""The weights that come with the package: pictures are generated and judged without training.

Contents:
    weights: where they lie.
    ship: puts trained ones there.
"""
