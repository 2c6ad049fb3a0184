"""Videos and images into the tensors that Keye-VL models read, equal to the published pipeline's to
the last bit.

- :func:`enable`: programs, processors and servers of this process use this package from then on.
- :func:`preprocess_video`: one call from a file to tensors.
- :mod:`keye_vl_rs.vision_process`: the drop-in for ``keye_vl_utils`` 1.5.2; its functions are here
  too.
- :class:`KeyeVL1_5Processor`, :class:`KeyeVL1_5ImageProcessor`, :class:`KeyeVL1_5VideoProcessor`:
  processors for transformers, imported when first asked for.
- :func:`to_openai_messages`, :func:`to_vllm_inputs`: messages for servers.
- :class:`Limits`: what a source may ask for at most.
- :mod:`keye_vl_rs.errors`: what is raised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keye_vl_rs._core import __version__
from keye_vl_rs._decoding.damage import Damage
from keye_vl_rs._moved import forward_imports
from keye_vl_rs._patches.fused_operator import BicubicVideoFusionOpProcessor, BicubicVideoProcessor
from keye_vl_rs._patches.video_settings import VideoSettings
from keye_vl_rs.errors import KeyeVLError
from keye_vl_rs.hosts.openai import to_openai_messages
from keye_vl_rs.hosts.switch import disable, enable
from keye_vl_rs.hosts.vllm_inputs import to_vllm_inputs
from keye_vl_rs.limits import Limits
from keye_vl_rs.preprocess import VideoInputs, preprocess_video
from keye_vl_rs.vision_process import (
    extract_slow_fast_frames,
    extract_vision_info,
    fetch_image,
    fetch_video,
    get_frame_sim,
    process_vision_info,
    smart_nframes,
    smart_resize,
)

if TYPE_CHECKING:
    from keye_vl_rs.processors.image_processor import KeyeVL1_5ImageProcessor
    from keye_vl_rs.processors.processor import KeyeVL1_5Processor
    from keye_vl_rs.processors.video_processor import KeyeVL1_5VideoProcessor

__all__ = [
    "BicubicVideoFusionOpProcessor",
    "BicubicVideoProcessor",
    "Damage",
    "KeyeVL1_5ImageProcessor",
    "KeyeVL1_5Processor",
    "KeyeVL1_5VideoProcessor",
    "KeyeVLError",
    "Limits",
    "VideoInputs",
    "VideoSettings",
    "__version__",
    "disable",
    "enable",
    "extract_slow_fast_frames",
    "extract_vision_info",
    "fetch_image",
    "fetch_video",
    "get_frame_sim",
    "preprocess_video",
    "process_vision_info",
    "smart_nframes",
    "smart_resize",
    "to_openai_messages",
    "to_vllm_inputs",
]

forward_imports()

# These import transformers, which takes seconds.
_LAZY = {
    "KeyeVL1_5ImageProcessor": "keye_vl_rs.processors.image_processor",
    "KeyeVL1_5Processor": "keye_vl_rs.processors.processor",
    "KeyeVL1_5VideoProcessor": "keye_vl_rs.processors.video_processor",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
