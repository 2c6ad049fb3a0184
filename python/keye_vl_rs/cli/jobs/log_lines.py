"""Showing the log of this package beside what the command line says itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["shown_log"]


class _Lines(logging.Handler):
    def __init__(self, show: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._show = show

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._show(record.getMessage())
        except Exception:  # As handlers of the library do: a log is no reason to fail.
            self.handleError(record)


@contextmanager
def shown_log(show: Callable[[str], None]) -> Iterator[None]:
    """Have ``show`` called with each warning in the log while the block runs, in any thread.

    Without a handler the library prints the bare text, which does not say what it is.
    """
    logger, lines = logging.getLogger("keye_vl_rs"), _Lines(show)
    logger.addHandler(lines)
    try:
        yield
    finally:
        logger.removeHandler(lines)
