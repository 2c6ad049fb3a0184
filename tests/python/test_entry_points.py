"""Test that every public way to read media obeys the allow-lists and the limits.

A new call, method or option that opens images or videos needs one line in the tables below.
"""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import itertools
import json
import shutil
import sys
from pathlib import Path

import keye_vl_utils
import pytest
from typer.testing import CliRunner

import keye_vl_rs
from keye_vl_rs import (
    KeyeVL1_5ImageProcessor,
    KeyeVL1_5VideoProcessor,
    Limits,
    aio,
    errors,
    preview,
    to_openai_messages,
    to_vllm_inputs,
    vision_process,
)
from keye_vl_rs.cli import app
from keye_vl_rs.errors import InvalidArgumentError, LimitError, SourceNotAllowedError
from keye_vl_rs.processors.processor import KeyeVL1_5Processor
from support.clips import Clip
from support.processor import PROCESSOR, TOKENIZER
from support.tokenizers import CHAT_TEMPLATE
from support.vision_process import pictures

pytestmark = pytest.mark.one_level

PREVIEW = "Keye-VL-8B-Preview"
PREVIEW_PROCESSOR = preview.KeyeProcessor(None, TOKENIZER, chat_template=CHAT_TEMPLATE)
# Not what preprocess_video streams.
PLAIN_PROCESSOR = KeyeVL1_5Processor(
    KeyeVL1_5ImageProcessor(do_rescale=False), TOKENIZER, chat_template=CHAT_TEMPLATE
)
LOADS = {"tokenize": True, "return_dict": True, "return_tensors": "pt"}


def talk(kind, source):
    """Return a conversation about one image or video."""
    return [{"role": "user", "content": [{"type": kind, kind: source}]}]


def in_parts(call, kind, **fixed):
    """Adapt ``call`` to take ``{"image": source}`` or ``{"video": source}``."""
    return lambda source, **options: call({kind: source}, **fixed, **options)


def in_messages(call, kind, *arguments, **fixed):
    """Adapt ``call`` to take messages."""
    return lambda source, **options: call(talk(kind, source), *arguments, **fixed, **options)


def of_messages(kind):
    """Return the calls that take messages, by name."""
    return {
        "process_vision_info": in_messages(keye_vl_rs.process_vision_info, kind),
        "aio.process_vision_info": in_messages(awaited(aio.process_vision_info), kind),
        "vision_infos": lambda source, **options: keye_vl_rs.process_vision_info(
            vision_infos=[{kind: source}], **options
        ),
        "preview.process_vision_info": in_messages(preview.process_vision_info, kind),
        "apply_chat_template": in_messages(PROCESSOR.apply_chat_template, kind, **LOADS),
        "plain": in_messages(PLAIN_PROCESSOR.apply_chat_template, kind, **LOADS),
        "preview.apply_chat_template": in_messages(
            PREVIEW_PROCESSOR.apply_chat_template, kind, **LOADS
        ),
        "to_openai_messages": in_messages(to_openai_messages, kind),
        "preview.to_openai_messages": in_messages(to_openai_messages, kind, model=PREVIEW),
        "to_vllm_inputs": in_messages(to_vllm_inputs, kind, PROCESSOR),
        "preview.to_vllm_inputs": in_messages(
            to_vllm_inputs, kind, PREVIEW_PROCESSOR, model=PREVIEW
        ),
        # Looked up at each call, after enable() has replaced it.
        "keye_vl_utils.process_vision_info": lambda source, **options: (
            keye_vl_utils.process_vision_info(talk(kind, source), **options)
        ),
    }


def awaited(function):
    """Adapt an awaitable form to be called."""
    return lambda *args, **options: asyncio.run(function(*args, **options))


def in_batch(source, **options):
    """Preprocess a batch of one, and raise its error."""
    (result,) = keye_vl_rs.preprocess_videos([source], **options)
    if result.error is not None:
        raise result.error
    return result.inputs


def run(command):
    """Run a command of ``keye-vl-rs``, and raise its errors."""

    def call(source):
        given = {"preprocess": ["--overwrite"], "bench": ["--runs", "1"]}.get(command, [])
        result = CliRunner().invoke(app, [command, str(source), "--json", *given])
        if isinstance(result.exception, errors.KeyeVLError):
            raise result.exception
        (said, *_) = map(json.loads, result.stdout.splitlines())
        if "error" in said:
            raise getattr(errors, said["error_type"])(said["error"])
        assert result.exit_code == 0

    return call


