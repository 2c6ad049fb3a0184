"""Sources and other values in messages: recognisable, and never at full length."""

from __future__ import annotations

import reprlib

__all__ = ["short_repr", "shorten"]

# Characters of a source that a message holds at most.
_MOST = 160
_HEAD, _TAIL = 80, 60


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
    return shorten(_REPR.repr(value))


_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = _MOST
_REPR.maxlist = _REPR.maxtuple = _REPR.maxdict = 8
