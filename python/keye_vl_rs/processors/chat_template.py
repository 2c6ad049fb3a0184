"""Define ``apply_chat_template``: from messages to the model's inputs in one call."""

# No `from __future__ import annotations` here, as in the processor that inherits from this class.

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from transformers.processing_utils import ProcessorMixin

from keye_vl_rs._chat.message_options import take_call_options
from keye_vl_rs._chat.messages import plain_conversations
from keye_vl_rs._patches.pixel_config import PixelConfig
from keye_vl_rs.limits import Limits, applied
from keye_vl_rs.processors.chat_template_media import load_media

__all__ = ["ChatTemplateMixin"]

# In later releases, the base class calls a method of the processor to load media. In earlier ones,
# it would load them itself.
_BASE_CAN_LOAD = hasattr(ProcessorMixin, "_multimodal_inputs_from_conversations")
# The pixel configuration and the options for all media of the running call of apply_chat_template.
# The base class passes that method nothing but the conversations; a context variable keeps
# concurrent calls apart.
_LOADING: ContextVar[tuple[PixelConfig, dict[str, Any]]] = ContextVar("keye_vl_rs_loading")


class ChatTemplateMixin:
    """Add ``apply_chat_template``, as a mixin to inherit from before :class:`BaseProcessor`.

    The processor must have ``_pixel_config(merged)``, which returns the pixel configuration of
    videos.
    """

    tokenizer: Any
    valid_processor_kwargs: Any
    _merge_kwargs: Any
    _pixel_config: Any
    _exif_option: Any

    def apply_chat_template(
        self,
        conversation: Any,
        chat_template: str | None = None,
        *,
        tokenize: bool = False,
        processor_kwargs: dict[str, Any] | None = None,
        limits: Limits | None = None,
        **kwargs: Any,
    ) -> Any:
        """Render a conversation, or a batch of them, or prepare the model's inputs for it.

        With ``tokenize``, images and videos are loaded, and the result equals that of
        ``process_vision_info`` followed by the processor, to the last bit. The frames of a video
        file are turned into patches while later ones are decoded, and never all held in memory.

        Args:
            conversation: messages, or a list of such lists. Images are given under ``image``,
                ``url`` or ``path`` (or as OpenAI's ``image_url``), videos under ``video``, ``url``
                or ``path`` (or as ``video_url``), beside the options of
                :func:`keye_vl_rs.fetch_image` and :func:`keye_vl_rs.fetch_video` (``video_start``,
                ``video_end``, ``timeout``, ``on_error``, ``timestamps``, ``exif``, ...).
            chat_template: a Jinja template or the name of one; None for the processor's own.
            tokenize: return ``input_ids``, or with ``return_dict=True`` all inputs; otherwise the
                text.
            processor_kwargs: for :meth:`__call__`. ``fps``, ``num_frames`` and ``max_frames`` apply
                to videos that do not have them, ``exif`` to images and lists of frames.
            limits: bounds on each image and video; None for those of the environment.
            kwargs: other arguments of transformers (``add_generation_prompt``, ``return_dict``,
                ``return_tensors``, ``tools``, ...) and of :meth:`__call__`, and variables of the
                template.

        Returns:
            The text, or a list of texts for a batch; with ``tokenize`` ``input_ids``; with
            ``return_dict=True`` too, the outputs of :meth:`__call__`.

        Raises:
            MediaError, InvalidArgumentError: subclasses of them; the message says what is wrong.
        """
        conversation = plain_conversations(conversation, needs_sources=tokenize)
        # The method of transformers' class, which follows this one in the method resolution order.
        render = super().apply_chat_template  # type: ignore[misc]
        if not tokenize:
            if processor_kwargs:
                kwargs["processor_kwargs"] = processor_kwargs
            return render(conversation, chat_template, **kwargs)
        with applied(limits):
            return self._prepare_inputs(
                render, conversation, chat_template, dict(processor_kwargs or {}), kwargs
            )

    def _prepare_inputs(
        self,
        render: Callable[..., Any],
        conversation: Any,
        chat_template: str | None,
        call: dict[str, Any],
        kwargs: dict[str, Any],
    ) -> Any:
        """Return the model's inputs. ``call`` and ``kwargs`` may be modified."""
        processor: Any = self
        defaults = take_call_options(call, kwargs)
        own = {**_processor_arguments(self.valid_processor_kwargs, kwargs), **call}
        merged = self._merge_kwargs(
            self.valid_processor_kwargs,
            tokenizer_init_kwargs=self.tokenizer.init_kwargs,
            **_processor_arguments(self.valid_processor_kwargs, own),
        )
        config = self._pixel_config(merged)
        defaults.update(self._exif_option(merged["images_kwargs"]))
        if _BASE_CAN_LOAD:
            token = _LOADING.set((config, defaults))
            try:
                kwargs.update(tokenize=True, processor_kwargs=call)
                return render(conversation, chat_template, **kwargs)
            finally:
                _LOADING.reset(token)
        result_options = {key: kwargs.pop(key, None) for key in ("return_dict", "return_tensors")}
        texts = render(
            conversation, chat_template, **{k: v for k, v in kwargs.items() if k not in own}
        )
        conversations = [conversation] if isinstance(texts, str) else conversation
        media = load_media(conversations, config, defaults)
        out = processor(
            text=texts,
            images=[image for images in media.images for image in images] or None,
            videos=[video for videos in media.videos for video in videos] or None,
            **{"return_tensors": result_options["return_tensors"]} | own,
            **media.video_kwargs,
        )
        return out if result_options["return_dict"] else out["input_ids"]

    def _multimodal_inputs_from_conversations(
        self, conversations: Any, *_audio: Any, **_more: Any
    ) -> Any:
        """Load media for :meth:`apply_chat_template` of the base class, which calls this method."""
        config, defaults = _LOADING.get()
        media = load_media(conversations, config, defaults)
        return media.images, media.videos, [], media.video_kwargs


def _processor_arguments(kwargs_type: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the ``given`` arguments that the processor's own call accepts."""
    kinds = kwargs_type.__annotations__
    known = {name for kind in kinds.values() for name in getattr(kind, "__annotations__", ())}
    return {name: value for name, value in given.items() if name in known or name in kinds}
