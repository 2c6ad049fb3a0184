"""Copying frames out of the decoder's buffers.

A decoder reuses the buffers of earlier frames. If damage makes it leave out part of a picture, that
part shows the buffer's previous content, which depends on when the consumer released the earlier
frame. Copying frames at once, and clearing the ones that nothing refers to any more, makes the
result the same in every call.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

__all__ = ["FrameCopier", "clear_frame"]


class FrameCopier:
    """A filter graph that copies frames with all their metadata."""

    def __init__(self) -> None:
        """Build no graph yet: it depends on the size of the first frame."""
        self._graph: Any = None
        self._layout: tuple[int, int, str] | None = None

    def copy(self, frame: Any) -> Any:
        """Return a copy of an ``av.VideoFrame``."""
        layout = (frame.width, frame.height, frame.format.name)
        if layout != self._layout:
            self._graph, self._layout = _graph(frame), layout
        self._graph.push(frame)
        return self._graph.pull()


def clear_frame(frame: Any) -> None:
    """Overwrite the planes of a frame that neither the consumer nor the decoder needs."""
    import numpy as np

    for plane in frame.planes:
        np.frombuffer(plane, np.uint8).fill(0)


def _graph(frame: Any) -> Any:
    import av

    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width,
        height=frame.height,
        format=frame.format,
        time_base=frame.time_base or Fraction(1, 1000),
    )
    copy = graph.add("copy")
    sink = graph.add("buffersink")
    source.link_to(copy)
    copy.link_to(sink)
    graph.configure()
    return graph
