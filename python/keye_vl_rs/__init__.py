"""Turn videos and images into the input tensors of Keye-VL models, fast and bit for bit equal.

"Equal" refers to keye-vl-utils 1.5.2 and the processor in transformers pull request 41040, which
the documentation calls the published pipeline.

- :func:`enable`: make existing programs, processors and servers use this package.
- :func:`preprocess_video`: turn a video into tensors with one call.
- :func:`probe_video`, :func:`count_tokens`: find out what a video would cost.
- :func:`preprocess_videos`: preprocess many videos, several at once.
- :class:`VideoDataset`: preprocessed videos for the data loader of torch.
- :mod:`keye_vl_rs.aio`: awaitable forms of the calls that take long.
- :func:`inspect_video`: report which frames are slow and why, and what they cost.
- :func:`iter_frames`: yield sampled frames one by one, for any model.
- :mod:`keye_vl_rs.vision_process`: a drop-in replacement for ``keye_vl_utils`` 1.5.2, whose
  functions can also be imported from here.
- :class:`KeyeVL1_5Processor`, :class:`KeyeVL1_5ImageProcessor`, :class:`KeyeVL1_5VideoProcessor`:
  processors for transformers, imported on first access.
- :func:`to_openai_messages`, :func:`to_vllm_inputs`: convert messages for servers.
- :class:`Limits`: bound the size, duration and download of a source.
- :mod:`keye_vl_rs.errors`: the exceptions and warnings of this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keye_vl_rs import aio
from keye_vl_rs._core import __version__
from keye_vl_rs._decoding.damage import Damage
from keye_vl_rs._moved import forward_imports, import_moved
from keye_vl_rs._patches.fused_operator import BicubicVideoFusionOpProcessor, BicubicVideoProcessor
from keye_vl_rs._patches.video_settings import VideoSettings
from keye_vl_rs._util.lazy_attributes import lazy_attribute
from keye_vl_rs._util.progress import Progress
from keye_vl_rs.errors import KeyeVLError
from keye_vl_rs.frames import SampledFrame, iter_frames
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
    from keye_vl_rs.batch.dataset import VideoDataset
    from keye_vl_rs.batch.videos import VideoResult, preprocess_videos
    from keye_vl_rs.inspection.result import VideoInspection
    from keye_vl_rs.inspection.video import inspect_video
    from keye_vl_rs.probe.counting import count_tokens
    from keye_vl_rs.probe.probing import probe_video
    from keye_vl_rs.probe.video_probe import VideoProbe
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
    "Progress",
    "SampledFrame",
    "VideoDataset",
    "VideoInputs",
    "VideoInspection",
    "VideoProbe",
    "VideoResult",
    "VideoSettings",
    "__version__",
    "aio",
    "count_tokens",
    "disable",
    "enable",
    "extract_slow_fast_frames",
    "extract_vision_info",
    "fetch_image",
    "fetch_video",
    "get_frame_sim",
    "inspect_video",
    "iter_frames",
    "preprocess_video",
    "preprocess_videos",
    "probe_video",
    "process_vision_info",
    "smart_nframes",
    "smart_resize",
    "to_openai_messages",
    "to_vllm_inputs",
]

forward_imports()

# Imported on first access: processors import transformers, which takes seconds, and few programs
# probe or inspect videos, or preprocess many.
_LAZY = {
    "VideoDataset": "keye_vl_rs.batch.dataset",
    "VideoProbe": "keye_vl_rs.probe.video_probe",
    "VideoResult": "keye_vl_rs.batch.videos",
    "count_tokens": "keye_vl_rs.probe.counting",
    "preprocess_videos": "keye_vl_rs.batch.videos",
    "probe_video": "keye_vl_rs.probe.probing",
    "KeyeVL1_5ImageProcessor": "keye_vl_rs.processors.image_processor",
    "KeyeVL1_5Processor": "keye_vl_rs.processors.processor",
    "KeyeVL1_5VideoProcessor": "keye_vl_rs.processors.video_processor",
    "VideoInspection": "keye_vl_rs.inspection.result",
    "inspect_video": "keye_vl_rs.inspection.video",
}


def __getattr__(name: str) -> Any:
    module = import_moved(name)
    return lazy_attribute(__name__, name, _LAZY) if module is None else module


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
