"""Comparing two policies under one protocol: which is better, by how much, how sure."""

from eval_protocols.comparison.checks import NotComparableError, Run
from eval_protocols.comparison.comparison import Comparison, FactorContrast, compare
from eval_protocols.comparison.contrasts import Contrast

__all__ = [
    "Comparison",
    "Contrast",
    "FactorContrast",
    "NotComparableError",
    "Run",
    "compare",
]
