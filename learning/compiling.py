"""Code that torch generates for the parts that a network repeats."""

from __future__ import annotations

import shutil

import torch
from torch import nn

from learning.errors import TrainingError

_MOST_VARIANTS = 64
"""Of a kind of part. Torch's limit is 8; each of Swin's 12 blocks has another size or drop rate."""


class CompilationError(TrainingError):
    """Why code cannot be generated; says so in one line."""


def compile_parts(
    network: nn.Module, kinds: tuple[type[nn.Module], ...], device: torch.device
) -> None:
    """Has each part of some kinds run by code of `torch.compile`.

    The code is made in the first step, which takes minutes; parts that are alike share it, and so
    do later runs on the same machine. The state dict stays what it is. Each other size of the
    inputs is compiled anew.

    Args:
        network: Whose parts are meant.
        kinds: Their classes.
        device: Where the network computes.

    Raises:
        CompilationError: If there is no such part, or, for a CPU, no compiler.
    """
    parts = [module for module in network.modules() if isinstance(module, kinds)]
    if not parts:
        raise CompilationError(f"compile=true: {type(network).__name__} names no parts to compile")
    if device.type == "cpu" and shutil.which("g++") is None:
        raise CompilationError("compile=true needs a C++ compiler: found no g++")
    torch._dynamo.config.recompile_limit = _MOST_VARIANTS
    torch._inductor.config.fallback_random = True  # dropout drops the same as without
    for part in parts:
        part.compile(dynamic=False)
