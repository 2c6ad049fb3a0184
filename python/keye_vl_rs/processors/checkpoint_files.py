"""Load and save a processor's parts, with all supported releases of transformers.

Up to 4.57 each part has a file of its own in a checkpoint's folder; from 5 on, they are all in
``processor_config.json``.
In both cases the image processor is this package's own, whichever class the checkpoint names, and
a video processor is loaded if there is one, but not required.
"""

from __future__ import annotations

from typing import Any, ClassVar

from transformers import AutoTokenizer, AutoVideoProcessor
from transformers.processing_utils import ProcessorMixin
from transformers.utils.hub import cached_file

from keye_vl_rs.processors.image_processor import KeyeVL1_5ImageProcessor
from keye_vl_rs.processors.video_processor import KeyeVL1_5VideoProcessor

__all__ = ["ProcessorFilesMixin"]

_VIDEO_FILE = "video_preprocessor_config.json"
_PARTS_IN_ONE_FILE = hasattr(ProcessorMixin, "get_attributes")
# The arguments of from_pretrained that say where files are.
_LOCATION_ARGUMENTS = (
    "cache_dir",
    "force_download",
    "token",
    "revision",
    "local_files_only",
    "subfolder",
)


class ProcessorFilesMixin:
    """Read and write checkpoint files; inherit from it before transformers' own class."""

    attributes: ClassVar = ["image_processor", "tokenizer"]
    image_processor_kind: ClassVar[type[KeyeVL1_5ImageProcessor]] = KeyeVL1_5ImageProcessor
    video_processor: Any = None

    @classmethod
    def get_attributes(cls) -> list[str]:
        """Return the required parts, among which transformers would count ``video_processor``."""
        return list(cls.attributes)

    @classmethod
    def _get_arguments_from_pretrained(
        cls, path: Any, processor_dict: dict[str, Any] | None = None, **kwargs: Any
    ) -> list[Any]:
        return [
            cls.image_processor_kind.from_pretrained(path, **kwargs),
            # It needs no code of the checkpoint, and transformers would ask the user about it.
            AutoTokenizer.from_pretrained(path, **{"trust_remote_code": False, **kwargs}),
            _load_video_processor(path, processor_dict or {}, kwargs),
        ]

    @classmethod
    def from_args_and_dict(cls, args: Any, processor_dict: dict[str, Any], **kwargs: Any) -> Any:
        """Create a processor from its parts, ``args``, and its configuration.

        The configuration may describe a video processor, which is ignored: it is one of the parts.
        """
        config = {k: v for k, v in processor_dict.items() if k != "video_processor"}
        return super().from_args_and_dict(args, config, **kwargs)  # type: ignore[misc]

    def to_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the configuration as in the base class, but omit a missing video processor."""
        config = super().to_dict(*args, **kwargs)  # type: ignore[misc]
        return {k: v for k, v in config.items() if k != "video_processor" or v is not None}

    def save_pretrained(self, save_directory: Any, **kwargs: Any) -> Any:
        """Save as in the base class, with the video processor where it has a file of its own."""
        saved = super().save_pretrained(save_directory, **kwargs)  # type: ignore[misc]
        if self.video_processor is not None and not _PARTS_IN_ONE_FILE:
            self.video_processor._set_processor_class(type(self).__name__)
            self.video_processor.save_pretrained(save_directory)
        return saved


def _load_video_processor(path: Any, processor_dict: dict[str, Any], kwargs: dict[str, Any]) -> Any:
    described = processor_dict.get("video_processor")
    if described is None:
        location = {key: kwargs[key] for key in _LOCATION_ARGUMENTS if key in kwargs}
        if cached_file(path, _VIDEO_FILE, **location, _raise_exceptions_for_missing_entries=False):
            described, _ = KeyeVL1_5VideoProcessor.get_video_processor_dict(path, **kwargs)
    if described is None:
        return None
    own = described.get("video_processor_type") == KeyeVL1_5VideoProcessor.__name__
    loader = KeyeVL1_5VideoProcessor if own else AutoVideoProcessor
    return loader.from_pretrained(path, **kwargs)
