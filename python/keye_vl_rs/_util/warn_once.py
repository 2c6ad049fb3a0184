"""What is worth one line in the log, and no more: that a faster way does not serve a request."""

from __future__ import annotations

import logging
from functools import cache

__all__ = ["forget_said", "say_once", "say_once_about"]

_logger = logging.getLogger("keye_vl_rs")
_said_about: set[str] = set()


@cache
def say_once(logger: logging.Logger, message: str) -> None:
    """Log a warning, the first time that this process has this one to give."""
    logger.warning(message)


def say_once_about(subject: str, message: str) -> None:
    """Log a warning, the first time that this process has any to give about ``subject``."""
    if subject not in _said_about:
        _said_about.add(subject)
        _logger.warning(message)


def forget_said() -> None:
    """Let every warning be given once more."""
    say_once.cache_clear()
    _said_about.clear()
