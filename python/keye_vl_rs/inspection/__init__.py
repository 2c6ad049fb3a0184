"""Show which frames of a video are slow and why, and what other options would change.

- ``video`` decodes a video and gathers what a report needs: :func:`inspect_video`.
- ``collector`` takes its frames one by one; ``comparisons`` compares them for every threshold at
  once, and ``thumbnails`` makes small pictures of them.
- ``facts`` holds what a file says about itself.
- ``result`` defines :class:`VideoInspection`, and ``explanation`` puts its numbers into sentences.
- ``report`` fills the template in ``page`` with ``page_data``; ``plot`` draws the picture.
"""

from __future__ import annotations

from keye_vl_rs.inspection.result import VideoInspection
from keye_vl_rs.inspection.video import inspect_video

__all__ = ["VideoInspection", "inspect_video"]
