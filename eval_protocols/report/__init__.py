"""The report: one page for people, made of a result and its videos; it loads nothing."""

from eval_protocols.report.page import write_report

__all__ = ["write_report"]
