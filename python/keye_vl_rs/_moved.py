"""Forward imports of modules by the names that they had in 0.1.0, with a DeprecationWarning.

0.2.0 is the one release that forwards them; this module will be removed in 0.3.0.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from keye_vl_rs._util.stack_level import level_of_caller

__all__ = ["forward_imports", "import_moved"]

_PACKAGE = "keye_vl_rs"
# Where each module's names are now. An entry for a folder applies to all modules in it.
_MOVED = {
    "accepted_inputs": ["_patches.accepted_inputs", "processors.videos"],
    "allowed_sources": ["_media.allow_lists"],
    "batch": ["cli.jobs"],
    "batch.made": ["cli.jobs.resume"],
    "batch.run": ["cli.jobs.run", "batch.threads"],
    "batch.workers": ["cli.jobs.stop", "batch.engine"],
    "batch.partials": ["_util.partial_files"],
    "bench": ["cli.bench"],
    "chat_media": ["processors.chat_template_media"],
    "chat_template": ["processors.chat_template"],
    "cli_options": ["cli.options"],
    "content_parts": ["_chat.content_parts"],
    "decoding": ["_decoding"],
    "decoding.ahead": ["_decoding.prefetch"],
    "decoding.careful": ["_decoding.damage_tracking"],
    "decoding.counted": ["_decoding.sequential_frames"],
    "decoding.gaps": ["_decoding.missing_frames"],
    "decoding.listed": ["_decoding.indexed_frames"],
    "decoding.listing": ["_decoding.video_index"],
    "frame_lists": ["_slow_fast.frame_lists"],
    "frame_patches": ["_patches.frames"],
    "fused_operator": ["_patches.fused_operator"],
    "geometry": ["_slow_fast.sizes"],
    "image_patches": ["_patches.images"],
    "image_processing": ["processors.image_processor"],
    "images": ["_media.images"],
    "integrations": ["hosts"],
    "known_pillow": ["_patches.pillow_compat"],
    "message_options": ["_chat.message_options"],
    "messages": ["_chat.messages"],
    "outputs": ["cli.outputs"],
    "picture_habits": ["_media.image_warnings"],
    "pixel_settings": ["processors.pixel_settings"],
    "plain_patches": ["_patches.reference"],
    "preview.frame_resize": ["_patches.float_frames"],
    "processing": ["processors.processor"],
    "processor_base": ["processors.base"],
    "processor_files": ["processors.checkpoint_files"],
    "processors.loading": ["processors.chat_template_media"],
    "prompt": ["_chat.prompt"],
    "recipe": ["_patches.pixel_config", "processors.pixel_arguments"],
    "report": ["cli.report"],
    "sampling": ["_sampling.indices", "_util.validation"],
    "say_once": ["_util.warn_once"],
    "similarity": ["_slow_fast.similarity"],
    "standard_streams": ["cli.standard_streams"],
    "streaming": ["_streaming"],
    "streaming.choices": ["_streaming.size_choices", "_slow_fast.sizes"],
    "streaming.kept": ["_streaming.frame_buffer"],
    "streaming.pages": ["_streaming.mmap_memory"],
    "streaming.room": ["_streaming.output_buffer"],
    "tensors": ["_patches.tensors", "_patches.dtypes", "_slow_fast.frames"],
    "tested_hosts": ["_util.tested_hosts"],
    "timestamps": ["_sampling.timestamps"],
    "tokenization": ["_chat.tokenization"],
    "unknown_parts": ["_chat.unknown_parts"],
    "video": ["_sampling.video", "_sampling.reading", "_sampling.video_options"],
    "video_batch": ["processors.video_batch"],
    "video_processing": ["processors.video_processor"],
    "video_settings": ["_patches.video_settings"],
    "watch": ["_media.deadline"],
}
# Not forwarded is what has no equivalent with the same arguments:
# - ``check_frame_size``, ``load_frames`` and ``start_watch`` of ``frame_lists``, now steps inside
#   ``_slow_fast.frame_lists.read_frame_list``, whose rules are arguments;
# - ``PatchOptions``, which ``PixelConfig`` replaced, with other fields;
# - functions of ``vision_process`` and ``preview.vision_process`` outside of their ``__all__`` that
#   keye_vl_utils does not have, such as ``fetch_images`` and ``plan_frame_sizes``: they read the
#   module's constants, which their successors take as arguments;
# - modules that started with an underscore.
# The new names of what has been renamed in these modules.
_RENAMED = {
    "CarefulDecoder": "DamageTrackingDecoder",
    "CountedFrames": "SequentialFrames",
    "Damaged": "DamagePolicy",
    "Ended": "Finished",
    "Existing": "ExistingOutput",
    "FOR_WHAT_IS_THERE": "PARTIAL_HINT",
    "FinishedVideo": "PreprocessedVideo",
    "GAP": "GAP_FACTOR",
    "Kept": "BufferedFrame",
    "KeptFrames": "FrameBuffer",
    "LOST_PAGE": "OGG_CRC_MISMATCH",
    "ListedFrames": "IndexedFrames",
    "Listing": "VideoIndex",
    "MOST_JOBS": "MAX_WORKERS",
    "NO_SECONDS": "NOT_RUN",
    "OtherThreads": "OtherThreadsLog",
    "PatchRoom": "OutputBuffer",
    "Picture": "SourceImage",
    "Recipe": "PixelConfig",
    "Report": "PacketReport",
    "SETTINGS": "PIXEL_SETTINGS",
    "Spoilt": "FrameDamage",
    "Steps": "FrameIntervals",
    "Times": "TimestampKind",
    "Watch": "Deadline",
    "WatchedFile": "InterruptibleFile",
    "as_shown": "as_displayed",
    "can_share": "can_run_in_parallel",
    "chooser": "make_frame_selector",
    "count_frames": "scan_frames",
    "decode_reporting": "decode_with_reports",
    "describe": "result_fields",
    "find_reports": "find_reported_packets",
    "forget_said": "reset_warnings",
    "hear_warnings": "route_damage_warnings",
    "heard_damage": "collect_damage",
    "identify": "source_identity",
    "limited": "limit_frames",
    "list_video": "index_video",
    "look_at": "check_existing",
    "made_frames": "synthetic_frames",
    "make_metadata": "resume_metadata",
    "make_recipe": "make_pixel_config",
    "obey_calls": "install",
    "own_pages": "allocate_mmap",
    "patches": "patches_per_frame",
    "plain_patches": "reference_patches",
    "put_operator": "install_operator",
    "put_vision_process": "install_vision_process",
    "reading_picture": "pillow_errors",
    "resizes_alike": "resize_matches",
    "rows_before_columns": "resizes_horizontally_first",
    "run_ahead": "prefetch",
    "run_side_by_side": "run_concurrently",
    "say_habits": "warn_about_losses",
    "say_once": "warn_once",
    "say_once_about": "warn_once_about",
    "show_any_text": "escape_unencodable",
    "shown_log": "forward_log_warnings",
    "shows_its_memory": "exports_raw_memory",
    "spaced_places": "spaced_indices",
    "survey": "find_pending",
    "take_back": "uninstall",
    "tensors_of": "output_tensors",
    "upright": "apply_orientation",
    "why_plain": "why_reference",
    "write_pictures": "write_image_patches",
}


def forward_imports() -> None:
    """Install the finder for modules' old names, unless it is installed already."""
    if not any(isinstance(one, _Finder) for one in sys.meta_path):
        sys.meta_path.append(_Finder())


