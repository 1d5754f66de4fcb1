"""Numbers and durations in words."""

import math


def duration(seconds: float) -> str:
    """A duration as one reads it: "4 s", "3 min 20 s", "2 h 5 min"."""
    seconds = max(0, math.ceil(seconds))
    if seconds < 60:
        return f"{seconds} s"
    minutes, rest = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def number(value: float | None) -> str:
    """A number with four significant digits, or a dash."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.4g}"
