"""Disable a checkpoint processor's fused branch in calls whose settings it would ignore.

The processor of transformers pull request 41040 passes to the fused operator the settings it was
created with, and none of a call's: ``do_rescale=False`` or ``image_mean`` have no effect there, but
do on the processor's other path. Its attribute ``enable_fusion_op`` selects the branch. While this
module is active, that attribute is False during calls whose settings would be ignored, for
processors that use this package's operator.
"""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Mapping
from contextvars import ContextVar
from types import ModuleType
from typing import Any

from keye_vl_rs._patches.fused_operator import BicubicVideoProcessor

__all__ = ["MODULE", "install", "uninstall"]

# The module of the base class of all processors, whose _merge_kwargs begins each call.
MODULE = "transformers.processing_utils"
_ATTRIBUTE = "enable_fusion_op"
# Settings of a call that the branch ignores. Not do_resize: the other path sets that itself.
_IGNORED = (
    "do_rescale",
    "do_normalize",
    "rescale_factor",
    "image_mean",
    "image_std",
    "resample",
    "size",
    "data_format",
    "input_data_format",
)
# Settings of the image processor that the processor copied when it was created.
_COPIED = ("image_mean", "image_std", "min_pixels", "max_pixels", "patch_size")
_BILINEAR = 2  # Pillow's number

# The processor whose latest call in this thread must not take the branch. One per thread, because
# several threads may call one processor at once.
_bypassing: ContextVar[weakref.ref[Any] | None] = ContextVar("bypassing", default=None)
_base_before: list[tuple[Any, Any]] = []
_switched: list[type] = []


class _Switch:
    """Replace the attribute in the class; its value stays in the instance."""

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        if _ATTRIBUTE not in vars(instance):
            raise AttributeError(_ATTRIBUTE)
        return vars(instance)[_ATTRIBUTE] and not _bypasses(instance)

    def __set__(self, instance: Any, value: Any) -> None:
        vars(instance)[_ATTRIBUTE] = value


def _bypasses(processor: Any) -> bool:
    """Return whether the current call of a processor must not take the branch."""
    reference = _bypassing.get()
    return reference is not None and reference() is processor


def install(module: ModuleType) -> None:
    """Start to check the settings of calls.

    Args:
        module: the imported :data:`MODULE`.
    """
    if _base_before:
        return
    base = module.ProcessorMixin
    merge = base._merge_kwargs

    @functools.wraps(merge)
    def _merge_kwargs(self: Any, *args: Any, **kwargs: Any) -> Any:
        merged = merge(self, *args, **kwargs)
        if _ATTRIBUTE in vars(self) and _has_our_operator(type(self)):
            if _ignores(self, merged.get("images_kwargs", {})):
                _bypassing.set(weakref.ref(self))
            elif _bypasses(self):
                _bypassing.set(None)
        return merged

    _base_before.append((base, merge))
    base._merge_kwargs = _merge_kwargs


def uninstall() -> None:
    """Undo :func:`install`."""
    for base, merge in _base_before:
        base._merge_kwargs = merge
    _base_before.clear()
    for kind in _switched:
        delattr(kind, _ATTRIBUTE)
    _switched.clear()


def _has_our_operator(kind: type) -> bool:
    """Return whether a processor's module has our operator; if so, install the switch."""
    if kind in _switched:
        return True
    modules = [sys.modules.get(one.__module__) for one in kind.__mro__]
    found = any(
        isinstance(value, BicubicVideoProcessor)
        for module in modules
        if module is not None
        for value in list(vars(module).values())
    )
    if found:
        setattr(kind, _ATTRIBUTE, _Switch())
        _switched.append(kind)
    return found


def _ignores(processor: Any, call: Mapping[str, Any]) -> bool:
    """Return whether the branch would ignore a setting of the call or of the image processor."""
    if any(call.get(name) is not None for name in _IGNORED):
        return True
    images = getattr(processor, "image_processor", None)
    factor = getattr(images, "rescale_factor", 1 / 255)
    return (
        not getattr(images, "do_rescale", True)
        or not getattr(images, "do_normalize", True)
        or getattr(images, "resample", _BILINEAR) != _BILINEAR
        # The branch passes on an integer, by which bytes are divided.
        or not factor
        or 1 / max(round(1 / factor), 1) != factor
        or any(
            _listed(getattr(processor, name)) != _listed(getattr(images, name))
            for name in _COPIED
            if hasattr(processor, name) and hasattr(images, name)
        )
    )


def _listed(value: Any) -> list[Any]:
    """Return a setting as a list; the processor repeats a single number for each channel."""
    return list(value) if isinstance(value, (list, tuple)) else [value] * 3
