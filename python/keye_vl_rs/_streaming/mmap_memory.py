"""Allocate memory straight from the operating system, outside the heap."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

from keye_vl_rs.errors import OutOfMemoryError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["allocate_mmap", "copy_to_mmap"]


def allocate_mmap(nbytes: int) -> NDArray[np.uint8]:
    """Return (nbytes,) zeros, which take physical memory only once they are written to.

    Raises:
        OutOfMemoryError: the system cannot allocate that much.
    """
    import numpy as np

    # Except on Windows, memory is shared with forked processes by default.
    private = getattr(mmap, "MAP_PRIVATE", None)
    flags = {} if private is None else {"flags": private | mmap.MAP_ANONYMOUS}
    try:
        memory = mmap.mmap(-1, max(1, nbytes), **flags)
    except (OSError, OverflowError, ValueError) as error:
        raise OutOfMemoryError(f"could not allocate {nbytes} bytes: {error}") from None
    return np.frombuffer(memory, np.uint8, nbytes)


def copy_to_mmap(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Copy an array into memory outside the heap.

    On the heap, small arrays that are kept would be placed in the gaps that large short-lived
    frames leave behind. That fragments it: it would grow by most of a frame with each of them, to
    2 GB for 1200 frames of 1080p.
    """
    copy = allocate_mmap(pixels.nbytes).reshape(pixels.shape)
    copy[:] = pixels
    return copy
