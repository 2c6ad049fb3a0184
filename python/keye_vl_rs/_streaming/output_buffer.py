"""Room for patches whose number is only known at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keye_vl_rs._slow_fast.sizes import CHANNELS, PATCH_SIZE
from keye_vl_rs._streaming.mmap_memory import own_pages

if TYPE_CHECKING:
    import torch

__all__ = ["PatchRoom"]

_PATCH = (CHANNELS, PATCH_SIZE, PATCH_SIZE)


class PatchRoom:
    """Memory for at most so many patches, filled in any order and then cut to what is used.

    Its pages are small: where a virtual machine has to find memory for them first, huge ones, which
    NumPy asks for, took 0.5 s more for the 486 MB of a minute of 1080p, in a call of 3.4 s.
    """

    def __init__(self, most: int, dtype: torch.dtype) -> None:
        """Raises OutOfMemoryError where there cannot be so much."""
        import torch

        patch_bytes = CHANNELS * PATCH_SIZE**2 * dtype.itemsize
        self._bytes = own_pages(most * patch_bytes)
        self._patches = torch.from_numpy(self._bytes).view(dtype).view(most, *_PATCH)

    def slice(self, first: int, count: int) -> torch.Tensor:
        """Room for ``count`` patches."""
        return self._patches[first : first + count]

    def finish(self, count: int) -> torch.Tensor:
        """The first ``count`` patches, (count, 3, 14, 14), in a storage that ends with them."""
        import torch

        patches = self._patches
        used = self._bytes[: count * patches[0].nbytes]
        return torch.from_numpy(used).view(patches.dtype).view(count, *_PATCH)
