"""The image processor of Keye-VL-8B-Preview: that of Keye-VL-1.5 with other settings."""

from typing import Any

import torch
from PIL import Image
from transformers.image_processing_utils import BatchFeature

from keye_vl_rs.processors.image_processor import KeyeVL1_5ImageProcessor
from keye_vl_rs.processors.videos import list_videos

__all__ = ["SiglipImageProcessor"]

_HALVES = (0.5, 0.5, 0.5)


class SiglipImageProcessor(KeyeVL1_5ImageProcessor):
    """Resizes images bicubically to whole tokens, normalises and cuts them into patches.

    The arguments are those of :class:`keye_vl_rs.KeyeVL1_5ImageProcessor`; what differs is the
    default of ``resample``, ``image_mean`` and ``image_std``. Videos are one more kind of input
    here: frames of one size, which ``process_vision_info`` has resized.
    """

    def __init__(
        self,
        resample: int = Image.Resampling.BICUBIC,
        image_mean: Any = None,
        image_std: Any = None,
        **kwargs: Any,
    ) -> None:
        """See the class."""
        super().__init__(
            resample=resample,
            image_mean=_HALVES if image_mean is None else image_mean,
            image_std=_HALVES if image_std is None else image_std,
            **kwargs,
        )

    def preprocess(self, images: Any = None, videos: Any = None, **kwargs: Any) -> BatchFeature:
        """As in the base class; float frames that hold whole numbers go the way of bytes."""
        if videos is not None:
            videos = [_as_bytes(video) for video in list_videos(videos)]
        return super().preprocess(images, videos, **kwargs)


def _as_bytes(video: Any) -> Any:
    """Frames as ``process_vision_info`` makes them as the bytes that they are, others untouched.

    The published processor turns such frames into bytes too, for Pillow, and finds then that their
    size is right already.
    """
    if not isinstance(video, torch.Tensor) or video.dtype != torch.float32:
        return video
    parts = []
    for frame in video:
        part = frame.clamp(0, 255).to(torch.uint8)
        if not torch.equal(part.float(), frame):
            return video
        parts.append(part)
    return torch.stack(parts)
