"""List the dtypes that patches can have, and check those that callers ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs.errors import InvalidArgumentError

if TYPE_CHECKING:
    import torch

__all__ = ["PIXEL_DTYPES", "check_dtype", "dtype_name", "float_dtype", "pixel_dtype"]

# Their names in torch, the default first.
PIXEL_DTYPES = ("float32", "bfloat16", "float16")


def float_dtype(dtype: Any) -> torch.dtype | None:
    """Return a dtype that is given as such or by name ("bfloat16", "torch.bfloat16").

    None stays None.

    Raises:
        InvalidArgumentError: patches cannot have that dtype.
    """
    import torch

    if dtype is None:
        return None
    found = getattr(torch, dtype.removeprefix("torch."), None) if isinstance(dtype, str) else dtype
    if _name(found) is None:
        raise _error(dtype)
    return found


def pixel_dtype(dtype: torch.dtype | None) -> torch.dtype:
    """Return the dtype of patches: ``dtype``, or the default if it is None."""
    import torch

    default: torch.dtype = getattr(torch, PIXEL_DTYPES[0])
    return default if dtype is None else dtype


def check_dtype(dtype: Any) -> None:
    """Raise :class:`InvalidArgumentError` unless patches can have this dtype."""
    dtype_name(dtype)


def dtype_name(dtype: Any) -> str:
    """Return the name of a dtype that patches can have ("bfloat16").

    Raises:
        InvalidArgumentError: patches cannot have it.
    """
    name = _name(dtype)
    if name is None:
        raise _error(dtype)
    return name


def _name(dtype: Any) -> str | None:
    """Return the name of a dtype that patches can have, or None for anything else."""
    import torch

    if not isinstance(dtype, torch.dtype):
        return None
    name = str(dtype).removeprefix("torch.")
    return name if name in PIXEL_DTYPES else None


def _error(dtype: Any) -> InvalidArgumentError:
    one, two, three = (f"torch.{name}" for name in PIXEL_DTYPES)
    return InvalidArgumentError(f"dtype is {short_repr(dtype)}: expected {one}, {two} or {three}")
