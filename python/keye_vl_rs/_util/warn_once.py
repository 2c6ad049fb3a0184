"""Log each warning once per process."""

from __future__ import annotations

import logging
from functools import cache

__all__ = ["reset_warnings", "warn_once", "warn_once_about"]

_logger = logging.getLogger("keye_vl_rs")
_warned_about: set[str] = set()


@cache
def warn_once(logger: logging.Logger, message: str) -> None:
    """Log a warning, unless this process has logged the same message before."""
    logger.warning(message)


def warn_once_about(subject: str, message: str) -> None:
    """Log a warning, unless this process has logged one about ``subject`` before."""
    if subject not in _warned_about:
        _warned_about.add(subject)
        _logger.warning(message)


def reset_warnings() -> None:
    """Allow every warning to be logged once more."""
    warn_once.cache_clear()
    _warned_about.clear()
