"""Test that every public name keeps its signature, in each module it can be imported from.

``public_api.txt`` lists them. After an intended change, write it anew:

    PYTHONPATH=tests/python python tests/python/test_public_api.py
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import warnings
from pathlib import Path

import pytest

pytestmark = pytest.mark.one_level

LIST = Path(__file__).with_name("public_api.txt")
MODULES = [
    *("aio", "allowed_sources", "cli", "content_parts", "errors", "fused_operator", "geometry"),
    *("image_processing", "images", "integrations.openai", "integrations.sglang"),
    *("integrations.switch", "integrations.vllm", "integrations.vllm_inputs", "limits"),
    *("messages", "preprocess", "preview", "preview.image_processing", "preview.processing"),
    *("preview.vision_process", "processing", "prompt", "sampling", "similarity", "tensors"),
    *("tested_hosts", "timestamps", "tokenization", "video", "video_inputs"),
    *("video_processing", "video_settings", "vision_process"),
]


def describe(module):
    """Return a line for each public name of a module, and for each member of its classes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        found = importlib.import_module(module)
    for name in sorted(getattr(found, "__all__", ())):
        value = getattr(found, name)
        yield f"{module}.{name}{_form(value)}"
        if inspect.isclass(value):
            for member, one in sorted(vars(value).items()):
                if not member.startswith("_") and not _is_field(value, member):
                    yield f"{module}.{name}.{member}{_form(one)}"


def _is_field(value, member):
    return dataclasses.is_dataclass(value) and member in value.__dataclass_fields__


def _form(value):
    if isinstance(value, property):
        return ": property"
    if isinstance(value, (classmethod, staticmethod)):
        value = value.__func__
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return f": {type(value).__name__}"
    # Names, kinds and defaults only: every version of Python writes annotations differently.
    plain = [one.replace(annotation=one.empty) for one in signature.parameters.values()]
    return str(inspect.Signature(plain))


def every_line():
    for module in ["keye_vl_rs", *(f"keye_vl_rs.{name}" for name in MODULES)]:
        yield from describe(module)


def test_every_name_of_the_list_is_there_with_its_signature():
    assert set(LIST.read_text().splitlines()) - set(every_line()) == set()


def test_every_name_of_the_package_is_in_the_list():
    assert set(describe("keye_vl_rs")) - set(LIST.read_text().splitlines()) == set()


if __name__ == "__main__":
    LIST.write_text("".join(f"{line}\n" for line in every_line()))
