"""Build inputs of ``vllm.LLM.generate``, for programs that run vLLM in their own process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keye_vl_rs import preview
from keye_vl_rs._chat.message_options import take_call_options, take_exif, with_defaults
from keye_vl_rs._chat.messages import (
    check_list,
    check_message,
    is_one_conversation,
    plain_conversation,
)
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs.errors import InvalidArgumentError, naming
from keye_vl_rs.hosts.openai import Model, model_functions
from keye_vl_rs.limits import Limits, applied
from keye_vl_rs.preview.vision_process import EXCLUSIVE

__all__ = ["to_vllm_inputs"]


def to_vllm_inputs(
    messages: Sequence[Any],
    processor: Any,
    *,
    add_generation_prompt: bool = True,
    model: Model = "Keye-VL-1.5",
    limits: Limits | None = None,
    **template_kwargs: Any,
) -> Any:
    """Return the inputs of ``LLM.generate`` for a conversation, or a list of them for a batch.

    Args:
        messages: as for :func:`keye_vl_rs.process_vision_info`: messages, or a list of such lists,
            with at least one message each. They are not changed. vLLM takes one video per
            conversation for Keye-VL-1.5.
        processor: an object with ``apply_chat_template``: :class:`keye_vl_rs.KeyeVL1_5Processor`,
            or a processor of ``AutoProcessor``.
        add_generation_prompt: whether to end the prompt with the beginning of the model's answer
            (default True).
        model: "Keye-VL-1.5" (the default) or "Keye-VL-8B-Preview".
        limits: limits on each image and video; by default those of the environment.
        template_kwargs: variables of the chat template. ``fps``, ``num_frames`` and ``max_frames``
            are not among them: they are defaults for all videos; nor is ``exif``, the default for
            all images and lists of frames.

    Returns:
        A dictionary, or a list of dictionaries for a list of conversations, with

        - ``prompt``: a str, the text from the chat template, with one token per image or video.
        - ``multi_modal_data``, if there are images or videos: ``image``, a list of
          ``PIL.Image``, and ``video``, a list of tensors (T, 3, H, W), contiguous, uint8 for
          Keye-VL-1.5 and float32 for Keye-VL-8B-Preview, where a list of frames becomes a list of
          ``PIL.Image``.
        - ``mm_processor_kwargs``, if there are videos: the processor's arguments for them, each a
          list with one entry per video.

    Raises:
        MediaError: a subclass, if an image or a video cannot be read. As all errors here, it names
            the conversation of a batch.
        InvalidArgumentError: a subclass, if an argument, a message or an option is invalid, or
            ``processor`` has no ``apply_chat_template``.
        OutOfMemoryError: there is not enough memory for an image or a video.
    """
    functions = model_functions(model)
    defaults = {**take_call_options(template_kwargs), **take_exif(template_kwargs)}
    _check_list(messages, "messages")
    _check_processor(processor)
    template_kwargs["add_generation_prompt"] = add_generation_prompt
    with applied(limits):
        if is_one_conversation(messages):
            return _inputs(messages, "messages", processor, functions, defaults, template_kwargs)
        return [
            _inputs(one, f"messages[{index}]", processor, functions, defaults, template_kwargs)
            for index, one in enumerate(messages)
        ]


def _inputs(
    messages: Any,
    name: str,
    processor: Any,
    functions: Any,
    defaults: Mapping[str, Any],
    template_kwargs: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the inputs for one conversation, which errors call ``name``."""
    _check_list(messages, name)
    for index, message in enumerate(messages):
        check_message(message, f"{name}[{index}]")
    # The template and process_vision_info get the same parts, so that all media have a place.
    exclusive = EXCLUSIVE if functions is preview else ()
    messages = with_defaults(plain_conversation(messages, name), defaults, exclusive)
    prompt = processor.apply_chat_template(messages, tokenize=False, **template_kwargs)
    of_preview = {"return_video_kwargs": True} if functions is preview else {}
    with naming(name):
        images, videos, video_kwargs = functions.process_vision_info(messages, **of_preview)
    data: dict[str, Any] = {}
    if images is not None:
        data["image"] = images
    if videos is not None:
        # vLLM hashes the bytes in order of the indices. Collecting them from a view takes it ten
        # times as long: 311 ms for 32 frames of 720p.
        data["video"] = [
            video.contiguous() if hasattr(video, "contiguous") else video for video in videos
        ]
    inputs: dict[str, Any] = {"prompt": prompt}
    if data:
        inputs["multi_modal_data"] = data
    if videos is not None:
        inputs["mm_processor_kwargs"] = dict(video_kwargs)
    return inputs


def _check_processor(processor: Any) -> None:
    if isinstance(processor, type) or not callable(getattr(processor, "apply_chat_template", None)):
        raise InvalidArgumentError(
            f"processor is {short_repr(processor)}: expected an object with apply_chat_template, "
            "such as KeyeVL1_5Processor.from_pretrained(...) or AutoProcessor.from_pretrained(...)"
        )


def _check_list(messages: Any, name: str) -> None:
    check_list(messages, name)
    if not messages:
        raise InvalidArgumentError(f"{name} is empty: expected at least one message")
