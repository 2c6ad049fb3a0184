"""Return freed memory to the operating system.

After an interrupted read, any thread may be the one that frees decoders and frames. glibc keeps
what is freed in the arena of each thread, which grows to hundreds of unused megabytes over
thousands of such reads. (A successful read leaves nothing behind.)
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from functools import cache
from typing import Any

__all__ = ["return_freed_memory"]

# A call takes 1 to 10 ms.
_MIN_INTERVAL_S = 0.2

_lock = threading.Lock()
_last = float("-inf")


def return_freed_memory() -> None:
    """Return freed memory to the operating system, if glibc allocates, at most every 0.2 s."""
    global _last
    trim = _malloc_trim()
    if trim is None:
        return
    with _lock:
        now = time.monotonic()
        if now - _last < _MIN_INTERVAL_S:
            return
        _last = now
    trim(0)


@cache
def _malloc_trim() -> Any:
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
