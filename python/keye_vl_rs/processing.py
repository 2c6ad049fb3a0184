"""The processor of Keye-VL-1.5: text, images and videos into what the model reads.

A drop-in for the published ``KeyeVL1_5Processor`` (transformers pull request 41040): the same
arguments, the same outputs to the last bit, and a batch's videos assembled one by one, so that a
video without fast frames does not disturb the others.
"""

# No `from __future__ import annotations` here: transformers and vLLM read the annotations below as
# objects, to learn which keyword arguments this processor takes.

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from transformers import processing_utils
from transformers.image_processing_utils import BatchFeature
from transformers.processing_utils import ProcessingKwargs, ProcessorMixin, TextKwargs, Unpack

from keye_vl_rs import prompt
from keye_vl_rs.accepted_inputs import flatten_images
from keye_vl_rs.chat_template import ChatTemplateMixin
from keye_vl_rs.errors import InvalidArgumentError
from keye_vl_rs.image_processing import KeyeVL1_5ImageProcessor, KeyeVL1_5ImagesKwargs
from keye_vl_rs.processor_files import ProcessorFilesMixin
from keye_vl_rs.recipe import Recipe
from keye_vl_rs.tensors import on_device, to_numpy
from keye_vl_rs.tokenization import tokenize
from keye_vl_rs.video_batch import AnyVideo, check_videos, video_tensors
from keye_vl_rs.video_processing import (
    KeyeVL1_5VideoProcessor,
    KeyeVL1_5VideosKwargs,
    check_sampled,
)

__all__ = ["KeyeVL1_5Processor", "KeyeVL1_5ProcessorKwargs"]

_SETTINGS = tuple(inspect.signature(KeyeVL1_5ImageProcessor).parameters)[:-1]
# Of a release that has none, nobody asks for it.
_MultiModalData: Any = getattr(processing_utils, "MultiModalData", dict)
_MIRRORED = ("return_mm_token_type_ids", "return_text_replacement_offsets")


class KeyeVL1_5TextKwargs(TextKwargs, total=False):  # type: ignore[misc,call-arg]
    """What later releases of transformers ask for; here all of them may."""

    return_mm_token_type_ids: bool | None
    return_text_replacement_offsets: bool | None


class KeyeVL1_5ProcessorKwargs(ProcessingKwargs, total=False):  # type: ignore[misc,call-arg]
    """The keyword arguments of :meth:`KeyeVL1_5Processor.__call__`, by what they are about."""

    text_kwargs: KeyeVL1_5TextKwargs
    images_kwargs: KeyeVL1_5ImagesKwargs
    videos_kwargs: KeyeVL1_5VideosKwargs
    _defaults = {"text_kwargs": {"padding": False}, "videos_kwargs": {"fps": 2.0}}


