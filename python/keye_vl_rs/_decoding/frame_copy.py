"""Frames in memory of their own.

A decoder writes into memory that earlier frames of it gave back. Where damage makes it leave out a
part of a picture, what is there is what was there before: which frame that was depends on when its
user let go of it. Frames that are copied at once, and cleared where nothing refers to them any
more, give the same pictures in every call.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

__all__ = ["FrameCopier", "clear_frame"]


class FrameCopier:
    """Copies frames with all that they say of themselves."""

    def __init__(self) -> None:
        """Build nothing yet: the first frame says how large frames are."""
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
    """Overwrite the planes of a frame that neither its user nor its decoder needs."""
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
