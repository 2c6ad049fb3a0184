"""Define the processor of Keye-VL-8B-Preview: from text and media to the model's inputs."""

# No `from __future__ import annotations` here: transformers and vLLM read the annotations below as
# objects, to find out which keyword arguments this processor takes.

from collections.abc import Mapping
from typing import Any

import torch
from transformers.image_processing_utils import BatchFeature
from transformers.processing_utils import ProcessingKwargs, Unpack, VideosKwargs

from keye_vl_rs._chat import prompt
from keye_vl_rs._chat.message_options import take_call_options, take_exif, with_defaults
from keye_vl_rs._chat.messages import is_one_conversation, plain_conversations
from keye_vl_rs._patches.accepted_inputs import flatten_images
from keye_vl_rs._slow_fast.sizes import tokens_of_patches
from keye_vl_rs._util.model import Size
from keye_vl_rs._util.validation import positive_number
from keye_vl_rs.errors import InvalidArgumentError
from keye_vl_rs.limits import Limits, applied
from keye_vl_rs.preview import vision_process
from keye_vl_rs.preview.image_processing import SiglipImageProcessor
from keye_vl_rs.processors.base import BaseProcessor, KeyeTextKwargs
from keye_vl_rs.processors.image_processor import KeyeVL1_5ImagesKwargs
from keye_vl_rs.processors.video_processor import check_sampled
from keye_vl_rs.processors.videos import list_videos

__all__ = ["KeyeProcessor", "KeyeProcessorKwargs"]


class KeyeVideosKwargs(VideosKwargs, total=False):  # type: ignore[misc,call-arg]
    """Take ``fps``: the sampled frames per second, one number for all videos or one per video."""

    fps: Any


class KeyeProcessorKwargs(ProcessingKwargs, total=False):  # type: ignore[misc,call-arg]
    """List the keyword arguments of :meth:`KeyeProcessor.__call__`, by modality."""

    text_kwargs: KeyeTextKwargs
    images_kwargs: KeyeVL1_5ImagesKwargs
    videos_kwargs: KeyeVideosKwargs
    _defaults = {"text_kwargs": {"padding": False}, "videos_kwargs": {"fps": 2.0}}


