"""Define the base class of both models' processors: their parts, their tokens, and tokenisation."""

# No `from __future__ import annotations` here: transformers reads the annotations of processors at
# run time.

import inspect
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from transformers import processing_utils
from transformers.image_processing_utils import BatchFeature
from transformers.processing_utils import ProcessorMixin, TextKwargs

from keye_vl_rs._chat import prompt
from keye_vl_rs._chat.tokenization import plain_tokens, tokenize
from keye_vl_rs._patches.tensors import on_device, to_numpy
from keye_vl_rs._slow_fast.sizes import tokens_of_patches
from keye_vl_rs._util.model import Size
from keye_vl_rs._util.validation import positive_integer
from keye_vl_rs.errors import InvalidArgumentError, PromptError
from keye_vl_rs.processors.checkpoint_files import ProcessorFilesMixin
from keye_vl_rs.processors.image_processor import KeyeVL1_5ImageProcessor

__all__ = ["PIXEL_SETTINGS", "BaseProcessor", "KeyeTextKwargs"]

# The names of an image processor's settings.
PIXEL_SETTINGS = tuple(inspect.signature(KeyeVL1_5ImageProcessor).parameters)[:-1]
# Releases of transformers without this class do not ask for it.
_MultiModalData: Any = getattr(processing_utils, "MultiModalData", dict)
_OPTIONAL_OUTPUTS = ("return_mm_token_type_ids", "return_text_replacement_offsets")


class KeyeTextKwargs(TextKwargs, total=False):  # type: ignore[misc,call-arg]
    """List the arguments for texts, with those that only later releases of transformers define."""

    return_mm_token_type_ids: bool | None
    return_text_replacement_offsets: bool | None


