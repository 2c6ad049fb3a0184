"""Find the caller of this package, for warnings about the arguments of a call."""

from __future__ import annotations

import sys

__all__ = ["level_of_caller"]

# Packages between the caller and the function that warns.
_BETWEEN = frozenset({"keye_vl_rs", "contextlib", "transformers"})


def level_of_caller() -> int:
    """Return the ``stacklevel`` with which :func:`warnings.warn` names the caller of this package.

    It is meant for the calling function. If all callers are in the package, as in a thread of its
    own, the level is beyond the outermost one.
    """
    level, frame = 1, sys._getframe(1)
    while frame.f_globals.get("__name__", "").partition(".")[0] in _BETWEEN:
        level += 1
        if frame.f_back is None:
            break
        frame = frame.f_back
    return level
