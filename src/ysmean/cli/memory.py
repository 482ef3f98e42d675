"""Keep the memory of a training step for the next one."""

from __future__ import annotations

import ctypes
import platform

# Of glibc's malloc.h: parameter and value.
TRIM_THRESHOLD, TOP_PAD, MMAP_MAX, ARENA_MAX = -1, -2, -4, -8
KEPT = ((ARENA_MAX, 1), (MMAP_MAX, 0), (TRIM_THRESHOLD, 2**31 - 1), (TOP_PAD, 2**26))


def keep_memory() -> bool:
    """Let the process keep what it frees; return whether that could be asked for.

    A training step takes about 100 MB and gives them back, and glibc returns pieces of that size
    to the system at once: every step then has its pages mapped anew, for a quarter of its
    processor time. One arena, because memory that is kept is of use only to threads that share
    it. It has to be said before there are threads, so before JAX is imported; it is for a process
    that trains and ends, not for a service.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return all([mallopt(parameter, value) for parameter, value in KEPT])
