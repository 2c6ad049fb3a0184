"""Memory from the system, outside the heap."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

from keye_vl_rs.errors import OutOfMemoryError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["own_pages"]


def own_pages(nbytes: int) -> NDArray[np.uint8]:
    """(nbytes,) zeros, which take memory where they are written to.

    Raises:
        OutOfMemoryError: the system has no room for so many.
    """
    import numpy as np

    # Elsewhere than on Windows the default is memory that forked processes share.
    private = getattr(mmap, "MAP_PRIVATE", None)
    flags = {} if private is None else {"flags": private | mmap.MAP_ANONYMOUS}
    try:
        memory = mmap.mmap(-1, max(1, nbytes), **flags)
    except (OSError, OverflowError, ValueError) as error:
        raise OutOfMemoryError(f"could not allocate {nbytes} bytes: {error}") from None
    return np.frombuffer(memory, np.uint8, nbytes)
