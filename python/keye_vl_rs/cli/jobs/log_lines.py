"""Show warnings that the package logs among the messages of the command line."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["advise_on_error", "forward_log_warnings"]

_ON_ERROR = re.compile(r'set on_error="(\w+)"')


class _Forwarder(logging.Handler):
    def __init__(self, show: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._show = show

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._show(record.getMessage())
        except Exception:  # A log line must not fail the run; logging's own handlers do the same.
            self.handleError(record)


@contextmanager
def forward_log_warnings(show: Callable[[str], None]) -> Iterator[None]:
    """Call ``show`` with each warning that any thread logs while the block runs.

    Without a handler, ``logging`` would print the bare text, which does not say that it is a
    warning.
    """
    logger, forwarder = logging.getLogger("keye_vl_rs"), _Forwarder(show)
    logger.addHandler(forwarder)
    try:
        yield
    finally:
        logger.removeHandler(forwarder)


def advise_on_error(text: str) -> str:
    """Return an error's text with its advice for Python replaced by that for the command line."""
    return _ON_ERROR.sub(r"use --on-error \1", text)
