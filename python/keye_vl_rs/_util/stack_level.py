"""Who called this package, for warnings that are about what a call was given."""

from __future__ import annotations

import sys

__all__ = ["level_of_caller"]

# Beside this package, what stands between its functions and the code that a warning is for.
_BETWEEN = frozenset({"keye_vl_rs", "contextlib", "transformers"})


def level_of_caller() -> int:
    """Give the ``stacklevel`` with which :func:`warnings.warn` names the code that called.

    It is for the function that calls this one. Where none of the callers is outside of the package,
    as in a thread of its own, it is more than there are.
    """
    level, frame = 1, sys._getframe(1)
    while frame.f_globals.get("__name__", "").partition(".")[0] in _BETWEEN:
        level += 1
        if frame.f_back is None:
            break
        frame = frame.f_back
    return level
