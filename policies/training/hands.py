"""How one hand sees and does the tasks that RL baselines are known to learn."""

from __future__ import annotations

from typing import Any

import numpy as np

_LEAN = _TILT = np.deg2rad(20.0)

TASK_HANDS: dict[str, dict[str, Any]] = {
    # The hand leans forward, to reach apples that lie far away.
    "pick_apple_messy": {
        "approach": [0.0, float(np.sin(_LEAN)), float(-np.cos(_LEAN))],
        "closing": [1.0, 0.0, 0.0],
        "low": [-0.05, -0.25, 0.022],
        "high": [0.32, 0.12, 0.18],
        "step": 0.06,
    },
    # The handle's middle is 3 to 6 cm behind the tool's; a hand tilted to the middle reaches there.
    "tool_adjust": {
        "point": [-0.042, 0.0, 0.0],
        "approach": [float(-np.sin(_TILT)), 0.0, float(-np.cos(_TILT))],
        "closing": [0.0, 1.0, 0.0],
        "low": [0.0, -0.22, 0.022],
        "high": [0.28, 0.03, 0.18],
        "step": 0.06,
    },
}
"""Settings of `envs.wrappers.OneHand` by task; other tasks begin with its defaults."""
