"""The processor of Keye-VL-1.5: text, images and videos into what the model reads.

A drop-in for the published ``KeyeVL1_5Processor`` (transformers pull request 41040): the same
arguments, the same outputs to the last bit, and a batch's videos assembled one by one, so that a
video without fast frames does not disturb the others.
"""

# No `from __future__ import annotations` here: transformers and vLLM read the annotations below as
# objects, to learn which keyword arguments this processor takes.

from collections.abc import Mapping, Sequence
from typing import Any

from transformers.image_processing_utils import BatchFeature
from transformers.processing_utils import ProcessingKwargs, Unpack

from keye_vl_rs._chat import prompt
from keye_vl_rs._patches.accepted_inputs import flatten_images
from keye_vl_rs._patches.pixel_config import PixelConfig
from keye_vl_rs.processors.base import SETTINGS, BaseProcessor, KeyeTextKwargs
from keye_vl_rs.processors.chat_template import ChatTemplateMixin
from keye_vl_rs.processors.image_processor import KeyeVL1_5ImagesKwargs
from keye_vl_rs.processors.video_batch import AnyVideo, check_videos, video_tensors
from keye_vl_rs.processors.video_processor import (
    KeyeVL1_5VideoProcessor,
    KeyeVL1_5VideosKwargs,
    check_sampled,
)

__all__ = ["KeyeVL1_5Processor", "KeyeVL1_5ProcessorKwargs"]


class KeyeVL1_5ProcessorKwargs(ProcessingKwargs, total=False):  # type: ignore[misc,call-arg]
    """The keyword arguments of :meth:`KeyeVL1_5Processor.__call__`, by what they are about."""

    text_kwargs: KeyeTextKwargs
    images_kwargs: KeyeVL1_5ImagesKwargs
    videos_kwargs: KeyeVL1_5VideosKwargs
    _defaults = {"text_kwargs": {"padding": False}, "videos_kwargs": {"fps": 2.0}}


class KeyeVL1_5Processor(ChatTemplateMixin, BaseProcessor):
    """Prepares text, images and videos for Keye-VL-1.5.

    Args:
        image_processor: its settings are those of images and videos alike; None makes one.
        tokenizer: Qwen2's, with the model's vision tokens.
        video_processor: a :class:`keye_vl_rs.KeyeVL1_5VideoProcessor`, whose settings are those of
            videos then. Any other is kept, saved and loaded for hosts that look for one; not used.
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
        """See the class."""
        super().__init__(image_processor, tokenizer, chat_template)
        self.video_processor = video_processor
        usual = prompt.VisionTokens()
        self.frame_token = getattr(tokenizer, "frame_token", usual.frame)
        self.fast_start = getattr(tokenizer, "fast_start", usual.fast_start)
        self.fast_end = getattr(tokenizer, "fast_end", usual.fast_end)

    def __call__(
        self,
        text: str | list[str] | None = None,
        images: Any = None,
        videos: Any = None,
        **kwargs: Unpack[KeyeVL1_5ProcessorKwargs],
    ) -> BatchFeature:
        """Tokenise texts and turn the images and videos that they name into patches.

        Args:
            text: one prompt or several, with one image (video) token for each image (video), in
                order. Prompts pass untouched when there are neither images nor videos.
            images: one image or a list: ``PIL.Image``, arrays or tensors.
            videos: one video or a list: uint8 (T, 3, H, W) or (T, H, W, 3), or a list of frames; or
                what :func:`keye_vl_rs.preprocess_video` made of it.
            kwargs: those of ``process_vision_info`` with one entry per video; the tokenizer's; the
                image processor's (``dtype=torch.bfloat16`` halves the patches); ``return_tensors``;
                ``device``, where the patches are put.

        Returns:
            ``input_ids`` and ``attention_mask``, lists without ``return_tensors``; ``pixel_values``
            (patches, 3, 14, 14), ``image_grid_thw`` (images, 3); ``pixel_values_videos`` (patches
            of all frames in time order, 3, 14, 14), ``video_grid_thw`` (runs of frames of one
            size, 3), ``num_frames`` (videos,). All but the first two are tensors, or arrays for
            "np".

        Raises:
            PromptError: a text holds more or fewer vision tokens than there are inputs.
            FrameTypesError, FramesShapeError, SizeError, InvalidArgumentError: a video or what is
                said about it does not fit; nothing has been computed by then.

        """
        merged, wanted = self._merged(kwargs)
        text_kwargs, images_kwargs = merged["text_kwargs"], merged["images_kwargs"]
        check_sampled(merged["videos_kwargs"])
        engine = self._engine()
        config = self._pixel_config(merged)
        pictures = [] if images is None else flatten_images(images)
        clips = [] if videos is None else check_videos(videos, merged["videos_kwargs"], config)
        if not pictures and not clips:
            return self._text_alone(text, text_kwargs)
        cut = self._cut(text, len(pictures), len(clips), text_kwargs)
        vision: dict[str, Any] = {}
        if pictures:
            vision.update(engine.preprocess(pictures, **{**images_kwargs, "return_tensors": "pt"}))
        if clips:
            vision.update(video_tensors(clips, config))
        tokens = {}
        if cut is not None:
            inputs = {
                self.image_token: self._image_placeholders(
                    vision.get("image_grid_thw"), config.merge_size
                ),
                self.video_token: self._video_placeholders(clips, config),
            }
            tokens = self._tokens(cut, inputs, text_kwargs, wanted)
        return BatchFeature(data={**tokens, **self._placed(vision, merged)})

    def _pixel_config(self, merged: Mapping[str, Any]) -> PixelConfig:
        """What a call with these merged arguments does to the pixels of videos."""
        settings = {**merged["images_kwargs"], **_settings(merged["videos_kwargs"])}
        own = isinstance(self.video_processor, KeyeVL1_5VideoProcessor)
        return (self.video_processor if own else self._engine()).pixel_config(settings)

    def _video_placeholders(
        self, clips: Sequence[AnyVideo], config: PixelConfig
    ) -> list[prompt.Placeholder]:
        tokens = prompt.VisionTokens(
            self.image_token, self.video_token, self.frame_token, self.fast_start, self.fast_end
        )
        unit = (config.patch_size * config.merge_size) ** 2
        return [
            prompt.video_placeholder(
                clip.types, *clip.sizes, clip.timestamps, tokens=tokens, token_pixels=unit
            )
            for clip in clips
        ]


def _settings(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: kwargs[name] for name in SETTINGS if kwargs.get(name) is not None}
