"""Errors that tell that nothing more can be written, so that there is no use in going on."""

from __future__ import annotations

import errno

__all__ = ["is_full_disk"]

# EFBIG is also that of ``ulimit -f``. Windows has no EDQUOT.
_CODES = {errno.ENOSPC, errno.EFBIG, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC)}


def is_full_disk(error: BaseException | None) -> bool:
    """Return whether an error, or what it was raised from, is of a full or read-only disk."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _CODES:
            return True
        error = error.__cause__
    return False