def import_moved(name: str) -> ModuleType | None:
    """Import a module that was an attribute of the package in 0.1.0, or return None."""
    return importlib.import_module(f"{_PACKAGE}.{name}") if name in _MOVED else None


def _new_modules(name: str) -> list[str] | None:
    """Return the modules that a module's names are in now, or None if it did not move."""
    if not name.startswith(f"{_PACKAGE}."):
        return None
    old = name[len(_PACKAGE) + 1 :]
    if old in _MOVED:
        return [f"{_PACKAGE}.{new}" for new in _MOVED[old]]
    folder, _, module = old.rpartition(".")
    if folder in _MOVED:
        return [f"{_PACKAGE}.{new}.{module}" for new in _MOVED[folder]]
    return None


class _Finder(MetaPathFinder):
    """Find modules by their old names, which is asked after all others."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        modules = _new_modules(fullname)
        if modules is None:
            return None
        found = [importlib.util.find_spec(module) for module in modules]
        if None in found:
            return None
        spec = ModuleSpec(fullname, _Forwarder(modules))
        # This makes it a package, whose modules are found by this finder too.
        spec.submodule_search_locations = []
        return spec


class _Forwarder(Loader):
    """Load a module that forwards attributes to the modules that replaced it."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        modules = [importlib.import_module(name) for name in self._names]
        warnings.warn(
            f"{module.__name__} has moved: its names are now in {' and '.join(self._names)}. The "
            "old module name will be removed in 0.3.0. Import public names from keye_vl_rs instead",
            DeprecationWarning,
            stacklevel=level_of_caller(),
        )

        def get(name: str) -> Any:
            for one in modules:
                for known in (name, _RENAMED.get(name, name)):
                    if hasattr(one, known):
                        return getattr(one, known)
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

        names = [name for one in modules for name in getattr(one, "__all__", ())]
        # So that "from old import *" imports the old names, too.
        names += [old for old, new in _RENAMED.items() if new in names and old not in names]
        module.__doc__ = modules[0].__doc__
        module.__dict__.update({"__getattr__": get, "__all__": names})