IMAGES = {
    **of_messages("image"),
    "fetch_image": in_parts(keye_vl_rs.fetch_image, "image"),
    "aio.fetch_image": in_parts(awaited(aio.fetch_image), "image"),
    "fetch_image of a frame": in_parts(keye_vl_rs.fetch_image, "image", is_video=True),
    "preview.fetch_image": in_parts(preview.fetch_image, "image"),
    "KeyeVL1_5ImageProcessor": lambda source: KeyeVL1_5ImageProcessor().fetch_images(source),
    "KeyeVL1_5VideoProcessor": lambda source: KeyeVL1_5VideoProcessor().fetch_images([source]),
    "SiglipImageProcessor": lambda source: preview.SiglipImageProcessor().fetch_images([[source]]),
    "keye_vl_utils.fetch_image": lambda source, **options: keye_vl_utils.fetch_image(
        {"image": source}, **options
    ),
}
LISTS = {
    **of_messages("video"),
    "preprocess_video": keye_vl_rs.preprocess_video,
    "aio.count_tokens": awaited(aio.count_tokens),
    "aio.inspect_video": awaited(aio.inspect_video),
    "inspect_video": keye_vl_rs.inspect_video,
    "aio.preprocess_video": awaited(aio.preprocess_video),
    "preprocess_videos": in_batch,
    "VideoDataset": lambda source, **options: keye_vl_rs.VideoDataset([source], **options)[0],
    "aio.fetch_video": in_parts(awaited(aio.fetch_video), "video"),
    "count_tokens": keye_vl_rs.count_tokens,
    "iter_frames": lambda source, **options: list(keye_vl_rs.iter_frames(source, **options)),
    "fetch_video": in_parts(keye_vl_rs.fetch_video, "video"),
    "preview.fetch_video": in_parts(preview.fetch_video, "video"),
    "keye_vl_utils.fetch_video": lambda source, **options: keye_vl_utils.fetch_video(
        {"video": source}, **options
    ),
}
VIDEOS = {
    **LISTS,
    "probe_video": keye_vl_rs.probe_video,
    "aio.probe_video": awaited(aio.probe_video),
    "keye-vl-rs preprocess": run("preprocess"),
    "keye-vl-rs probe": run("probe"),
    "keye-vl-rs bench": run("bench"),
    "keye-vl-rs inspect": run("inspect"),
}
DOORS = [
    pytest.param(kind, name, call, id=f"{kind}-{name}")
    for kind, calls in (("image", IMAGES), ("list", LISTS), ("video", VIDEOS))
    for name, call in calls.items()
]
# A limit that the media below exceed, by kind of media.
LIMITS = {"image": "image_pixels", "list": "image_pixels", "video": "frames"}


@pytest.fixture(autouse=True)
def switched():
    """Enable this package in keye_vl_utils, and disable it afterwards."""
    before = sys.modules["keye_vl_utils.vision_process"]
    assert keye_vl_rs.enable()
    assert keye_vl_utils.fetch_video is vision_process.fetch_video
    yield
    keye_vl_rs.disable()
    assert sys.modules["keye_vl_utils.vision_process"] is before


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """Create a folder with a picture and a clip, and another one that is not allowed."""
    allowed, other = tmp_path_factory.mktemp("allowed"), tmp_path_factory.mktemp("other")
    clip = Clip("clip.mp4", width=84, height=56, count=8).write(allowed)
    pictures(1, 84, 56)[0].save(allowed / "picture.png")
    for name in ("picture.png", clip.name):
        shutil.copy(allowed / name, other / name)
    return allowed, other


def source_in(folder, kind, scheme=""):
    """Return the source for a way of reading: a path or a URL, or a list of two."""
    if kind == "video":
        return f"{scheme}{folder}/clip.mp4"
    picture = f"{scheme}{folder}/picture.png"
    return [picture, picture] if kind == "list" else picture


@pytest.mark.parametrize(("kind", "name", "call"), DOORS)
def test_a_door(kind, name, call, media, monkeypatch):
    allowed, other = media
    monkeypatch.setenv("KEYE_VL_RS_ALLOWED_MEDIA_PATH", str(allowed))
    call(source_in(allowed, kind))
    for scheme in ("", "file://"):
        with pytest.raises(SourceNotAllowedError, match="KEYE_VL_RS_ALLOWED_MEDIA_PATH"):
            call(source_in(other, kind, scheme))
    with pytest.raises(SourceNotAllowedError, match="leads to 127"):
        call(source_in("127.0.0.1:9", kind, "http://"))
    limit = LIMITS[kind]
    monkeypatch.setenv(f"KEYE_VL_RS_MAX_{limit.upper()}", "3")
    with pytest.raises(LimitError, match=rf"exceeds {limit} \(3"):
        call(source_in(allowed, kind))


@pytest.mark.parametrize(("kind", "name", "call"), DOORS)
def test_limits_of_a_call(kind, name, call, media):
    """All calls with options take limits; an image processor uses those of the environment."""
    source, limit = source_in(media[0], kind), LIMITS[kind]
    parameters = inspect.signature(call).parameters
    if "limits" not in parameters and "options" not in parameters:
        assert name.endswith("Processor") or name.startswith("keye-vl-rs ")
        return
    call(source, limits=Limits(**{limit: 10_000}))
    with pytest.raises(LimitError, match=rf"exceeds {limit} \(3"):
        call(source, limits=Limits(**{limit: 3}))


def test_the_rest_open_nothing(media):
    """A processor's own call takes media that have been loaded."""
    picture, clip = source_in(media[0], "image"), source_in(media[0], "video")
    for processor in (PROCESSOR, PREVIEW_PROCESSOR):
        for given in ({"images": [picture]}, {"images": [Path(picture)]}, {"videos": [clip]}):
            with pytest.raises(InvalidArgumentError, match="process_vision_info"):
                processor(text="<|image_pad|><|video_pad|>", **given)
    for processor in (
        *(KeyeVL1_5ImageProcessor(), KeyeVL1_5VideoProcessor(), preview.SiglipImageProcessor()),
    ):
        with pytest.raises(InvalidArgumentError, match="do not open videos"):
            processor.fetch_videos(clip)


def test_no_door_is_missing():
    """The tables contain every public function and class that takes limits."""
    named = {name.rpartition(".")[2] for name in itertools.chain(IMAGES, VIDEOS)}
    for module in (keye_vl_rs, aio, preview):
        for name in module.__all__:
            value = getattr(module, name)
            # Results record the limits of their call.
            if dataclasses.is_dataclass(value):
                continue
            call = value.__init__ if inspect.isclass(value) else value
            if inspect.isfunction(call) and "limits" in inspect.signature(call).parameters:
                assert name in named