class BaseProcessor(
    ProcessorFilesMixin,
    ProcessorMixin,  # type: ignore[misc]
):
    """Provide the parts of a processor that do not depend on how a model processes videos."""

    image_processor_class = "AutoImageProcessor"
    tokenizer_class = ("Qwen2Tokenizer", "Qwen2TokenizerFast")
    valid_processor_kwargs: Any

    def __init__(
        self, image_processor: Any, tokenizer: Any, chat_template: str | dict[str, str] | None
    ) -> None:
        """Store the parts, and the vision tokens of the tokenizer."""
        if image_processor is None:
            image_processor = self.image_processor_kind()
        super().__init__(image_processor, tokenizer, chat_template=chat_template)
        default = prompt.VisionTokens()
        self.image_token = getattr(tokenizer, "image_token", default.image)
        self.video_token = getattr(tokenizer, "video_token", default.video)
        self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
        self.video_token_id = tokenizer.convert_tokens_to_ids(self.video_token)

    def _own_image_processor(self) -> KeyeVL1_5ImageProcessor:
        """Return the image processor, or one of this package with the settings of a foreign one."""
        given = self.image_processor
        if isinstance(given, KeyeVL1_5ImageProcessor):
            return given
        known = {name: getattr(given, name, None) for name in PIXEL_SETTINGS if name != "size"}
        return self.image_processor_kind(**{k: v for k, v in known.items() if v is not None})

    def _merge_call(self, kwargs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the arguments of a call by modality, and which optional outputs it asks for."""
        merged: dict[str, Any] = self._merge_kwargs(
            self.valid_processor_kwargs,
            tokenizer_init_kwargs=self.tokenizer.init_kwargs,
            **kwargs,
        )
        text_kwargs = merged["text_kwargs"]
        wanted = {
            name: text_kwargs.pop(name, merged.get(name, False)) for name in _OPTIONAL_OUTPUTS
        }
        return merged, wanted

    def _exif_option(self, images_kwargs: Mapping[str, Any]) -> dict[str, bool]:
        """Return the option ``exif`` for all media of a call.

        It is set if the call or the image processor's own setting asks for it. Otherwise it is left
        out, so that messages keep the default.
        """
        own = self._own_image_processor()
        return {"exif": True} if own.pixel_config(images_kwargs).exif else {}

    def _tokenize_plain(self, text: Any, text_kwargs: Mapping[str, Any]) -> BatchFeature:
        """Tokenise texts of a call without images and videos, unchanged."""
        texts = list(text) if isinstance(text, (list, tuple)) else [text]
        if text is None:
            return BatchFeature({})
        return BatchFeature(plain_tokens(self.tokenizer, texts, text_kwargs))

    def _split_texts(
        self, text: Any, images: int, videos: int, text_kwargs: Mapping[str, Any]
    ) -> list[list[str]] | None:
        """Split the texts at their vision tokens, of which there must be one per input."""
        if text is None:
            return None
        expected = {self.image_token: images, self.video_token: videos}
        return prompt.split_texts(_texts(text), expected, guard=_guard(text_kwargs))

    def _tokenize_filled(
        self,
        cut: Sequence[Sequence[str]],
        inputs: Mapping[str, Sequence[prompt.Placeholder]],
        text_kwargs: Mapping[str, Any],
        wanted: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Tokenise split texts with a placeholder for each input, and return all text outputs."""
        prompts = prompt.fill(cut, inputs)
        tokens = tokenize(self.tokenizer, prompts, text_kwargs)
        self._check_counts(tokens["input_ids"], prompts)
        if wanted["return_mm_token_type_ids"]:
            tokens["mm_token_type_ids"] = self._token_types(tokens["input_ids"])
        if wanted["return_text_replacement_offsets"]:
            tokens["text_replacement_offsets"] = list(map(prompt.replacement_offsets, prompts))
        return tokens

    def _check_counts(self, input_ids: Any, prompts: Sequence[prompt.Prompt]) -> None:
        """Check that truncation has removed no vision tokens, whose pixels the model still gets.

        Raises:
            PromptError: a text has fewer vision tokens than its images and videos need.
        """
        rows = input_ids.tolist() if hasattr(input_ids, "tolist") else input_ids
        for index, parts in enumerate(prompts):
            expected: Counter[str] = Counter()
            for part in parts:
                if isinstance(part, prompt.Placeholder):
                    expected[part.pad] += sum(part.counts)
            for pad, count in expected.items():
                pad_id = self.tokenizer.convert_tokens_to_ids(pad)
                # If overflowing tokens are returned, a text's tokens are spread over several rows.
                found = rows[index].count(pad_id) if index < len(rows) else 0
                if pad_id is not None and found != count:
                    raise PromptError(
                        f"text {index} has {count} {pad} tokens, of which max_length leaves "
                        f"{found}: disable truncation, increase max_length, or use fewer frames "
                        "or a smaller max_pixels"
                    )

    def _convert_outputs(self, vision: dict[str, Any], merged: Mapping[str, Any]) -> dict[str, Any]:
        """Return the tensors of images and videos as arrays, or on the call's device."""
        tensors = merged["text_kwargs"].get("return_tensors")
        if getattr(tensors, "value", tensors) == "np":
            return {name: to_numpy(tensor) for name, tensor in vision.items()}
        for name, kind in (("pixel_values", "images"), ("pixel_values_videos", "videos")):
            if name in vision:
                vision[name] = on_device(vision[name], merged[f"{kind}_kwargs"].get("device"))
        return vision

    def _image_placeholders(self, grid_thw: Any, merge_size: int) -> list[prompt.Placeholder]:
        tokens = prompt.VisionTokens(image=self.image_token)
        rows = [] if grid_thw is None else grid_thw.prod(-1).tolist()
        return [
            prompt.image_placeholder(tokens_of_patches(patches, merge_size), tokens=tokens)
            for patches in rows
        ]

    def _token_types(self, input_ids: Any) -> Any:
        """Return 0 for text, 1 for images, 2 for videos, in the form of ``input_ids``."""
        if isinstance(input_ids, torch.Tensor):
            return torch.from_numpy(self._token_types(input_ids.numpy()))
        if isinstance(input_ids, list):
            return [self._token_types(np.asarray(row)).tolist() for row in input_ids]
        return (input_ids == self.image_token_id) + 2 * (input_ids == self.video_token_id)

    def _get_num_multimodal_tokens(
        self, image_sizes: Any = None, video_sizes: Any = None, **kwargs: Any
    ) -> Any:
        """Return the numbers of vision tokens of images and videos of some sizes.

        Args:
            image_sizes: (height, width) of each image.
            video_sizes: (frames, height, width) of each video: the number of sampled frames, and
                their size in the file. The tokens are those of videos that ``process_vision_info``
                or ``apply_chat_template`` resizes. Where they depend on which frames are slow, the
                result is the most that there can be.
            kwargs: arguments of the call that the tokens are for.

        Returns:
            ``num_image_tokens`` and ``num_image_patches``, ``num_video_tokens``.

        Raises:
            InvalidArgumentError: a subclass, if there are no videos or images of such a size.
        """
        counts: dict[str, list[int]] = {}
        if image_sizes is None and video_sizes is None:
            return _MultiModalData()
        merged: dict[str, Any] = self._merge_kwargs(self.valid_processor_kwargs, **kwargs)
        if image_sizes is not None:
            own, images_kwargs = self._own_image_processor(), merged["images_kwargs"]
            merge_size = own.pixel_config(images_kwargs).merge_size
            patches = [
                own.get_number_of_image_patches(height, width, images_kwargs)
                for height, width in image_sizes
            ]
            counts["num_image_tokens"] = [tokens_of_patches(count, merge_size) for count in patches]
            counts["num_image_patches"] = patches
        if video_sizes is not None:
            counts["num_video_tokens"] = [
                self._max_video_tokens(
                    positive_integer(f"frames of video {index}", frames), (height, width), merged
                )
                for index, (frames, height, width) in enumerate(video_sizes)
            ]
        return _MultiModalData(**counts)

    def _max_video_tokens(self, frames: int, size: Size, merged: Mapping[str, Any]) -> int:
        """Return the most tokens that a video can have, for a call with merged arguments."""
        raise NotImplementedError

    def batch_decode(self, *args: Any, **kwargs: Any) -> Any:
        """Call the tokenizer's ``batch_decode``."""
        return self.tokenizer.batch_decode(*args, **kwargs)

    def decode(self, *args: Any, **kwargs: Any) -> Any:
        """Call the tokenizer's ``decode``."""
        return self.tokenizer.decode(*args, **kwargs)

    def post_process_image_text_to_text(
        self,
        generated_outputs: Any,
        skip_special_tokens: bool = True,
        clean_up_tokenization_spaces: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Decode the ids that the model generated, (batch, length) or (length,), to text."""
        return self.tokenizer.batch_decode(
            generated_outputs,
            skip_special_tokens=skip_special_tokens,
            clean_up_tokenization_spaces=clean_up_tokenization_spaces,
            **kwargs,
        )

    @property
    def model_input_names(self) -> list[str]:
        """Return the names of the model's inputs."""
        names = self.tokenizer.model_input_names + KeyeVL1_5ImageProcessor.model_input_names
        return list(dict.fromkeys(names))


def _texts(text: Any) -> list[str]:
    texts = list(text) if isinstance(text, (list, tuple)) else [text]
    for entry in texts:
        if not isinstance(entry, str):
            raise InvalidArgumentError(
                f"text holds a {type(entry).__name__}: expected strings with images or videos"
            )
    return texts


def _guard(text_kwargs: Mapping[str, Any]) -> str:
    """Return a regular expression for what precedes vision tokens, but not those in users' text.

    With ``sanitize_control_tokens``, transformers has marked the latter.
    """
    if not text_kwargs.get("sanitize_control_tokens"):
        return ""
    return str(getattr(processing_utils, "_UNMARKED", ""))
