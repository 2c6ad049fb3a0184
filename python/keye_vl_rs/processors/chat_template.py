"""From messages to the model's inputs in one call."""

# No `from __future__ import annotations` here, as in the processor that this is a part of.

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from transformers.processing_utils import ProcessorMixin

from keye_vl_rs._chat.message_options import take_call_options
from keye_vl_rs._chat.messages import plain_conversations
from keye_vl_rs._patches.pixel_config import PixelConfig
from keye_vl_rs.limits import Limits, applied
from keye_vl_rs.processors import loading

__all__ = ["ChatTemplateMixin"]

# Later releases ask the processor what a conversation shows; earlier ones would load it themselves.
_BASE_CAN_LOAD = hasattr(ProcessorMixin, "_multimodal_inputs_from_conversations")
# For the running call of apply_chat_template: the pixel configuration, and options for all videos.
# Releases whose base class loads call a hook of the processor for it, and pass the hook nothing but
# the conversations; a variable of the context keeps concurrent calls apart.
_LOADING: ContextVar[tuple[PixelConfig, dict[str, Any]]] = ContextVar("keye_vl_rs_loading")


class ChatTemplateMixin:
    """``apply_chat_template`` for a processor that comes before transformers' own class.

    The processor has ``_pixel_config(merged)``, which says what becomes of the pixels of videos.
    """

    tokenizer: Any
    valid_processor_kwargs: Any
    _merge_kwargs: Any
    _pixel_config: Any

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
        """Spell a conversation, or a batch of them, out; with ``tokenize`` make the model's inputs.

        The latter in one call, with images and videos loaded on the way: those of
        ``process_vision_info`` followed by the processor, to the last bit. Videos go from the file
        to patches without being held as frames.

        Args:
            conversation: messages, or a list of such lists. Images are given under ``image``,
                ``url`` or ``path`` (or as OpenAI's ``image_url``), videos under ``video``, ``url``
                or ``path`` (or as ``video_url``), beside the options of
                :func:`keye_vl_rs.fetch_image` and :func:`keye_vl_rs.fetch_video` (``video_start``,
                ``video_end``, ``timeout``, ``on_error``, ``timestamps``, ``exif``, ...).
            chat_template: a Jinja template or the name of one; the processor's if None.
            tokenize: give ``input_ids``, or with ``return_dict=True`` all inputs; else the text.
            processor_kwargs: for :meth:`__call__`; ``fps``, ``num_frames`` and ``max_frames`` hold
                for videos that do not say it themselves, ``exif`` for images and lists of frames.
            limits: what each image and video may ask for; None is what the environment says.
            kwargs: transformers' own (``add_generation_prompt``, ``return_dict``,
                ``return_tensors``, ``tools``, ...), variables of the template, and for
                :meth:`__call__` as well.

        Raises:
            MediaError, InvalidArgumentError: subclasses of them, that name what is wrong.
        """
        conversation = plain_conversations(conversation, needs_sources=tokenize)
        # Of transformers' class, which comes after this one.
        render = super().apply_chat_template  # type: ignore[misc]
        if not tokenize:
            if processor_kwargs:
                kwargs["processor_kwargs"] = processor_kwargs
            return render(conversation, chat_template, **kwargs)
        with applied(limits):
            return self._from_messages(
                render, conversation, chat_template, dict(processor_kwargs or {}), kwargs
            )

    def _from_messages(
        self,
        render: Callable[..., Any],
        conversation: Any,
        chat_template: str | None,
        call: dict[str, Any],
        kwargs: dict[str, Any],
    ) -> Any:
        """The model's inputs; ``call`` and ``kwargs`` are of this call alone."""
        processor: Any = self
        defaults = take_call_options(call, kwargs)
        own = {**_own(self.valid_processor_kwargs, kwargs), **call}
        merged = self._merge_kwargs(
            self.valid_processor_kwargs,
            tokenizer_init_kwargs=self.tokenizer.init_kwargs,
            **_own(self.valid_processor_kwargs, own),
        )
        config = self._pixel_config(merged)
        if processor._engine().pixel_config(merged["images_kwargs"]).exif:
            defaults["exif"] = True
        if _BASE_CAN_LOAD:
            token = _LOADING.set((config, defaults))
            try:
                kwargs.update(tokenize=True, processor_kwargs=call)
                return render(conversation, chat_template, **kwargs)
            finally:
                _LOADING.reset(token)
        about_result = {key: kwargs.pop(key, None) for key in ("return_dict", "return_tensors")}
        texts = render(
            conversation, chat_template, **{k: v for k, v in kwargs.items() if k not in own}
        )
        talks = [conversation] if isinstance(texts, str) else conversation
        media = loading.load_media(talks, config, defaults)
        out = processor(
            text=texts,
            images=[image for images in media.images for image in images] or None,
            videos=[video for videos in media.videos for video in videos] or None,
            **{"return_tensors": about_result["return_tensors"]} | own,
            **media.about,
        )
        return out if about_result["return_dict"] else out["input_ids"]

    def _multimodal_inputs_from_conversations(
        self, conversations: Any, *_audio: Any, **_more: Any
    ) -> Any:
        """What :meth:`apply_chat_template` of the base class has loaded."""
        config, defaults = _LOADING.get()
        media = loading.load_media(conversations, config, defaults)
        return media.images, media.videos, [], media.about


def _own(kwargs_type: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Of ``given`` what is for the processor's own call."""
    kinds = kwargs_type.__annotations__
    known = {name for kind in kinds.values() for name in getattr(kind, "__annotations__", ())}
    return {name: value for name, value in given.items() if name in known or name in kinds}
