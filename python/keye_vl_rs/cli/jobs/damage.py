"""Hearing the warnings of one job among jobs in several threads.

``warnings.catch_warnings(record=True)`` belongs to the whole process before Python 3.14: in two
threads at once each would hear the other's, and leave the wrong filters behind. Here the filters
and the function that shows warnings are changed once, around all threads; that function looks up
in a context variable, of which each thread has its own, whose warning it is.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TextIO

from keye_vl_rs.errors import ConcealedDamageWarning, PartialVideoWarning

__all__ = ["hear_warnings", "heard_damage"]

_heard: ContextVar[list[str] | None] = ContextVar("keye_vl_rs_heard", default=None)


@contextmanager
def hear_warnings() -> Iterator[None]:
    """Around all jobs, in one thread: let each hear its own, and show the others as before.

    Threads run in a copy of this one's context, for where filters belong to the context (as they
    do in Python 3.14 without a GIL) these are to hold there.
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
        heard = _heard.get()
        if heard is not None and issubclass(category, PartialVideoWarning):
            heard.append(str(message))
        elif heard is not None and issubclass(category, ConcealedDamageWarning):
            # The result says which frames it is about.
            pass
        else:
            show_before(message, category, filename, lineno, file, line)

    with warnings.catch_warnings():
        # Of equal ones too: a video may be done twice in one process.
        for category in (PartialVideoWarning, ConcealedDamageWarning):
            warnings.simplefilter("always", category)
        warnings.showwarning = show
        try:
            yield
        finally:
            warnings.showwarning = show_before


@contextmanager
def heard_damage() -> Iterator[list[str]]:
    """Around one job, in its thread: what :class:`PartialVideoWarning` says in it, as it comes."""
    heard: list[str] = []
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)
