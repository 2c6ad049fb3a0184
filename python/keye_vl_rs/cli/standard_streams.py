"""Make standard output and error safe for any text, and for streams that are closed."""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import IO

__all__ = ["as_displayed", "discard_output", "escape_unencodable"]

# The lone surrogates that stand for undecodable bytes of file names (PEP 383, "surrogateescape").
_FIRST_SURROGATE, _LAST_SURROGATE = 0xDC80, 0xDCFF
# Error handlers of streams: write undecodable bytes unchanged, or escape them too.
_KEEP_BYTES, _ESCAPE = "keye_vl_rs.bytes", "backslashreplace"


def escape_unencodable() -> None:
    r"""Make standard output and error escape what they cannot encode, as in ``\u0436``.

    File names may hold any character, and bytes that are not valid text. Printing one must not
    raise UnicodeEncodeError. A stream that is closed is replaced by one that discards its input.
    """
    codecs.register_error(_KEEP_BYTES, _bytes_or_escapes)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # Left open until the program ends, as the real stream is.
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            # In the C locale Python prints the original bytes of file names; keep that.
            errors = _KEEP_BYTES if stream.errors == "surrogateescape" else _ESCAPE
            stream.reconfigure(errors=errors)


def as_displayed(text: str, stream: IO[str]) -> str:
    r"""Return the text as one line as the stream displays it, with escapes such as ``\n``.

    File names may hold line feeds, control characters and characters that the encoding lacks.
    Columns align only if the width of the escaped text is measured.
    """
    plain = "".join(
        char if char.isprintable() or _is_byte(char) else char.encode("unicode_escape").decode()
        for char in text
    )
    encoding = getattr(stream, "encoding", None) or "utf-8"
    errors = getattr(stream, "errors", None) or _ESCAPE
    if errors in ("strict", "surrogateescape"):
        errors = _ESCAPE
    return plain.encode(encoding, errors).decode(encoding, "surrogateescape")


def discard_output() -> None:
    """Discard what is still buffered for standard output, which Python would flush at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)


def _bytes_or_escapes(error: UnicodeError) -> tuple[str | bytes, int]:
    """Handle an encoding error: return the original byte of a surrogate, else an escape."""
    if isinstance(error, UnicodeEncodeError):
        char = error.object[error.start]
        if _is_byte(char):
            return bytes([ord(char) - 0xDC00]), error.start + 1
        error.end = error.start + 1
    return codecs.backslashreplace_errors(error)


def _is_byte(character: str) -> bool:
    """Return whether the character stands for an undecodable byte."""
    return _FIRST_SURROGATE <= ord(character) <= _LAST_SURROGATE
