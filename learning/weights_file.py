"""Tensors as a safetensors file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor


def save_weights(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Writes tensors, wherever they are and whatever memory they share."""
    plain = {name: each.detach().cpu().contiguous() for name, each in tensors.items()}
    places: set[int] = set()
    for name, each in plain.items():
        if each.data_ptr() in places:  # the format has no tensors that share memory
            plain[name] = each.clone()
        places.add(each.data_ptr())
    save_file(plain, path)
