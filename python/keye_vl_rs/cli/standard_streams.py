"""The standard output and error, made fit for any text and for being closed."""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import IO

__all__ = ["as_shown", "discard_output", "show_any_text"]

# Bytes of a file name that are no text of its encoding are these characters in Python.
_FIRST_BYTE, _LAST_BYTE = 0xDC80, 0xDCFF
_AS_BYTES, _AS_TEXT = "keye_vl_rs.bytes", "backslashreplace"


def show_any_text() -> None:
    r"""Let the standard output and error show what they cannot encode as ``\u0436``.

    A name in a file system may hold any character, and bytes that are no character: none of them
    is worth an error where it is only shown. One that was closed takes everything and keeps none.
    """
    codecs.register_error(_AS_BYTES, _bytes_or_escapes)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # Kept open as long as the program runs, as the real one is.
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            # In the C locale names are shown as the bytes that they are, and stay so.
            errors = _AS_BYTES if stream.errors == "surrogateescape" else _AS_TEXT
            stream.reconfigure(errors=errors)


def as_shown(text: str, stream: IO[str]) -> str:
    r"""Give a text in one line as a stream shows it, with ``\n`` and the like for what cannot be.

    What is put into columns has to be measured so: names may hold line feeds, characters that a
    terminal obeys, and ones that the encoding lacks.
    """
    plain = "".join(
        one if one.isprintable() or _is_byte(one) else one.encode("unicode_escape").decode()
        for one in text
    )
    encoding = getattr(stream, "encoding", None) or "utf-8"
    errors = getattr(stream, "errors", None) or _AS_TEXT
    if errors in ("strict", "surrogateescape"):
        errors = _AS_TEXT
    return plain.encode(encoding, errors).decode(encoding, "surrogateescape")


def discard_output() -> None:
    """Let what was not written to the standard output be forgotten when the program ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)


def _bytes_or_escapes(error: UnicodeError) -> tuple[str | bytes, int]:
    if isinstance(error, UnicodeEncodeError):
        one = error.object[error.start]
        if _is_byte(one):
            return bytes([ord(one) - 0xDC00]), error.start + 1
        error.end = error.start + 1
    return codecs.backslashreplace_errors(error)


def _is_byte(character: str) -> bool:
    """Tell if a character stands for a byte that is no text."""
    return _FIRST_BYTE <= ord(character) <= _LAST_BYTE
