"""Define the processor of Keye-VL-1.5, for text, images and videos.

A drop-in replacement for ``KeyeVL1_5Processor`` of transformers pull request 41040: the arguments
are the same, and the outputs are equal to the last bit. Unlike there, the videos of a batch are
assembled one by one, so that a video without fast frames does not affect the others.
"""

# No `from __future__ import annotations` here: transformers and vLLM read the annotations below as
# objects, to find out which keyword arguments this processor takes.

from collections.abc import Mapping, Sequence
from typing import Any

from transformers.image_processing_utils import BatchFeature
from transformers.processing_utils import ProcessingKwargs, Unpack

from keye_vl_rs._chat import prompt
from keye_vl_rs._patches.accepted_inputs import flatten_images
from keye_vl_rs._patches.pixel_config import PixelConfig
from keye_vl_rs._sampling.rules import VideoRules
from keye_vl_rs._sampling.video_options import VideoOptions
from keye_vl_rs._streaming.file import plan_size_choices
from keye_vl_rs._util.model import TOKEN_PIXELS, Size
from keye_vl_rs.probe.token_bounds import bound_tokens
from keye_vl_rs.processors.base import PIXEL_SETTINGS, BaseProcessor, KeyeTextKwargs
from keye_vl_rs.processors.chat_template import ChatTemplateMixin
from keye_vl_rs.processors.image_processor import KeyeVL1_5ImagesKwargs
from keye_vl_rs.processors.video_batch import AnyVideo, check_videos, video_tensors
from keye_vl_rs.processors.video_metadata import all_metadata
from keye_vl_rs.processors.video_processor import (
    KeyeVL1_5VideoProcessor,
    KeyeVL1_5VideosKwargs,
    check_sampled,
)

__all__ = ["KeyeVL1_5Processor", "KeyeVL1_5ProcessorKwargs"]

_RULES = VideoRules()


class KeyeVL1_5ProcessorKwargs(ProcessingKwargs, total=False):  # type: ignore[misc,call-arg]
    """List the keyword arguments of :meth:`KeyeVL1_5Processor.__call__`, by modality."""

    text_kwargs: KeyeTextKwargs
    images_kwargs: KeyeVL1_5ImagesKwargs
    videos_kwargs: KeyeVL1_5VideosKwargs
    _defaults = {"text_kwargs": {"padding": False}, "videos_kwargs": {"fps": 2.0}}


