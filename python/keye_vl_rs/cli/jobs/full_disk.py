"""Recognise errors after which no output can be written, so that the run should stop."""

from __future__ import annotations

import errno

__all__ = ["is_full_disk"]

# EFBIG is also raised at the limit of ``ulimit -f``. Windows has no EDQUOT.
_CODES = {errno.ENOSPC, errno.EFBIG, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC)}


def is_full_disk(error: BaseException | None) -> bool:
    """Return whether the error, or a cause of it, reports a full or read-only disk."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _CODES:
            return True
        error = error.__cause__
    return False
