"""Giving memory back to the system that was freed and that the allocator keeps.

A read that is cut short leaves decoders and frames to be freed by whichever thread comes to it.
glibc keeps what each thread's arena got back, and over thousands of such reads that grows to
hundreds of megabytes that nobody uses (a read that succeeds leaves none).
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from functools import cache
from typing import Any

__all__ = ["return_freed_memory"]

# It takes 1 to 10 ms.
_SELDOM_S = 0.2

_lock = threading.Lock()
_last = float("-inf")


def return_freed_memory() -> None:
    """Return it, unless that was just done, or glibc is not what allocates."""
    global _last
    trim = _malloc_trim()
    if trim is None:
        return
    with _lock:
        now = time.monotonic()
        if now - _last < _SELDOM_S:
            return
        _last = now
    trim(0)


@cache
def _malloc_trim() -> Any:
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
