"""The C library's heap in a training on a CPU."""

from __future__ import annotations

import ctypes
import platform

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # malloc.h

TOP_PAD = 256 * 2**20
"""Bytes that the heap grows by when it has to."""


def keep_freed_memory() -> None:
    """Lets glibc keep the memory that it has once got; does nothing with another C library.

    Each step frees large temporaries and asks for them again. By default glibc maps every one anew,
    and the kernel clears its pages. The same by environment variables, to be set before the
    process begins: MALLOC_MMAP_MAX_=0, MALLOC_TRIM_THRESHOLD_, MALLOC_TOP_PAD_.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_MMAP_MAX, 0)
    libc.mallopt(_M_TRIM_THRESHOLD, -1)
    libc.mallopt(_M_TOP_PAD, TOP_PAD)
