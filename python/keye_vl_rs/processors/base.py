"""What the processors of both models share: their parts, tokens, and the way from texts to ids."""

# No `from __future__ import annotations` here: transformers reads annotations of processors as
# objects.

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
from keye_vl_rs.errors import InvalidArgumentError, PromptError
from keye_vl_rs.processors.checkpoint_files import ProcessorFilesMixin
from keye_vl_rs.processors.image_processor import KeyeVL1_5ImageProcessor

__all__ = ["SETTINGS", "BaseProcessor", "KeyeTextKwargs"]

# Of an image processor, by name.
SETTINGS = tuple(inspect.signature(KeyeVL1_5ImageProcessor).parameters)[:-1]
# Of a release that has none, nobody asks for it.
_MultiModalData: Any = getattr(processing_utils, "MultiModalData", dict)
_MIRRORED = ("return_mm_token_type_ids", "return_text_replacement_offsets")


class KeyeTextKwargs(TextKwargs, total=False):  # type: ignore[misc,call-arg]
    """What later releases of transformers ask for; here all of them may."""

    return_mm_token_type_ids: bool | None
    return_text_replacement_offsets: bool | None


class BaseProcessor(
    ProcessorFilesMixin,
    ProcessorMixin,  # type: ignore[misc]
):
    """Text, images and videos in one call; a model's own class says what becomes of its videos."""

    image_processor_class = "AutoImageProcessor"
    tokenizer_class = ("Qwen2Tokenizer", "Qwen2TokenizerFast")
    valid_processor_kwargs: Any

    def __init__(
        self, image_processor: Any, tokenizer: Any, chat_template: str | dict[str, str] | None
    ) -> None:
        """See the models' own classes."""
        if image_processor is None:
            image_processor = self.image_processor_kind()
        super().__init__(image_processor, tokenizer, chat_template=chat_template)
        usual = prompt.VisionTokens()
        self.image_token = getattr(tokenizer, "image_token", usual.image)
        self.video_token = getattr(tokenizer, "video_token", usual.video)
        self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
        self.video_token_id = tokenizer.convert_tokens_to_ids(self.video_token)

    def _engine(self) -> KeyeVL1_5ImageProcessor:
        """The image processor, or this package's own with the settings of a foreign one."""
        given = self.image_processor
        if isinstance(given, KeyeVL1_5ImageProcessor):
            return given
        known = {name: getattr(given, name, None) for name in SETTINGS if name != "size"}
        return self.image_processor_kind(**{k: v for k, v in known.items() if v is not None})

    def _merged(self, kwargs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The arguments of a call by what they are about, and which further outputs it wants."""
        merged: dict[str, Any] = self._merge_kwargs(
            self.valid_processor_kwargs,
            tokenizer_init_kwargs=self.tokenizer.init_kwargs,
            **kwargs,
        )
        text_kwargs = merged["text_kwargs"]
        wanted = {name: text_kwargs.pop(name, merged.get(name, False)) for name in _MIRRORED}
        return merged, wanted

    def _text_alone(self, text: Any, text_kwargs: Mapping[str, Any]) -> BatchFeature:
        """What the tokenizer makes of texts without images and videos, which pass untouched."""
        texts = list(text) if isinstance(text, (list, tuple)) else [text]
        if text is None:
            return BatchFeature({})
        return BatchFeature(plain_tokens(self.tokenizer, texts, text_kwargs))

    def _cut(
        self, text: Any, images: int, videos: int, text_kwargs: Mapping[str, Any]
    ) -> list[list[str]] | None:
        """The texts cut at their vision tokens, of which there are as many as inputs."""
        if text is None:
            return None
        expected = {self.image_token: images, self.video_token: videos}
        return prompt.split_texts(_texts(text), expected, guard=_guard(text_kwargs))

    def _tokens(
        self,
        cut: Sequence[Sequence[str]],
        inputs: Mapping[str, Sequence[prompt.Placeholder]],
        text_kwargs: Mapping[str, Any],
        wanted: Mapping[str, Any],
    ) -> dict[str, Any]:
        """The outputs that come of texts, with each vision token's placeholder in its place."""
        prompts = prompt.fill(cut, inputs)
        tokens = tokenize(self.tokenizer, prompts, text_kwargs)
        self._check_counts(tokens["input_ids"], prompts)
        if wanted["return_mm_token_type_ids"]:
            tokens["mm_token_type_ids"] = self._token_types(tokens["input_ids"])
        if wanted["return_text_replacement_offsets"]:
            tokens["text_replacement_offsets"] = list(map(prompt.replacement_offsets, prompts))
        return tokens

    def _check_counts(self, input_ids: Any, prompts: Sequence[prompt.Prompt]) -> None:
        """Raise if truncation cut vision tokens off, whose pixels the model would still be given.

        Raises:
            PromptError: a text has fewer vision tokens than its images and videos have.
        """
        rows = input_ids.tolist() if hasattr(input_ids, "tolist") else input_ids
        for index, parts in enumerate(prompts):
            expected: Counter[str] = Counter()
            for part in parts:
                if isinstance(part, prompt.Placeholder):
                    expected[part.pad] += sum(part.counts)
            for pad, count in expected.items():
                pad_id = self.tokenizer.convert_tokens_to_ids(pad)
                # With overflowing tokens a text may have several rows, and none holds all.
                found = rows[index].count(pad_id) if index < len(rows) else 0
                if pad_id is not None and found != count:
                    raise PromptError(
                        f"text {index} has {count} {pad} tokens, of which {found} are left within "
                        "max_length: expected room for all of them (a larger max_length, fewer "
                        "frames or smaller max_pixels), or no truncation"
                    )

    def _placed(self, vision: dict[str, Any], merged: Mapping[str, Any]) -> dict[str, Any]:
        """The tensors of images and videos as arrays, or on the device that the call names."""
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
            prompt.image_placeholder(patches // merge_size**2, tokens=tokens) for patches in rows
        ]

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
        images_kwargs = self._merge_kwargs(self.valid_processor_kwargs, **kwargs)["images_kwargs"]
        unit = engine.pixel_config(images_kwargs).merge_size ** 2
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
