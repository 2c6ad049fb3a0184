"""Checks of the numbers that callers give, which raise errors that name them."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from keye_vl_rs._util.shorten import short_number, short_repr
from keye_vl_rs.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "check_whole",
    "exact_count",
    "number",
    "number_from_zero",
    "optional_number",
    "positive_integer",
    "positive_number",
]


def number_from_zero(name: str, value: Any) -> float:
    """``value``; raises :class:`InvalidArgumentError` unless it is a finite number from 0 on."""
    expected = "a number from 0 on"
    number = _number(name, value, expected)
    if number < 0:
        raise InvalidArgumentError(f"{name} is {short_repr(value)}: expected {expected}")
    return number


def positive_number(name: str, value: Any) -> float:
    """``value``; raises :class:`InvalidArgumentError` unless it is a finite number over 0."""
    number = _number(name, value, "a positive number")
    if not number > 0:
        raise InvalidArgumentError(f"{name} is {short_repr(value)}: expected a positive number")
    return number


def positive_integer(name: str, value: Any) -> int:
    """``value`` as an int; raises :class:`InvalidArgumentError` unless it is whole and over 0."""
    number = positive_number(name, value)
    if number != int(number):
        raise InvalidArgumentError(f"{name} is {short_repr(value)}: expected a whole number")
    return int(number)


def check_whole(name: str, value: Any) -> None:
    """Raises :class:`InvalidArgumentError` for a number that is no integer (2.0); None passes.

    Whether it is in range, and a number at all, is for others to see.
    """
    plain = value.item() if getattr(value, "size", 0) == 1 and hasattr(value, "item") else value
    if isinstance(plain, (float, Fraction)):
        raise InvalidArgumentError(
            f"{name} is {short_repr(value)}: expected a whole number, as an int"
        )


def exact_count(
    name: str, options: Mapping[str, Any], total_frames: int, video: str = "the video"
) -> int:
    """``options[name]`` frames, of which there are enough, or ``options["max_frames"]`` if fewer.

    Raises:
        InvalidArgumentError: a number is none, or ``video`` has fewer than ``total_frames``.
    """
    wanted = positive_integer(name, options[name])
    if wanted > total_frames:
        raise InvalidArgumentError(
            f"{name} is {_plain(wanted)}: expected at most {total_frames}, the frames of {video}"
        )
    if options.get("max_frames") is None:
        return wanted
    return min(wanted, positive_integer("max_frames", options["max_frames"]))


def _plain(count: int) -> str:
    """A number of frames without commas, as it was given."""
    return short_number(count).replace(",", "")


def optional_number(
    options: dict[str, Any], name: str, default: float, *, zero: bool = False
) -> float:
    """``options[name]``, a number over 0 (or from 0 on, if ``zero``), or the default for None."""
    value = options.get(name)
    if value is None:
        return default
    if zero and _number(name, value, "a number from 0 on") == 0:
        return 0
    return positive_number(name, value)


def number(name: str, value: Any) -> float:
    """``value``; raises :class:`InvalidArgumentError` unless it is a number or an infinity."""
    if isinstance(value, float) and math.isinf(value):
        return value
    return _number(name, value, "a number")


def _number(name: str, value: Any, expected: str) -> float:
    """A finite number, also out of a tensor or an array with one element."""
    try:
        number = value.item() if hasattr(value, "item") else value
    except (RuntimeError, ValueError):
        number = None
    if (
        isinstance(number, bool)
        or not isinstance(number, (int, float, Fraction))
        or not _is_finite(number)
    ):
        raise InvalidArgumentError(f"{name} is {short_repr(value)}: expected {expected}")
    return number  # type: ignore[return-value]


def _is_finite(number: float | Fraction) -> bool:
    """Tell if a number is one that a float can hold; JSON has integers of any length."""
    try:
        return math.isfinite(number)
    except OverflowError:
        return False
