"""The published processor's own path, for calls whose settings its fused branch would drop.

That branch hands the fused operator the settings that the processor had when it was made, and none
of the call's: ``do_rescale=False`` or ``image_mean`` are lost, which its own path obeys. Whether it
takes the branch is its attribute ``enable_fusion_op``. While this is switched on, that attribute is
False during calls whose settings would be lost, for processors that have this package's operator.
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

__all__ = ["MODULE", "obey_calls", "take_back"]

# Where the base class of all processors is, whose _merge_kwargs begins each call.
MODULE = "transformers.processing_utils"
_ATTRIBUTE = "enable_fusion_op"
# Of a call, what the branch drops. Not do_resize: the processor's own path sets that itself.
_DROPPED = (
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
# Of the image processor, what the processor copied when it was made.
_COPIED = ("image_mean", "image_std", "min_pixels", "max_pixels", "patch_size")
_BILINEAR = 2  # Pillow's number

# The processor whose call, the latest of this thread, is not for the branch. Kept by thread, for
# several may call one processor at once.
_stepping_aside: ContextVar[weakref.ref[Any] | None] = ContextVar("stepping_aside", default=None)
_base_before: list[tuple[Any, Any]] = []
_switched: list[type] = []


class _Switch:
    """Stands for the attribute in the class; the value stays where it was, in the instance."""

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        if _ATTRIBUTE not in vars(instance):
            raise AttributeError(_ATTRIBUTE)
        return vars(instance)[_ATTRIBUTE] and not _steps_aside(instance)

    def __set__(self, instance: Any, value: Any) -> None:
        vars(instance)[_ATTRIBUTE] = value


def _steps_aside(processor: Any) -> bool:
    reference = _stepping_aside.get()
    return reference is not None and reference() is processor


def obey_calls(module: ModuleType) -> None:
    """Begin to look at the settings of calls; ``module`` is :data:`MODULE`."""
    if _base_before:
        return
    base = module.ProcessorMixin
    merge = base._merge_kwargs

    @functools.wraps(merge)
    def _merge_kwargs(self: Any, *args: Any, **kwargs: Any) -> Any:
        merged = merge(self, *args, **kwargs)
        if _ATTRIBUTE in vars(self) and _has_our_operator(type(self)):
            if _drops(self, merged.get("images_kwargs", {})):
                _stepping_aside.set(weakref.ref(self))
            elif _steps_aside(self):
                _stepping_aside.set(None)
        return merged

    _base_before.append((base, merge))
    base._merge_kwargs = _merge_kwargs


def take_back() -> None:
    """Put everything back to what it was."""
    for base, merge in _base_before:
        base._merge_kwargs = merge
    _base_before.clear()
    for kind in _switched:
        delattr(kind, _ATTRIBUTE)
    _switched.clear()


def _has_our_operator(kind: type) -> bool:
    """Whether a processor's module has our operator; its class gets the switch then."""
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


def _drops(processor: Any, call: Mapping[str, Any]) -> bool:
    """Whether the fused branch would drop a setting of the call or of the image processor."""
    if any(call.get(name) is not None for name in _DROPPED):
        return True
    images = getattr(processor, "image_processor", None)
    factor = getattr(images, "rescale_factor", 1 / 255)
    return (
        not getattr(images, "do_rescale", True)
        or not getattr(images, "do_normalize", True)
        or getattr(images, "resample", _BILINEAR) != _BILINEAR
        # The branch passes a whole number on, by which bytes are divided.
        or not factor
        or 1 / max(round(1 / factor), 1) != factor
        or any(
            _listed(getattr(processor, name)) != _listed(getattr(images, name))
            for name in _COPIED
            if hasattr(processor, name) and hasattr(images, name)
        )
    )


def _listed(value: Any) -> list[Any]:
    """A setting as a list; the processor makes one number one for each channel."""
    return list(value) if isinstance(value, (list, tuple)) else [value] * 3
