"""Make small pictures of sampled frames, of bounded size together."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Thumbnails"]

# All thumbnails together; in a page each byte takes 1.33, and a page has at most 20 MB.
_MAX_BYTES = 6 << 20
# Longer side in pixels, by the number of frames.
_SIDES = ((150, 320), (500, 240), (None, 160))
_QUALITY = 74


class Thumbnails:
    """Hold the thumbnails of a video's frames, which are thinned if they take too much memory.

    Attributes:
        step: one of so many frames has a thumbnail.
    """

    def __init__(self, frames: int) -> None:
        """Expect ``frames`` frames."""
        self.step = 1
        self._side = next(side for most, side in _SIDES if most is None or frames <= most)
        self._images: list[bytes | None] = []
        self._bytes = 0

    def add(self, pixels: NDArray[np.uint8]) -> None:
        """Make the thumbnail of the next frame, (H, W, 3)."""
        if len(self._images) % self.step:
            self._images.append(None)
            return
        image = _jpeg(pixels, self._side)
        self._images.append(image)
        self._bytes += len(image)
        while self._bytes > _MAX_BYTES:
            self.step *= 2
            for number, one in enumerate(self._images):
                if one is not None and number % self.step:
                    self._bytes -= len(one)
                    self._images[number] = None
            if self.step > len(self._images):
                break

    def take(self) -> tuple[bytes | None, ...]:
        """Return a JPEG file for each frame, or None."""
        return tuple(self._images)


def _jpeg(pixels: NDArray[np.uint8], side: int) -> bytes:
    import numpy as np
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels))
    scale = min(1.0, side / max(image.size))
    width, height = (max(1, round(one * scale)) for one in image.size)
    image = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_QUALITY, optimize=True)
    return file.getvalue()
