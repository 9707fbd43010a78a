"""Comparing two policies under one protocol: which is better, by how much, how sure."""

from eval_protocols.comparison.checks import NotComparableError, Run, side_names
from eval_protocols.comparison.comparison import Comparison, FactorContrast, Gain, compare
from eval_protocols.comparison.contrasts import Contrast

__all__ = [
    "Comparison",
    "Contrast",
    "FactorContrast",
    "Gain",
    "NotComparableError",
    "Run",
    "compare",
    "side_names",
]
