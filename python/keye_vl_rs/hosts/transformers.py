"""transformers' auto classes: ``AutoProcessor.from_pretrained`` and its siblings give ours.

From 5.5 on a registered class of the name that a checkpoint states wins over the checkpoint's own
code. Before that it wins only without ``trust_remote_code=True``; there the fused operator is what
speeds the checkpoint's own processor up, and ``KeyeVL1_5Processor.from_pretrained`` gives ours.
"""

from __future__ import annotations

import inspect
import logging
from functools import cache
from types import ModuleType
from typing import Any

from keye_vl_rs._util.tested_hosts import TESTED

__all__ = ["AUTO_MODULES", "register", "unregister"]

logger = logging.getLogger(__name__)

_AUTO = "transformers.models.auto"
AUTO_MODULES = (
    f"{_AUTO}.processing_auto",
    f"{_AUTO}.image_processing_auto",
    f"{_AUTO}.video_processing_auto",
)
# The mapping that each module keeps registered classes in.
_MAPPINGS = dict(
    zip(
        AUTO_MODULES,
        ("PROCESSOR_MAPPING", "IMAGE_PROCESSOR_MAPPING", "VIDEO_PROCESSOR_MAPPING"),
        strict=True,
    )
)


def register(module: ModuleType) -> None:
    """Register this package's class with the auto class of one of :data:`AUTO_MODULES`.

    A transformers whose auto classes are other than those tried is left as it is, with a warning.
    """
    import transformers

    try:
        _register(module)
    except Exception as error:
        logger.warning(
            "transformers %s takes no registration of keye-vl-rs's processors (%s: %s); tried with "
            "%s. KeyeVL1_5Processor.from_pretrained gives them",
            transformers.__version__,
            type(error).__name__,
            error,
            ", ".join(TESTED["transformers"]),
        )


def unregister(module: ModuleType) -> None:
    """Take the registration back."""
    registered = getattr(getattr(module, _MAPPINGS[module.__name__], None), "_extra_content", {})
    registered.pop(_config_class(), None)


def _register(module: ModuleType) -> None:
    config = _config_class()
    if module.__name__.endswith(".processing_auto"):
        from keye_vl_rs.processors.processor import KeyeVL1_5Processor

        module.AutoProcessor.register(config, KeyeVL1_5Processor, exist_ok=True)
    elif module.__name__.endswith(".image_processing_auto"):
        from keye_vl_rs.processors.image_processor import KeyeVL1_5ImageProcessor

        _register_backends(module.AutoImageProcessor, config, "image", KeyeVL1_5ImageProcessor)
    else:
        from keye_vl_rs.processors.video_processor import KeyeVL1_5VideoProcessor

        _register_backends(module.AutoVideoProcessor, config, "video", KeyeVL1_5VideoProcessor)


def _register_backends(auto: Any, config: type, kind: str, ours: type) -> None:
    """With every backend where there are such, so that ours is what is found by default."""
    known = inspect.signature(auto.register).parameters
    by_backend = f"{kind}_processor_classes"
    if by_backend in known:
        backends = dict.fromkeys(("torchvision", "pil", "rust"), ours)
        auto.register(config, **{by_backend: backends}, exist_ok=True)
    elif kind == "image":
        auto.register(config, slow_image_processor_class=ours, exist_ok=True)
    else:
        auto.register(config, ours, exist_ok=True)


@cache
def _config_class() -> type:
    """The key that a registration needs; checkpoints bring the real configuration along."""
    from transformers import PretrainedConfig

    class KeyeConfig(PretrainedConfig):  # type: ignore[misc]
        model_type = "KeyeVL1_5"

    return KeyeConfig
