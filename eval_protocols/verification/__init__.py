"""Verifying results by replaying their actions."""

from eval_protocols.verification.verification import NOT_SHOWN, Verdict, verify

__all__ = ["NOT_SHOWN", "Verdict", "verify"]
