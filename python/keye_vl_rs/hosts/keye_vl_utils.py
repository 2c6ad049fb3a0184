"""Patch ``keye_vl_utils``, for all programs and processors that import from it.

There are two: the fused operator, for which the processors of checkpoints look in this package, and
which its releases on PyPI do not have; and the drop-in replacement of its ``vision_process``, in
the releases with which the drop-in was compared.
"""

from __future__ import annotations

import functools
import logging
import sys
from importlib import import_module
from types import ModuleType
from typing import Any

from keye_vl_rs._patches.fused_operator import BicubicVideoFusionOpProcessor, BicubicVideoProcessor
from keye_vl_rs._util.tested_hosts import KEYE_VL_UTILS_FACADES

__all__ = ["NAME", "install_operator", "install_vision_process", "uninstall"]

logger = logging.getLogger(__name__)

NAME = "keye_vl_utils"

# The numbers of both releases that programs such as ms-swift set.
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
# What the package, sys.modules and the drop-in held before; the first and the last by name.
_before: dict[str, Any] = {}
_module_before: list[ModuleType] = []
_constants_before: dict[str, Any] = {}


def install_operator(package: ModuleType, resample: str) -> None:
    """Install the operator in the package, under both names that processors import.

    Args:
        package: ``keye_vl_utils``.
        resample: "bilinear" or "bicubic".
    """
    for operator in (BicubicVideoProcessor, BicubicVideoFusionOpProcessor):
        placed = operator if resample == "bilinear" else functools.partial(operator, resample)
        _set(package, operator.__name__, placed)


def install_vision_process(package: ModuleType) -> None:
    """Replace the functions of the package and its module ``vision_process`` by the drop-in's.

    Numbers that the program has set in the package already are set in the drop-in too. Functions
    are not: what reads files must keep to the limits and allow-lists. Untested releases are left
    unpatched, with a warning, and so is a package in which functions have been replaced already.

    Args:
        package: ``keye_vl_utils``.
    """
    theirs = sys.modules.get(_VISION_PROCESS)
    if theirs is None or _module_before:
        return
    # Imported late: it takes longer to import than most of this package.
    import importlib.metadata

    try:
        version = importlib.metadata.version("keye-vl-utils")
    except importlib.metadata.PackageNotFoundError:
        version = "unknown"
    if version not in KEYE_VL_UTILS_FACADES:
        logger.warning(
            "keye-vl-utils %s is left unpatched: this release of keye-vl-rs was only compared with "
            "%s; install one of these, or a newer keye-vl-rs",
            version,
            ", ".join(KEYE_VL_UTILS_FACADES),
        )
        return
    wrapped = [
        name
        for name in _PUBLISHED_FUNCTIONS
        if getattr(getattr(theirs, name, None), "__module__", _VISION_PROCESS) != _VISION_PROCESS
    ]
    if wrapped:
        logger.warning(
            "keye_vl_utils.vision_process is left unpatched, because the program has replaced %s "
            "in it: call keye_vl_rs.enable() before that",
            ", ".join(wrapped),
        )
        return
    ours = import_module(KEYE_VL_UTILS_FACADES[version])
    for name in _CONSTANTS:
        value = getattr(theirs, name, _MISSING)
        if value is not _MISSING and getattr(ours, name, _MISSING) not in (value, _MISSING):
            _constants_before[name] = getattr(ours, name)
            setattr(ours, name, value)
    _module_before.append(theirs)
    sys.modules[_VISION_PROCESS] = ours
    _set(package, "vision_process", ours)
    for name in ours.__all__:
        if hasattr(package, name):
            _set(package, name, getattr(ours, name))


def uninstall() -> None:
    """Undo :func:`install_operator` and :func:`install_vision_process`."""
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


def _set(package: ModuleType, name: str, value: Any) -> None:
    _before.setdefault(name, getattr(package, name, _MISSING))
    setattr(package, name, value)


# Functions of keye_vl_utils.vision_process that programs replace.
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
