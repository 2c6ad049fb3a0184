"""What is worth one line in the log, and no more: that a faster way does not serve a request."""

from __future__ import annotations

import logging
from functools import cache

__all__ = ["say_once"]


@cache
def say_once(logger: logging.Logger, message: str) -> None:
    """Log a warning, the first time that this process has this one to give."""
    logger.warning(message)
