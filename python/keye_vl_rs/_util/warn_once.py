"""Logging each warning once per process."""

from __future__ import annotations

import logging
from functools import cache

__all__ = ["forget_said", "say_once", "say_once_about"]

_logger = logging.getLogger("keye_vl_rs")
_said_about: set[str] = set()


@cache
def say_once(logger: logging.Logger, message: str) -> None:
    """Log a warning, unless this process has logged the same message before."""
    logger.warning(message)


def say_once_about(subject: str, message: str) -> None:
    """Log a warning, unless this process has logged one about ``subject`` before."""
    if subject not in _said_about:
        _said_about.add(subject)
        _logger.warning(message)


def forget_said() -> None:
    """Allow every warning to be logged once more."""
    say_once.cache_clear()
    _said_about.clear()