class KeyeProcessor(BaseProcessor):
    """Turn text, images and videos into the inputs of Keye-VL-8B-Preview.

    Args:
        image_processor: its settings apply to images and videos; None for the default one.
        tokenizer: Qwen's, with the model's vision tokens.
        chat_template: a Jinja template.

    """

    valid_processor_kwargs = KeyeProcessorKwargs
    image_processor_kind = SiglipImageProcessor

    def __init__(
        self,
        image_processor: Any = None,
        tokenizer: Any = None,
        chat_template: str | dict[str, str] | None = None,
    ) -> None:
        """Store the parts."""
        super().__init__(image_processor, tokenizer, chat_template)

    def __call__(
        self,
        images: Any = None,
        text: Any = None,
        videos: Any = None,
        **kwargs: Unpack[KeyeProcessorKwargs],
    ) -> BatchFeature:
        """Tokenise texts, and cut their images and videos into patches.

        Args:
            images: one image or a list: ``PIL.Image``, arrays or tensors.
            text: one prompt or several, with one image (video) token for each image (video), in
                order. Without images and videos, prompts are tokenised as they are.
            videos: one video or a list, as :func:`keye_vl_rs.preview.process_vision_info` returns
                them: (T, 3, H, W), or a list of frames of one size.
            kwargs: ``fps``, the sampled frames per second, one number (2.0) or one per video;
                arguments of the tokenizer and the image processor; ``return_tensors``; ``device``.

        Returns:
            ``input_ids`` and ``attention_mask``, which are lists without ``return_tensors``;
            ``pixel_values`` (patches, 3, 14, 14), ``image_grid_thw`` (images, 3);
            ``pixel_values_videos`` (patches, 3, 14, 14), ``video_grid_thw`` (videos, 3),
            ``second_per_grid_ts`` (videos,) float32, seconds between frames.

        Raises:
            PromptError: the texts hold more or fewer vision tokens than there are inputs.
            FramesShapeError, SizeError, InvalidArgumentError: an input or an argument is invalid.

        """
        merged, wanted = self._merge_call(kwargs)
        text_kwargs = merged["text_kwargs"]
        check_sampled(merged["videos_kwargs"])
        image_list = [] if images is None else flatten_images(images)
        video_list = [] if videos is None else list_videos(videos)
        if not image_list and not video_list:
            return self._tokenize_plain(text, text_kwargs)
        seconds = _seconds_per_grid(merged["videos_kwargs"].get("fps", 2.0), len(video_list))
        split = self._split_texts(text, len(image_list), len(video_list), text_kwargs)
        image_processor = self._own_image_processor()
        settings = {**merged["images_kwargs"], "return_tensors": "pt"}
        vision: dict[str, Any] = {}
        if image_list:
            vision.update(image_processor.preprocess(image_list, **settings))
        if video_list:
            vision.update(image_processor.preprocess(videos=video_list, **settings))
            vision["second_per_grid_ts"] = torch.tensor(seconds, dtype=torch.float32, device="cpu")
        tokens = {}
        if split is not None:
            merge_size = image_processor.pixel_config(merged["images_kwargs"]).merge_size
            inputs = {
                self.image_token: self._image_placeholders(
                    vision.get("image_grid_thw"), merge_size
                ),
                self.video_token: self._video_placeholders(vision, merge_size),
            }
            tokens = self._tokenize_filled(split, inputs, text_kwargs, wanted)
        return BatchFeature(data={**tokens, **self._convert_outputs(vision, merged)})

    def apply_chat_template(
        self,
        conversation: Any,
        chat_template: str | None = None,
        *,
        tokenize: bool = False,
        return_dict: bool = False,
        processor_kwargs: Mapping[str, Any] | None = None,
        return_tensors: Any = None,
        limits: Limits | None = None,
        **kwargs: Any,
    ) -> Any:
        """Render a conversation, or a batch of them, or prepare the model's inputs for it.

        Images and videos are loaded by :func:`keye_vl_rs.preview.process_vision_info`.

        Args:
            conversation: messages, or a list of such lists.
            chat_template: a Jinja template or the name of one; None for the processor's own.
            tokenize: return ``input_ids``, or with ``return_dict=True`` all inputs; otherwise the
                text.
            return_dict: see ``tokenize``.
            processor_kwargs: for :meth:`__call__`. ``fps``, ``num_frames`` and ``nframes`` apply to
                videos that have none of them, ``max_frames`` to videos that do not have it,
                ``exif`` to images and lists of frames.
            return_tensors: for :meth:`__call__`.
            limits: bounds on each image and video; None for those of the environment.
            kwargs: other arguments of transformers, and variables of the template.

        Raises:
            MediaError, InvalidArgumentError: subclasses of them; the message says what is wrong.
        """
        conversation = plain_conversations(conversation, needs_sources=tokenize)
        call = dict(processor_kwargs or {})
        if tokenize:
            defaults = take_call_options(call, kwargs)
            call = {**take_exif(kwargs), **call}
            defaults.update(self._exif_option(self._merge_call(call)[0]["images_kwargs"]))
            is_one = is_one_conversation(conversation)
            conversations = [
                with_defaults(one, defaults, vision_process.EXCLUSIVE)
                for one in ([conversation] if is_one else conversation)
            ]
            conversation = conversations[0] if is_one else conversations
        texts = super().apply_chat_template(conversation, chat_template, tokenize=False, **kwargs)
        if not tokenize:
            return texts
        images, videos, video_kwargs = vision_process.process_vision_info(
            conversation, return_video_kwargs=True, limits=limits
        )
        if videos is not None:
            call["fps"] = video_kwargs["fps"]
        with applied(limits):
            inputs = self(
                images=images, text=texts, videos=videos, return_tensors=return_tensors, **call
            )
        return inputs if return_dict else inputs["input_ids"]

    def _max_video_tokens(self, frames: int, size: Size, merged: Mapping[str, Any]) -> int:
        config = self._own_image_processor().pixel_config(merged["images_kwargs"])
        planned = vision_process.plan_video_size({"video": None}, frames, size)
        rows, columns = (side // config.patch_size for side in config.target_size(*planned))
        return tokens_of_patches(frames * rows * columns, config.merge_size)

    def _video_placeholders(
        self, vision: Mapping[str, Any], merge_size: int
    ) -> list[prompt.Placeholder]:
        grid = vision.get("video_grid_thw")
        rows = [] if grid is None else grid.prod(-1).tolist()
        return [
            prompt.Placeholder(
                "video",
                self.video_token,
                self.video_token,
                (tokens_of_patches(patches, merge_size),),
            )
            for patches in rows
        ]


def _seconds_per_grid(fps: Any, videos: int) -> list[float]:
    """Return the seconds between two frames of each video."""
    if hasattr(fps, "__len__"):
        rates = list(fps)
        if len(rates) != videos:
            raise InvalidArgumentError(
                f"fps has {len(rates)} entries for {videos} videos: give one per video, or a number"
            )
    else:
        rates = [fps] * videos
    return [1 / positive_number("fps", rate) for rate in rates]
