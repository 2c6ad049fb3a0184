"""Check numbers that callers pass; errors name the argument and its value."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from keye_vl_rs._util.shorten import short_number, short_repr
from keye_vl_rs.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "check_flag",
    "check_whole",
    "exact_count",
    "number",
    "number_from_zero",
    "optional_number",
    "positive_integer",
    "positive_number",
]


def number_from_zero(name: str, value: Any) -> float:
    """Return ``value``, a finite number that is not negative.

    Raises:
        InvalidArgumentError: it is anything else.
    """
    expected = "a non-negative number"
    number = _number(name, value, expected)
    if number < 0:
        raise InvalidArgumentError(f"{name} is {short_repr(value)}: expected {expected}")
    return number


def positive_number(name: str, value: Any) -> float:
    """Return ``value``, a finite number over 0.

    Raises:
        InvalidArgumentError: it is anything else.
    """
    number = _number(name, value, "a positive number")
    if not number > 0:
        raise InvalidArgumentError(f"{name} is {short_repr(value)}: expected a positive number")
    return number


def positive_integer(name: str, value: Any) -> int:
    """Return ``value``, a whole number over 0, as an int.

    Raises:
        InvalidArgumentError: it is anything else.
    """
    number = positive_number(name, value)
    if number != int(number):
        raise InvalidArgumentError(f"{name} is {short_repr(value)}: expected a whole number")
    return int(number)


def check_whole(name: str, value: Any) -> None:
    """Raise for a float or a fraction where an int is expected, even for 2.0; None is accepted.

    Other checks of the value are left to the caller.

    Raises:
        InvalidArgumentError: the value is a float or a fraction.
    """
    plain = value.item() if getattr(value, "size", 0) == 1 and hasattr(value, "item") else value
    if isinstance(plain, (float, Fraction)):
        raise InvalidArgumentError(
            f"{name} is {short_repr(value)}: expected a whole number, as an int"
        )


def check_flag(name: str, value: Any) -> bool:
    """Return ``value``, which is True or False.

    Raises:
        InvalidArgumentError: it is anything else.
    """
    if not isinstance(value, bool):
        raise InvalidArgumentError(f"{name} is {short_repr(value)}: expected True or False")
    return value


def exact_count(
    name: str, options: Mapping[str, Any], total_frames: int, video: str = "the video"
) -> int:
    """Return ``options[name]``, a number of frames, but at most ``options["max_frames"]``.

    Raises:
        InvalidArgumentError: a value is not a positive whole number, or more than
            ``total_frames``, the frames of ``video``.
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
    """Return a number of frames as text without thousands separators, as it was given."""
    return short_number(count).replace(",", "")


def optional_number(
    options: dict[str, Any], name: str, default: float, *, zero: bool = False
) -> float:
    """Return ``options[name]``, or ``default`` if it is None.

    Raises:
        InvalidArgumentError: the value is not a number over 0, or, with ``zero``, at least 0.
    """
    value = options.get(name)
    if value is None:
        return default
    if zero and _number(name, value, "a non-negative number") == 0:
        return 0
    return positive_number(name, value)


def number(name: str, value: Any) -> float:
    """Return ``value``, a finite number or an infinity.

    Raises:
        InvalidArgumentError: it is anything else.
    """
    if isinstance(value, float) and math.isinf(value):
        return value
    return _number(name, value, "a number")


def _number(name: str, value: Any, expected: str) -> float:
    """Return a finite number, also from a tensor or an array with one element."""
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
    """Tell if a float can represent a number; JSON has integers of any length."""
    try:
        return math.isfinite(number)
    except OverflowError:
        return False
