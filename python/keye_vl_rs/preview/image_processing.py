"""Define the image processor of Keye-VL-8B-Preview: that of Keye-VL-1.5 with other settings."""

from typing import Any

from PIL import Image
from transformers.image_processing_utils import BatchFeature

from keye_vl_rs._patches.float_frames import whole_floats_to_uint8
from keye_vl_rs._util.model import NORMALIZATION
from keye_vl_rs.processors.image_processor import KeyeVL1_5ImageProcessor
from keye_vl_rs.processors.videos import list_videos

__all__ = ["SiglipImageProcessor"]


class SiglipImageProcessor(KeyeVL1_5ImageProcessor):
    """Resize images bicubically, and cut them into patches for Keye-VL-8B-Preview.

    The arguments are those of :class:`keye_vl_rs.KeyeVL1_5ImageProcessor`, with other defaults for
    ``resample``, ``image_mean`` and ``image_std``. It takes videos too: frames of one size, as
    ``process_vision_info`` resizes them.
    """

    def __init__(
        self,
        resample: int = Image.Resampling.BICUBIC,
        image_mean: Any = None,
        image_std: Any = None,
        **kwargs: Any,
    ) -> None:
        """Store and check the settings."""
        super().__init__(
            resample=resample,
            image_mean=NORMALIZATION if image_mean is None else image_mean,
            image_std=NORMALIZATION if image_std is None else image_std,
            **kwargs,
        )

    def preprocess(self, images: Any = None, videos: Any = None, **kwargs: Any) -> BatchFeature:
        """Cut images and videos into patches; convert float frames of whole numbers to bytes.

        Args:
            images: as for :meth:`keye_vl_rs.KeyeVL1_5ImageProcessor.preprocess`.
            videos: likewise; frames may also be floats that hold whole numbers from 0 to 255, as
                :func:`keye_vl_rs.preview.fetch_video` returns them.
            kwargs: this class's settings and ``return_tensors``, for this call.

        Returns:
            As :meth:`keye_vl_rs.KeyeVL1_5ImageProcessor.preprocess`.

        Raises:
            FramesShapeError, SizeError, InvalidArgumentError: an input or a setting is invalid.
        """
        if videos is not None:
            videos = [whole_floats_to_uint8(video) for video in list_videos(videos)]
        return super().preprocess(images, videos, **kwargs)
