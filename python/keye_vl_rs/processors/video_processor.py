"""Define the video processor of Keye-VL-1.5, which turns sampled frames into patches.

The model's processor exists in two forms (see :mod:`keye_vl_rs._patches.fused_operator`), of which
the later one has a part of this name that ``AutoVideoProcessor`` loads. This class does what the
whole processor does with videos, except for the prompt.
"""

# No `from __future__ import annotations` here: transformers and vLLM read the annotations below as
# objects, to find out which keyword arguments this processor takes.

from collections.abc import Mapping
from typing import Any

from transformers.image_processing_utils import BatchFeature
from transformers.processing_utils import VideosKwargs
from transformers.video_processing_utils import BaseVideoProcessor

from keye_vl_rs._patches.tensors import on_device, to_numpy
from keye_vl_rs._slow_fast.video_arguments import VideoArguments
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs.errors import InvalidArgumentError
from keye_vl_rs.processors.pixel_settings import PixelSettings
from keye_vl_rs.processors.video_batch import check_videos, video_tensors
from keye_vl_rs.processors.video_metadata import all_metadata

__all__ = ["KeyeVL1_5VideoProcessor", "KeyeVL1_5VideosKwargs"]


class KeyeVL1_5VideosKwargs(VideosKwargs, VideoArguments, total=False):  # type: ignore[misc]
    """List the keyword arguments for videos, with one entry per video, or one for a single video.

    Those of :class:`keye_vl_rs._slow_fast.video_arguments.VideoArguments` describe the sampled
    frames. ``device``: the device of the patches. ``video_metadata``: transformers'
    ``VideoMetadata``, from whose ``fps`` and ``frames_indices`` the times of a video without
    ``timestamps`` are computed. ``return_metadata``: whether to return them as well. ``fps`` is
    accepted but not used. The others are settings of :class:`keye_vl_rs.KeyeVL1_5ImageProcessor`,
    for this call.
    """

    fps: Any
    # Any: transformers would reject values that are valid here, such as a limit that is a float.
    min_pixels: Any
    max_pixels: Any
    patch_size: Any
    temporal_patch_size: Any
    merge_size: Any
    dtype: Any
    exif: Any
    # Defined by later releases of transformers only.
    do_sample_frames: Any
    return_metadata: Any
    video_metadata: Any


class KeyeVL1_5VideoProcessor(PixelSettings, BaseVideoProcessor):  # type: ignore[misc]
    """Resize and normalise sampled frames for Keye-VL-1.5, and cut them into patches.

    The settings and their defaults are those of :class:`keye_vl_rs.KeyeVL1_5ImageProcessor`. Videos
    must have been sampled already, for example by ``process_vision_info``.
    """

    model_input_names = ["pixel_values_videos", "video_grid_thw"]
    valid_kwargs = KeyeVL1_5VideosKwargs
    do_sample_frames = False

    def __call__(self, videos: Any, **kwargs: Any) -> BatchFeature:
        """Call :meth:`preprocess`."""
        return self.preprocess(videos, **kwargs)

    def preprocess(self, videos: Any, *, return_tensors: Any = None, **kwargs: Any) -> BatchFeature:
        """Resize and normalise the frames of videos, and cut them into patches.

        Args:
            videos: one video or a list: uint8 (T, 3, H, W) or (T, H, W, 3), a list of frames, or
                the result of :func:`keye_vl_rs.preprocess_video`.
            return_tensors: "pt" for tensors; otherwise the results are NumPy arrays.
            kwargs: what ``process_vision_info`` returns for the videos, with one entry per video;
                this class's settings for this call; ``device`` for the patches.

        Returns:
            ``pixel_values_videos`` (patches of all frames in time order, 3, 14, 14),
            ``video_grid_thw`` (runs of frames of one size, 3) and ``num_frames`` (videos,), int64;
            with ``return_metadata=True`` also ``video_metadata``, a list of ``VideoMetadata``.

        Raises:
            FrameTypesError, FramesShapeError, SizeError, InvalidArgumentError: a video and its
                arguments do not fit together; they are checked before anything is computed.

        """
        unknown = sorted(set(kwargs) - set(KeyeVL1_5VideosKwargs.__annotations__))
        if unknown:
            raise InvalidArgumentError(
                f"{', '.join(unknown)}: not among the settings of {type(self).__name__}"
            )
        check_sampled(kwargs)
        config = self.pixel_config(kwargs)
        tensors = video_tensors(check_videos(videos, kwargs, config), config)
        metadata = {}
        if kwargs.get("return_metadata"):
            metadata["video_metadata"] = all_metadata(videos, kwargs.get("video_metadata"))
        if getattr(return_tensors, "value", return_tensors) != "pt":
            arrays = {name: to_numpy(tensor) for name, tensor in tensors.items()}
            return BatchFeature({**arrays, **metadata})
        pixels = on_device(tensors["pixel_values_videos"], kwargs.get("device"))
        return BatchFeature({**tensors, "pixel_values_videos": pixels, **metadata})


def check_sampled(kwargs: Mapping[str, Any]) -> None:
    """Check that a call does not ask the processor to sample frames, which it does not support.

    Raises:
        InvalidArgumentError: ``num_frames`` or ``do_sample_frames`` is set.
    """
    if kwargs.get("num_frames") is not None:
        raise InvalidArgumentError(
            f"num_frames is {short_repr(kwargs['num_frames'])}: a processor expects sampled "
            "frames; use process_vision_info or apply_chat_template(num_frames=...) to sample them"
        )
    if kwargs.get("do_sample_frames"):
        raise InvalidArgumentError(
            "do_sample_frames is True: a processor expects sampled frames; use process_vision_info "
            "or apply_chat_template to sample them"
        )
