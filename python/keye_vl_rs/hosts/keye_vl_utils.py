"""``keye_vl_utils``, and through it every program and processor that imports from it.

Two things are put there: the fused operator, which the published package does not carry and the
published processors look for; and the drop-in for its ``vision_process``, in the releases whose
results the drop-in has.
"""

from __future__ import annotations

import functools
import logging
import sys
from importlib import import_module
from types import ModuleType
from typing import Any

from keye_vl_rs._patches.fused_operator import BicubicVideoFusionOpProcessor, BicubicVideoProcessor

__all__ = ["NAME", "put_operator", "put_vision_process", "take_back"]

logger = logging.getLogger(__name__)

NAME = "keye_vl_utils"
# What stands for the vision_process of each release that was tested.
_DROP_INS = {
    "1.5.2": "keye_vl_rs.vision_process",
    "1.0.0": "keye_vl_rs.preview.vision_process",
}

# The numbers that programs set (ms-swift does), in either release.
_CONSTANTS = (
    "FAST_TOKEN_RATIO",
    "FPS",
    "FPS_MAX_FRAMES",
    "FPS_MIN_FRAMES",
    "FRAME_FACTOR",
    "IMAGE_FACTOR",
    "MAX_PIXELS",
    "MAX_RATIO",
    "MAX_TOKENS",
    "MIN_FRAME_SIMILARITY",
    "MIN_PIXELS",
    "MIN_TOKENS",
    "VIDEO_MAX_PIXELS",
    "VIDEO_MAX_TOKENS",
    "VIDEO_MIN_PIXELS",
    "VIDEO_MIN_TOKENS",
    "VIDEO_TOTAL_PIXELS",
)

_VISION_PROCESS = f"{NAME}.vision_process"
_MISSING = object()
# What stood in the package before, by name; and in sys.modules and in the drop-in.
_before: dict[str, Any] = {}
_module_before: list[ModuleType] = []
_constants_before: dict[str, Any] = {}


def put_operator(package: ModuleType, resample: str) -> None:
    """Give the package the operator under both names, for ``from keye_vl_utils import ...``."""
    for operator in (BicubicVideoProcessor, BicubicVideoFusionOpProcessor):
        placed = operator if resample == "bilinear" else functools.partial(operator, resample)
        _place(package, operator.__name__, placed)


def put_vision_process(package: ModuleType) -> None:
    """Have the package give the drop-in's functions, and its module for ``vision_process``.

    Constants that the program has set already are set in the drop-in too: the numbers that are
    listed here, and no functions, for what reads files must keep the limits and allow-lists.
    Where functions have been replaced already, or for a release that has not been tried, all stays
    as it is, and a warning says so.
    """
    theirs = sys.modules.get(_VISION_PROCESS)
    if theirs is None or _module_before:
        return
    # Not before it is needed: it takes longer to import than most of this package.
    import importlib.metadata

    try:
        version = importlib.metadata.version("keye-vl-utils")
    except importlib.metadata.PackageNotFoundError:
        version = "unknown"
    if version not in _DROP_INS:
        logger.warning(
            "keye-vl-utils %s is left as it is: its functions were compared with those of %s only",
            version,
            ", ".join(_DROP_INS),
        )
        return
    wrapped = [
        name
        for name in _PUBLISHED_FUNCTIONS
        if getattr(getattr(theirs, name, None), "__module__", _VISION_PROCESS) != _VISION_PROCESS
    ]
    if wrapped:
        logger.warning(
            "keye_vl_utils.vision_process is left as it is, for %s there have been replaced: call "
            "keye_vl_rs.enable() before that",
            ", ".join(wrapped),
        )
        return
    ours = import_module(_DROP_INS[version])
    for name in _CONSTANTS:
        value = getattr(theirs, name, _MISSING)
        if value is not _MISSING and getattr(ours, name, _MISSING) not in (value, _MISSING):
            _constants_before[name] = getattr(ours, name)
            setattr(ours, name, value)
    _module_before.append(theirs)
    sys.modules[_VISION_PROCESS] = ours
    _place(package, "vision_process", ours)
    for name in ours.__all__:
        if hasattr(package, name):
            _place(package, name, getattr(ours, name))


def take_back() -> None:
    """Put everything back to what it was."""
    package = sys.modules.get(NAME)
    if package is not None:
        for name, value in _before.items():
            if value is _MISSING:
                vars(package).pop(name, None)
            else:
                setattr(package, name, value)
    _before.clear()
    if _module_before:
        ours = sys.modules.get(_VISION_PROCESS)
        sys.modules[_VISION_PROCESS] = _module_before.pop()
        for name, value in _constants_before.items():
            setattr(ours, name, value)
    _constants_before.clear()


def _place(package: ModuleType, name: str, value: Any) -> None:
    _before.setdefault(name, getattr(package, name, _MISSING))
    setattr(package, name, value)


# Those of its functions that hosts replace.
_PUBLISHED_FUNCTIONS = (
    "_read_video_decord",
    "extract_slow_fast_frames",
    "extract_vision_info",
    "fetch_image",
    "fetch_video",
    "get_frame_sim",
    "process_vision_info",
    "smart_nframes",
    "smart_resize",
)
