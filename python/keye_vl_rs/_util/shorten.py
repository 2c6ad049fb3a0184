"""Shorten sources and other values for messages."""

from __future__ import annotations

import reprlib

__all__ = ["short_number", "short_repr", "shorten"]

# The maximum length of a source in a message.
_MAX_LENGTH = 160
_HEAD, _TAIL = 80, 60
# Larger numbers are written with six digits.
_MAX_EXACT = 10**15


def shorten(text: str) -> str:
    """Return a text of more than 160 characters reduced to its start and its end.

    The end distinguishes the files in one long path.
    """
    if len(text) <= _MAX_LENGTH:
        return text
    return f"{text[:_HEAD]}...{text[-_TAIL:]}"


def short_repr(value: object) -> str:
    """Return the ``repr`` of a value, with at most 160 characters.

    Nested values are abbreviated first, so the ``repr`` of many megabytes is never built just to be
    cut.
    """
    try:
        return shorten(_REPR.repr(value))
    except ValueError:
        # Python refuses to write integers of more than 4,300 digits.
        return f"of type {type(value).__name__}, too long to print"


def short_number(value: float) -> str:
    """Return a number as text; from 16 digits on with six significant digits and an exponent."""
    if abs(value) < _MAX_EXACT:
        return f"{value:,}" if isinstance(value, int) else f"{value:,.15g}"
    try:
        return f"{float(value):g}"
    except OverflowError:
        return "over 1e+308" if value > 0 else "below -1e+308"


_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = _MAX_LENGTH
_REPR.maxlist = _REPR.maxtuple = _REPR.maxdict = 8
