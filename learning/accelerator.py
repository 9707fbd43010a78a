"""What a training runs on: one device, or one in each of several processes."""

from __future__ import annotations

import datetime

from accelerate import Accelerator  # type: ignore[import-untyped]
from accelerate.utils import (  # type: ignore[import-untyped]
    DistributedDataParallelKwargs,
    InitProcessGroupKwargs,
)

from learning.devices import autocast, chosen_device
from learning.errors import TrainingError

LONGEST_WAIT = datetime.timedelta(hours=6)
"""That processes wait for the one that evaluates, or prepares data."""


def make_accelerator(device: str, precision: str) -> Accelerator:
    """The accelerator, of one process or of those that `accelerate launch` has started.

    Args:
        device: One of `learning.devices.DEVICES`.
        precision: One of `learning.devices.PRECISIONS`; only checked, `Learner` is what uses it.

    Raises:
        TrainingError: For another name, or a GPU where there is none.
    """
    try:
        chosen = chosen_device(device)
        autocast(chosen, precision)
    except ValueError as error:
        raise TrainingError(str(error)) from None
    return Accelerator(
        cpu=chosen.type == "cpu",
        kwargs_handlers=[
            # Some networks, ACT for one, have layers whose output they do not use.
            DistributedDataParallelKwargs(find_unused_parameters=True),
            InitProcessGroupKwargs(timeout=LONGEST_WAIT),
        ],
    )
