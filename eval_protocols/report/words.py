"""Names and numbers as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

MINUS = "\N{MINUS SIGN}"


def readable(name: str) -> str:
    """A name of a task or check in words: `block_hammer_beat` becomes "block hammer beat"."""
    return name.replace("_", " ").strip() or name


def capitalized(text: str) -> str:
    """A text with a capital at its beginning, and no other letter changed."""
    return text[:1].upper() + text[1:]


def title(name: str) -> str:
    """A name in words that begins with a capital."""
    return capitalized(readable(name))


def percent(rate: float | None) -> str:
    """A rate as a percentage with one decimal, without one at 0 and 1; "none" where there is none.

    Retention may be above 1.
    """
    if rate is None:
        return "none"
    return f"{100 * rate:.0f}%" if rate in (0.0, 1.0) else f"{100 * rate:.1f}%"


def points(difference: float, decimals: int = 1) -> str:
    """A difference of two rates in points of percentage, with its sign."""
    text = f"{100 * difference:+.{decimals}f}".replace("-", MINUS)
    return text if text.strip(f"+{MINUS}0.") else "0"


def p_value(value: float) -> str:
    """A p-value with two significant digits."""
    return "< 0.0001" if value < 1e-4 else f"{value:.2g}" if value < 0.995 else "1"


def number(value: float | None, decimals: int = 1) -> str:
    """A number with thousands separated; "none" where there is none."""
    return "none" if value is None else f"{value:,.{decimals}f}"


def duration(seconds: float) -> str:
    """A time in s, in words."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def day(timestamp: str) -> str:
    """Day and time of an ISO 8601 timestamp."""
    try:
        moment = datetime.fromisoformat(timestamp.replace("Z", "+00:00"))
    except ValueError:  # the schema lets through the 31st of February
        return timestamp
    zone = moment.strftime("%z")
    return moment.strftime("%Y-%m-%d %H:%M ") + ("UTC" if zone == "+0000" else f"UTC{zone}")


def observed(observes: Mapping[str, Any]) -> str:
    """What a policy sees."""
    modes = {"state": "state, no pictures", "rgb": "colour pictures", "rgbd": "colour and depth"}
    words = modes.get(observes["obs_mode"], "point clouds")
    if observes["cameras"]:
        words += f" from {', '.join(observes['cameras'])}"
    if observes["resolution"]:
        words += f" at {observes['resolution'][0]} x {observes['resolution'][1]}"
    if observes["history"] > 1:
        words += (
            f"; the last {observes['history']}, {observes['history_stride']} control steps apart"
        )
    return words


def trained_on(training: Mapping[str, Any]) -> str:
    """What a policy was trained on."""
    names = {"none": "Nothing", "other": "Other data"}
    words = names.get(training["name"], title(training["name"]))
    if training["description"]:
        words += f": {training['description']}"
    if training["seed"] is not None:
        words += f" Training seed {training['seed']}."
    return words


def drawn_value(variations: Mapping[str, Any], name: str | None, limit: int = 24) -> str:
    """The value that was drawn for a variation, if it is one short number or word."""
    value = variations.get(name or "")
    if isinstance(value, dict) and value:
        each = list(value.values())
        value = each[0] if all(other == each[0] for other in each) else None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return ""
    text = value if isinstance(value, str) else f"{value:+.4g}".replace("-", MINUS)
    return text if len(text) <= limit else ""