class KeyeVL1_5Processor(
    ProcessorFilesMixin,
    ChatTemplateMixin,
    ProcessorMixin,  # type: ignore[misc]
):
    """Prepares text, images and videos for Keye-VL-1.5.

    Args:
        image_processor: its settings are those of images and videos alike; None makes one.
        tokenizer: Qwen2's, with the model's vision tokens.
        video_processor: a :class:`keye_vl_rs.KeyeVL1_5VideoProcessor`, whose settings are those of
            videos then. Any other is kept, saved and loaded for hosts that look for one; not used.
        chat_template: a Jinja template.

    """

    image_processor_class = "AutoImageProcessor"
    tokenizer_class = ("Qwen2Tokenizer", "Qwen2TokenizerFast")
    valid_processor_kwargs = KeyeVL1_5ProcessorKwargs

    def __init__(
        self,
        image_processor: Any = None,
        tokenizer: Any = None,
        video_processor: Any = None,
        chat_template: str | dict[str, str] | None = None,
    ) -> None:
        """See the class."""
        if image_processor is None:
            image_processor = KeyeVL1_5ImageProcessor()
        super().__init__(image_processor, tokenizer, chat_template=chat_template)
        self.video_processor = video_processor
        usual = prompt.VisionTokens()
        self.image_token = getattr(tokenizer, "image_token", usual.image)
        self.video_token = getattr(tokenizer, "video_token", usual.video)
        self.frame_token = getattr(tokenizer, "frame_token", usual.frame)
        self.fast_start = getattr(tokenizer, "fast_start", usual.fast_start)
        self.fast_end = getattr(tokenizer, "fast_end", usual.fast_end)
        self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
        self.video_token_id = tokenizer.convert_tokens_to_ids(self.video_token)

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
        merged = self._merge_kwargs(
            KeyeVL1_5ProcessorKwargs,
            tokenizer_init_kwargs=self.tokenizer.init_kwargs,
            **kwargs,
        )
        text_kwargs, images_kwargs = merged["text_kwargs"], merged["images_kwargs"]
        wanted = {name: text_kwargs.pop(name, merged.get(name, False)) for name in _MIRRORED}
        tensors = text_kwargs.get("return_tensors")
        as_arrays = getattr(tensors, "value", tensors) == "np"
        check_sampled(merged["videos_kwargs"])
        engine = self._engine()
        recipe = self._recipe(merged)
        pictures = [] if images is None else flatten_images(images)
        clips = [] if videos is None else check_videos(videos, merged["videos_kwargs"], recipe)
        if not pictures and not clips:
            texts = list(text) if isinstance(text, (list, tuple)) else [text]
            tokens = {} if text is None else dict(self.tokenizer(texts, **text_kwargs))
            return BatchFeature(data=tokens)
        cut = None
        if text is not None:
            expected = {self.image_token: len(pictures), self.video_token: len(clips)}
            cut = prompt.split_texts(_texts(text), expected, guard=_guard(text_kwargs))

        vision: dict[str, Any] = {}
        if pictures:
            vision.update(engine.preprocess(pictures, **{**images_kwargs, "return_tensors": "pt"}))
        if clips:
            vision.update(video_tensors(clips, engine, recipe))
        if as_arrays:
            vision = {name: to_numpy(tensor) for name, tensor in vision.items()}
        else:
            for name, kind in (("pixel_values", "images"), ("pixel_values_videos", "videos")):
                if name in vision:
                    device = merged[f"{kind}_kwargs"].get("device")
                    vision[name] = on_device(vision[name], device)
        tokens = {}
        if cut is not None:
            inputs = self._placeholders(vision.get("image_grid_thw"), clips, recipe)
            prompts = prompt.fill(cut, inputs)
            tokens = tokenize(self.tokenizer, prompts, text_kwargs)
            if wanted["return_mm_token_type_ids"]:
                tokens["mm_token_type_ids"] = self._token_types(tokens["input_ids"])
            if wanted["return_text_replacement_offsets"]:
                tokens["text_replacement_offsets"] = list(map(prompt.replacement_offsets, prompts))
        return BatchFeature(data={**tokens, **vision})

    def _engine(self) -> KeyeVL1_5ImageProcessor:
        """The image processor, or this package's own with the settings of a foreign one."""
        given = self.image_processor
        if isinstance(given, KeyeVL1_5ImageProcessor):
            return given
        known = {name: getattr(given, name, None) for name in _SETTINGS if name != "size"}
        return KeyeVL1_5ImageProcessor(**{k: v for k, v in known.items() if v is not None})

    def _recipe(self, merged: Mapping[str, Any]) -> Recipe:
        """What a call with these merged arguments does to the pixels of videos."""
        settings = {**merged["images_kwargs"], **_settings(merged["videos_kwargs"])}
        own = isinstance(self.video_processor, KeyeVL1_5VideoProcessor)
        return (self.video_processor if own else self._engine()).recipe(settings)

    def _placeholders(
        self, image_grid: Any, clips: Sequence[AnyVideo], recipe: Recipe
    ) -> dict[str, list[prompt.Placeholder]]:
        tokens = prompt.VisionTokens(
            self.image_token, self.video_token, self.frame_token, self.fast_start, self.fast_end
        )
        rows = [] if image_grid is None else image_grid.prod(-1).tolist()
        unit = (recipe.patch_size * recipe.merge_size) ** 2
        return {
            self.image_token: [
                prompt.image_placeholder(patches // recipe.merge_size**2, tokens=tokens)
                for patches in rows
            ],
            self.video_token: [
                prompt.video_placeholder(
                    clip.types,
                    *clip.sizes,
                    clip.timestamps,
                    tokens=tokens,
                    token_pixels=unit,
                )
                for clip in clips
            ],
        }

    def _token_types(self, input_ids: Any) -> Any:
        """0 for text, 1 for images, 2 for videos, in the form that ``input_ids`` has."""
        if isinstance(input_ids, torch.Tensor):
            return torch.from_numpy(self._token_types(input_ids.numpy()))
        if isinstance(input_ids, list):
            return [self._token_types(np.asarray(row)).tolist() for row in input_ids]
        return (input_ids == self.image_token_id) + 2 * (input_ids == self.video_token_id)

    def _get_num_multimodal_tokens(self, image_sizes: Any = None, **kwargs: Any) -> Any:
        """How many tokens and patches images of these (height, width) become."""
        if image_sizes is None:
            return _MultiModalData()
        engine = self._engine()
        images_kwargs = self._merge_kwargs(KeyeVL1_5ProcessorKwargs, **kwargs)["images_kwargs"]
        unit = engine.recipe(images_kwargs).merge_size ** 2
        patches = [
            engine.get_number_of_image_patches(height, width, images_kwargs)
            for height, width in image_sizes
        ]
        return _MultiModalData(
            num_image_tokens=[count // unit for count in patches], num_image_patches=patches
        )

    def batch_decode(self, *args: Any, **kwargs: Any) -> Any:
        """The tokenizer's."""
        return self.tokenizer.batch_decode(*args, **kwargs)

    def decode(self, *args: Any, **kwargs: Any) -> Any:
        """The tokenizer's."""
        return self.tokenizer.decode(*args, **kwargs)

    def post_process_image_text_to_text(
        self,
        generated_outputs: Any,
        skip_special_tokens: bool = True,
        clean_up_tokenization_spaces: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The text of what the model generated, (batch, length) or (length,) ids."""
        return self.tokenizer.batch_decode(
            generated_outputs,
            skip_special_tokens=skip_special_tokens,
            clean_up_tokenization_spaces=clean_up_tokenization_spaces,
            **kwargs,
        )

    @property
    def model_input_names(self) -> list[str]:
        """The names of the outputs that the model reads."""
        names = self.tokenizer.model_input_names + KeyeVL1_5ImageProcessor.model_input_names
        return list(dict.fromkeys(names))


def _settings(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: kwargs[name] for name in _SETTINGS if kwargs.get(name) is not None}


def _texts(text: Any) -> list[str]:
    texts = list(text) if isinstance(text, (list, tuple)) else [text]
    for entry in texts:
        if not isinstance(entry, str):
            raise InvalidArgumentError(
                f"text holds a {type(entry).__name__}; with images or videos it is strings"
            )
    return texts


def _guard(text_kwargs: Mapping[str, Any]) -> str:
    """What must stand before a vision token: tokens that a chat template marked are plain text."""
    if not text_kwargs.get("sanitize_control_tokens"):
        return ""
    return str(getattr(processing_utils, "_UNMARKED", ""))
