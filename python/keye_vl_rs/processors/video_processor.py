"""The video processor of Keye-VL-1.5: sampled frames into patches, without their prompt.

The later form of the published processor keeps a part of this name beside its image processor; it
is what ``AutoVideoProcessor`` gives. The work is that of the whole processor's video half.
"""

# No `from __future__ import annotations` here: transformers and vLLM read the annotations below as
# objects, to learn which keyword arguments this processor takes.

from collections.abc import Mapping
from typing import Any

from transformers.image_processing_utils import BatchFeature
from transformers.processing_utils import VideosKwargs
from transformers.video_processing_utils import BaseVideoProcessor

from keye_vl_rs._patches.tensors import on_device, to_numpy
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs.errors import InvalidArgumentError
from keye_vl_rs.processors.pixel_settings import PixelSettings
from keye_vl_rs.processors.video_batch import check_videos, video_tensors

__all__ = ["KeyeVL1_5VideoProcessor", "KeyeVL1_5VideosKwargs"]


class KeyeVL1_5VideosKwargs(VideosKwargs, total=False):  # type: ignore[misc,call-arg]
    """What a call says about its videos: one entry per video, or one for the only.

    ``frame_types`` (T,): 0 slow, 1 fast; ``timestamps`` (T,): seconds; ``height``, ``width``,
    ``fast_height``, ``fast_width``: the sizes to resample to. ``fps``, ``video_metadata`` and
    ``return_metadata`` are accepted and not used: what the prompt says of times comes from
    ``timestamps`` alone, as published. ``device``: where the patches are put. The others are
    settings of :class:`keye_vl_rs.KeyeVL1_5ImageProcessor`, for this call.
    """

    fps: Any
    height: Any
    width: Any
    fast_height: Any
    fast_width: Any
    timestamps: Any
    frame_types: Any
    # Not their types, which transformers would check in a way of its own: a limit may be a float.
    min_pixels: Any
    max_pixels: Any
    patch_size: Any
    temporal_patch_size: Any
    merge_size: Any
    dtype: Any
    exif: Any
    # Of later releases; here all of them take it.
    do_sample_frames: Any
    return_metadata: Any
    video_metadata: Any


class KeyeVL1_5VideoProcessor(PixelSettings, BaseVideoProcessor):  # type: ignore[misc]
    """Resizes slow and fast frames to their sizes, normalises and cuts them into patches.

    The settings and their defaults are those of :class:`keye_vl_rs.KeyeVL1_5ImageProcessor`. Frames
    have been sampled already: by ``process_vision_info``, say.
    """

    model_input_names = ["pixel_values_videos", "video_grid_thw"]
    valid_kwargs = KeyeVL1_5VideosKwargs
    do_sample_frames = False

    def __call__(self, videos: Any, **kwargs: Any) -> BatchFeature:
        """:meth:`preprocess`."""
        return self.preprocess(videos, **kwargs)

    def preprocess(self, videos: Any, *, return_tensors: Any = None, **kwargs: Any) -> BatchFeature:
        """Videos into patches.

        Args:
            videos: one video or a list: uint8 (T, 3, H, W) or (T, H, W, 3), or a list of frames; or
                what :func:`keye_vl_rs.preprocess_video` made of it.
            return_tensors: "pt"; otherwise the results are NumPy arrays.
            kwargs: what ``process_vision_info`` says about the videos, one entry per video, and
                this class's settings for this call; ``device``, where the patches are put.

        Returns:
            ``pixel_values_videos`` (patches of all frames in time order, 3, 14, 14),
            ``video_grid_thw`` (runs of frames of one size, 3) and ``num_frames`` (videos,), int64.

        Raises:
            FrameTypesError, FramesShapeError, SizeError, InvalidArgumentError: a video or what is
                said about it does not fit; nothing has been computed by then.

        """
        unknown = sorted(set(kwargs) - set(KeyeVL1_5VideosKwargs.__annotations__))
        if unknown:
            raise InvalidArgumentError(f"{', '.join(unknown)}: not among this class's settings")
        check_sampled(kwargs)
        config = self.pixel_config(kwargs)
        tensors = video_tensors(check_videos(videos, kwargs, config), config)
        if getattr(return_tensors, "value", return_tensors) != "pt":
            return BatchFeature({name: to_numpy(tensor) for name, tensor in tensors.items()})
        pixels = on_device(tensors["pixel_values_videos"], kwargs.get("device"))
        return BatchFeature({**tensors, "pixel_values_videos": pixels})


def check_sampled(kwargs: Mapping[str, Any]) -> None:
    """Raises :class:`InvalidArgumentError` if frames are to be sampled, which is not done here."""
    if kwargs.get("num_frames") is not None:
        raise InvalidArgumentError(
            f"num_frames is {short_repr(kwargs['num_frames'])}: "
            "expected frames that have been sampled, as "
            "process_vision_info and apply_chat_template(num_frames=...) sample them"
        )
    if kwargs.get("do_sample_frames"):
        raise InvalidArgumentError(
            "do_sample_frames is True: expected frames that have been sampled, as "
            "process_vision_info and apply_chat_template sample them"
        )
