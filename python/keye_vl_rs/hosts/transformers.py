"""Make transformers' auto classes, such as ``AutoProcessor``, return this package's processors.

From transformers 5.5 on, a class that is registered under the name that a checkpoint states takes
precedence over the checkpoint's own code. Before that it does so only without
``trust_remote_code=True``; with it, the fused operator speeds up the checkpoint's own processor,
and ``KeyeVL1_5Processor.from_pretrained`` returns ours.
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
# The mapping in which each module keeps its registered classes.
_MAPPINGS = dict(
    zip(
        AUTO_MODULES,
        ("PROCESSOR_MAPPING", "IMAGE_PROCESSOR_MAPPING", "VIDEO_PROCESSOR_MAPPING"),
        strict=True,
    )
)


def register(module: ModuleType) -> None:
    """Register this package's class with the auto class of one of :data:`AUTO_MODULES`.

    If that fails, because this transformers has different auto classes than the tested releases, it
    is left unpatched, with a warning.
    """
    import transformers

    try:
        _register(module)
    except Exception as error:
        logger.warning(
            "cannot register the processors of keye-vl-rs with transformers %s (%s: %s): tested "
            "releases are %s. Call KeyeVL1_5Processor.from_pretrained instead of AutoProcessor",
            transformers.__version__,
            type(error).__name__,
            error,
            ", ".join(TESTED["transformers"]),
        )


def unregister(module: ModuleType) -> None:
    """Undo :func:`register`."""
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
    """Register a class for all backends, in releases that have them, so that it is the default."""
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
    """Return the key of a registration. Checkpoints come with the real configuration class."""
    from transformers import PretrainedConfig

    class KeyeConfig(PretrainedConfig):  # type: ignore[misc]
        model_type = "KeyeVL1_5"

    return KeyeConfig
