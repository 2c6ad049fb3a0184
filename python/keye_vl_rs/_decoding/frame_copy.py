"""Copy frames out of the decoder's buffers.

A decoder reuses the buffers of earlier frames. If damage makes it leave out part of a picture, that
part shows the buffer's previous content, which depends on when the consumer released the earlier
frame. Copying frames at once, and clearing the ones that nothing refers to any more, makes the
result the same in every call.
"""

from __future__ import annotations

from typing import Any

from keye_vl_rs._decoding.frame_filter import FrameFilter

__all__ = ["FrameCopier", "clear_frame"]


class FrameCopier:
    """Copy frames with all their metadata."""

    def __init__(self) -> None:
        """Copy with FFmpeg's filter of that name."""
        self._filter = FrameFilter("copy")

    def copy(self, frame: Any) -> Any:
        """Return a copy of an ``av.VideoFrame``."""
        return self._filter.apply(frame)


def clear_frame(frame: Any) -> None:
    """Overwrite the planes of a frame that neither the consumer nor the decoder needs."""
    import numpy as np

    for plane in frame.planes:
        np.frombuffer(plane, np.uint8).fill(0)
