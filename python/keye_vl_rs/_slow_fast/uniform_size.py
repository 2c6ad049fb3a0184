"""Plan one size for all frames of a video, as for Keye-VL-8B-Preview."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from keye_vl_rs._sampling.video_options import video_name
from keye_vl_rs._util.validation import optional_number
from keye_vl_rs.limits import check_resized

if TYPE_CHECKING:
    from keye_vl_rs._sampling.preview_rules import PreviewRules
    from keye_vl_rs._slow_fast.resized_images import ImageRules
    from keye_vl_rs._util.model import Size

__all__ = ["plan_uniform_size"]

logger = logging.getLogger(__name__)


def plan_uniform_size(
    ele: dict[str, Any], frames: int, size: Size, rules: PreviewRules, frame_rules: ImageRules
) -> Size:
    """Return (height, width) in pixels of each frame of a video, within its limits.

    Args:
        ele: the video, optionally with ``min_pixels``, ``max_pixels`` and ``total_pixels``, or
            ``resized_height`` and ``resized_width``.
        frames: number of sampled frames.
        size: (height, width) of the video.
        rules: the default for ``total_pixels``.
        frame_rules: the defaults for the limits of one frame.

    Raises:
        LimitError: the frames would exceed ``resized_pixels`` or ``resized_video_pixels``.
        AspectRatioError, SizeError, InvalidArgumentError: there is no such size.
    """
    planned = frame_rules.stated_size(ele)
    if planned is None:
        least = optional_number(ele, "min_pixels", frame_rules.min_pixels)
        total = optional_number(ele, "total_pixels", rules.total_pixels)
        most = min(frame_rules.max_pixels, total / frames * rules.frame_factor)
        most = max(most, int(least * 1.05))
        asked = optional_number(ele, "max_pixels", most)
        if asked > most:
            logger.warning("max_pixels is %g, more than allowed; using %g", asked, most)
        planned = frame_rules.smart_resize(
            *size, factor=frame_rules.factor, min_pixels=least, max_pixels=min(asked, most)
        )
    check_resized(planned, video_name(ele["video"]), frames=frames)
    return planned
