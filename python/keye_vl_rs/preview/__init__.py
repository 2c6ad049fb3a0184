"""Replace ``keye_vl_utils`` 1.0.0 and the processor of Keye-VL-8B-Preview.

- ``vision_process`` replaces ``keye_vl_utils`` 1.0.0: :func:`process_vision_info` and others.
- ``processing`` has the processor for transformers, :class:`KeyeProcessor`, and
  ``image_processing`` its image processor, :class:`SiglipImageProcessor`. They are imported on
  first use.

This model has no slow and fast frames: all frames of a video have one size, are processed in pairs,
and are resized before they reach the processor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keye_vl_rs._util.lazy_attributes import lazy_attribute
from keye_vl_rs.preview.vision_process import (
    extract_vision_info,
    fetch_image,
    fetch_video,
    process_vision_info,
    smart_nframes,
    smart_resize,
)

if TYPE_CHECKING:
    from keye_vl_rs.preview.image_processing import SiglipImageProcessor
    from keye_vl_rs.preview.processing import KeyeProcessor

__all__ = [
    "KeyeProcessor",
    "SiglipImageProcessor",
    "extract_vision_info",
    "fetch_image",
    "fetch_video",
    "process_vision_info",
    "smart_nframes",
    "smart_resize",
]

# These import transformers, which takes seconds.
_LAZY = {
    "KeyeProcessor": "keye_vl_rs.preview.processing",
    "SiglipImageProcessor": "keye_vl_rs.preview.image_processing",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, name, _LAZY)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
