"""Collect the damage warnings of each job while several jobs run in threads.

Before Python 3.14 ``warnings.catch_warnings(record=True)`` changes the state of the whole process:
two threads that use it would record each other's warnings and restore the wrong filters. Here the
filters and ``warnings.showwarning`` are replaced once, around all threads. The replacement finds
the job that a warning belongs to in a context variable, which each thread has its own value of.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TextIO

from keye_vl_rs.errors import ConcealedDamageWarning, PartialVideoWarning

__all__ = ["collect_damage", "route_damage_warnings"]

_collected: ContextVar[list[str] | None] = ContextVar("keye_vl_rs_collected", default=None)


@contextmanager
def route_damage_warnings() -> Iterator[None]:
    """Send each damage warning to the job that caused it, and show all other warnings as before.

    Enter this once, around all jobs. The jobs' threads must run in a copy of the caller's context:
    where filters belong to the context (Python 3.14 without a GIL), they then apply there too.
    """
    show_before = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        collected = _collected.get()
        if collected is not None and issubclass(category, PartialVideoWarning):
            collected.append(str(message))
        elif collected is not None and issubclass(category, ConcealedDamageWarning):
            # The output records which frames are damaged.
            pass
        else:
            show_before(message, category, filename, lineno, file, line)

    with warnings.catch_warnings():
        # "always", because a process may read a damaged video twice, with equal warnings.
        for category in (PartialVideoWarning, ConcealedDamageWarning):
            warnings.simplefilter("always", category)
        warnings.showwarning = show
        try:
            yield
        finally:
            warnings.showwarning = show_before


@contextmanager
def collect_damage() -> Iterator[list[str]]:
    """Collect the texts of the :class:`PartialVideoWarning`s of one job, in the job's thread."""
    collected: list[str] = []
    token = _collected.set(collected)
    try:
        yield collected
    finally:
        _collected.reset(token)