class KeyeVL1_5Processor(ChatTemplateMixin, BaseProcessor):
    """Turn text, images and videos into the inputs of Keye-VL-1.5.

    Args:
        image_processor: its settings apply to images and videos; None for the default one.
        tokenizer: Qwen2's, with the model's vision tokens.
        video_processor: a :class:`keye_vl_rs.KeyeVL1_5VideoProcessor`, whose settings apply to
            videos instead. Any other one is not used, but kept, saved and loaded for hosts that
            expect it.
        chat_template: a Jinja template.

    """

    valid_processor_kwargs = KeyeVL1_5ProcessorKwargs

    def __init__(
        self,
        image_processor: Any = None,
        tokenizer: Any = None,
        video_processor: Any = None,
        chat_template: str | dict[str, str] | None = None,
    ) -> None:
        """Store the parts, and the tokens around frames."""
        super().__init__(image_processor, tokenizer, chat_template)
        self.video_processor = video_processor
        default = prompt.VisionTokens()
        self.frame_token = getattr(tokenizer, "frame_token", default.frame)
        self.fast_start = getattr(tokenizer, "fast_start", default.fast_start)
        self.fast_end = getattr(tokenizer, "fast_end", default.fast_end)

    def __call__(
        self,
        text: str | list[str] | None = None,
        images: Any = None,
        videos: Any = None,
        **kwargs: Unpack[KeyeVL1_5ProcessorKwargs],
    ) -> BatchFeature:
        """Tokenise texts, and cut their images and videos into patches.

        Args:
            text: one prompt or several, with one image (video) token for each image (video), in
                order. Without images and videos, prompts are tokenised as they are.
            images: one image or a list: ``PIL.Image``, arrays or tensors.
            videos: one video or a list: uint8 (T, 3, H, W) or (T, H, W, 3), a list of frames, or
                the result of :func:`keye_vl_rs.preprocess_video`.
            kwargs: what ``process_vision_info`` returns for the videos, with one entry per video;
                arguments of the tokenizer and the image processor (``dtype=torch.bfloat16`` halves
                the memory of patches); ``return_tensors``; ``device`` for the patches.

        Returns:
            ``input_ids`` and ``attention_mask``, which are lists without ``return_tensors``;
            ``pixel_values`` (patches, 3, 14, 14), ``image_grid_thw`` (images, 3);
            ``pixel_values_videos`` (patches of all frames in time order, 3, 14, 14),
            ``video_grid_thw`` (runs of frames of one size, 3), ``num_frames`` (videos,). All but
            the first two are tensors, or arrays for "np": pixels float32, or the ``dtype`` that was
            set; the others int64.

        Raises:
            PromptError: the texts hold more or fewer vision tokens than there are inputs.
            FrameTypesError, FramesShapeError, SizeError, InvalidArgumentError: a video and its
                arguments do not fit together; they are checked before anything is computed.

        """
        merged, wanted = self._merge_call(kwargs)
        text_kwargs, images_kwargs = merged["text_kwargs"], merged["images_kwargs"]
        check_sampled(merged["videos_kwargs"])
        image_processor = self._own_image_processor()
        config = self._pixel_config(merged)
        image_list = [] if images is None else flatten_images(images)
        checked_videos = (
            [] if videos is None else check_videos(videos, merged["videos_kwargs"], config)
        )
        if not image_list and not checked_videos:
            return self._tokenize_plain(text, text_kwargs)
        split = self._split_texts(text, len(image_list), len(checked_videos), text_kwargs)
        vision: dict[str, Any] = {}
        if image_list:
            settings = {**images_kwargs, "return_tensors": "pt"}
            vision.update(image_processor.preprocess(image_list, **settings))
        if checked_videos:
            vision.update(video_tensors(checked_videos, config))
        tokens = {}
        if split is not None:
            inputs = {
                self.image_token: self._image_placeholders(
                    vision.get("image_grid_thw"), config.merge_size
                ),
                self.video_token: self._video_placeholders(checked_videos, config),
            }
            tokens = self._tokenize_filled(split, inputs, text_kwargs, wanted)
        outputs = {**tokens, **self._convert_outputs(vision, merged)}
        videos_kwargs = merged["videos_kwargs"]
        if checked_videos and videos_kwargs.get("return_metadata"):
            given = videos_kwargs.get("video_metadata")
            outputs["video_metadata"] = all_metadata(videos, given)
        return BatchFeature(data=outputs)

    def _pixel_config(self, merged: Mapping[str, Any]) -> PixelConfig:
        """Return the pixel configuration of videos for a call with these merged arguments."""
        settings = {**merged["images_kwargs"], **_given_settings(merged["videos_kwargs"])}
        own = isinstance(self.video_processor, KeyeVL1_5VideoProcessor)
        return (self.video_processor if own else self._own_image_processor()).pixel_config(settings)

    def _max_video_tokens(self, frames: int, size: Size, merged: Mapping[str, Any]) -> int:
        config, videos_kwargs = self._pixel_config(merged), merged["videos_kwargs"]
        options = VideoOptions(
            source=None,
            min_pixels=videos_kwargs.get("min_pixels"),
            max_pixels=videos_kwargs.get("max_pixels"),
        )
        choices = plan_size_choices(options, _RULES, size, frames, "the video")
        pixels = bound_tokens(choices, "the video").most * TOKEN_PIXELS
        return pixels // (config.patch_size * config.merge_size) ** 2

    def _video_placeholders(
        self, checked_videos: Sequence[AnyVideo], config: PixelConfig
    ) -> list[prompt.Placeholder]:
        tokens = prompt.VisionTokens(
            self.image_token, self.video_token, self.frame_token, self.fast_start, self.fast_end
        )
        unit = (config.patch_size * config.merge_size) ** 2
        return [
            prompt.video_placeholder(
                video.types, *video.sizes, video.timestamps, tokens=tokens, token_pixels=unit
            )
            for video in checked_videos
        ]


def _given_settings(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: kwargs[name] for name in PIXEL_SETTINGS if kwargs.get(name) is not None}
