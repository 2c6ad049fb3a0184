"""Pass frames through one of FFmpeg's filters."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

__all__ = ["FrameFilter"]


class FrameFilter:
    """Filter frames of any layout with a graph that is rebuilt where the layout changes."""

    def __init__(self, name: str, arguments: str | None = None) -> None:
        """Take the name of a filter that keeps the layout, and FFmpeg's text of its arguments.

        No graph is built yet: it depends on the first frame.
        """
        self._filter = (name, arguments)
        self._graph: Any = None
        self._layout: tuple[int, int, str] | None = None

    def apply(self, frame: Any) -> Any:
        """Return the filtered ``av.VideoFrame``, with all metadata that the filter keeps."""
        layout = (frame.width, frame.height, frame.format.name)
        if layout != self._layout:
            self._graph, self._layout = self._build(frame), layout
        self._graph.push(frame)
        return self._graph.pull()

    def _build(self, frame: Any) -> Any:
        import av

        graph = av.filter.Graph()
        source = graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=frame.time_base or Fraction(1, 1000),
        )
        middle = graph.add(*self._filter)
        sink = graph.add("buffersink")
        source.link_to(middle)
        middle.link_to(sink)
        graph.configure()
        return graph
