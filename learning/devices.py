"""Where networks compute, and with how many bits."""

from __future__ import annotations

import torch

from envs.errors import nearest

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("fp32", "bf16")


def chosen_device(name: str) -> torch.device:
    """The device behind one of `DEVICES`.

    Raises:
        ValueError: For another name, or a GPU where there is none.
    """
    if name not in DEVICES:
        raise ValueError(f"device={name}; {nearest(name, DEVICES)}")
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise ValueError("device=cuda: torch finds no GPU")
    return torch.device("cuda" if available and name != "cpu" else "cpu")


def floating_point(precision: str) -> torch.dtype:
    """The type of numbers behind one of `PRECISIONS`.

    Raises:
        ValueError: For another name.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision={precision}; {nearest(precision, PRECISIONS)}")
    return torch.bfloat16 if precision == "bf16" else torch.float32


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Automatic mixed precision of one of `PRECISIONS`; a context that may be entered again.

    Raises:
        ValueError: For another name.
    """
    enabled = floating_point(precision) is torch.bfloat16
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)
