"""Sources and other values in messages: recognisable, and never at full length."""

from __future__ import annotations

import reprlib

__all__ = ["short_number", "short_repr", "shorten"]

# Characters of a source that a message holds at most.
_MOST = 160
_HEAD, _TAIL = 80, 60
# Numbers from here on are not written in full.
_MOST_EXACT = 10**15


def shorten(text: str) -> str:
    """Shorten a text of more than 160 characters to its beginning and its end.

    The end stays because it is what tells the files of one long path apart.
    """
    if len(text) <= _MOST:
        return text
    return f"{text[:_HEAD]}...{text[-_TAIL:]}"


def short_repr(value: object) -> str:
    """Give the ``repr`` of a value with no more than 160 characters of it.

    What is nested is abbreviated first, so that the ``repr`` of a list of long texts, or of many
    megabytes of bytes, is not made whole only to be cut.
    """
    try:
        return shorten(_REPR.repr(value))
    except ValueError:
        # Python writes no whole number of more than 4,300 digits.
        return f"of type {type(value).__name__}, too long to be written"


def short_number(value: float) -> str:
    """Write a number; one of more than 15 digits by its first six and its power of ten."""
    if abs(value) < _MOST_EXACT:
        return f"{value:,}" if isinstance(value, int) else f"{value:,.15g}"
    try:
        return f"{float(value):g}"
    except OverflowError:
        return "over 1e+308" if value > 0 else "below -1e+308"


_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = _MOST
_REPR.maxlist = _REPR.maxtuple = _REPR.maxdict = 8
