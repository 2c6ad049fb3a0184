"""Stand in for the processor that a checkpoint of Keye-VL-1.5 ships, in two forms.

The form is the name under which it imports the fused operator: ``BicubicVideoProcessor``, or the
later ``BicubicVideoFusionOpProcessor``.
"""

import os
from typing import Any

from transformers.feature_extraction_utils import BatchFeature
from transformers.processing_utils import ProcessingKwargs, ProcessorMixin, Unpack, VideosKwargs

from oracle import published_processor as published
from oracle.later_form import LaterForm

try:
    from keye_vl_utils import BicubicVideoProcessor
except ImportError:
    BicubicVideoProcessor = None

# What the form does itself, without the fused operator; None stands for the earlier form.
own_path = LaterForm() if "BicubicVideoProcessor".endswith("FusionOpProcessor") else None

bicubic = None if BicubicVideoProcessor is None else BicubicVideoProcessor()


class KeyeVL1_5VideosProcessorKwargs(VideosKwargs, total=False):
    fps: Any
    width: Any
    height: Any
    fast_width: Any
    fast_height: Any
    timestamps: Any
    frame_types: Any


class KeyeVL1_5ProcessorKwargs(ProcessingKwargs, total=False):
    videos_kwargs: KeyeVL1_5VideosProcessorKwargs
    _defaults = {"text_kwargs": {"padding": False}, "videos_kwargs": {"fps": 2.0}}


class KeyeVL1_5Processor(ProcessorMixin):
    attributes = ["image_processor", "tokenizer"]
    image_processor_class = "AutoImageProcessor"
    tokenizer_class = ("Qwen2Tokenizer", "Qwen2TokenizerFast")

    def __init__(self, image_processor=None, tokenizer=None, chat_template=None, **kwargs):
        asked = bool(int(os.environ.get("ENABLE_FUSION_PROCESSOR_OP", 1)))
        self.enable_fusion_op = asked and bicubic is not None
        self.image_token, self.video_token = published.IMAGE, published.VIDEO
        self.frame_token = published.FRAME
        self.fast_start, self.fast_end = published.FAST_START, published.FAST_END
        super().__init__(image_processor, tokenizer, chat_template=chat_template)

    def __call__(
        self, text=None, images=None, videos=None, **kwargs: Unpack[KeyeVL1_5ProcessorKwargs]
    ):
        merged = self._merge_kwargs(
            KeyeVL1_5ProcessorKwargs,
            tokenizer_init_kwargs=self.tokenizer.init_kwargs,
            **kwargs,
        )
        about = {k: v for k, v in merged["videos_kwargs"].items() if k in _ABOUT}
        made = published.published_call(
            self.tokenizer,
            text,
            videos,
            images=images,
            operator=bicubic if self.enable_fusion_op else own_path,
            text_kwargs=merged["text_kwargs"],
            video_settings={
                name: value
                for name, value in merged["images_kwargs"].items()
                if name in _SETTINGS and value is not None
            },
            **about,
            **self.image_processor.settings(),
        )
        return BatchFeature(data=made)


_SETTINGS = (
    *("do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std"),
    *("resample", "size"),
)
_ABOUT = ("width", "height", "fast_width", "fast_height", "timestamps", "frame_types")
