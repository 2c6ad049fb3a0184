"""Test that pictures are treated as by the published code, and that ``exif=True`` rotates."""

from __future__ import annotations

import io
import logging

import numpy as np
import pytest
import torch
from PIL import Image

from keye_vl_rs import (
    KeyeVL1_5ImageProcessor,
    KeyeVL1_5VideoProcessor,
    preprocess_video,
    preview,
    process_vision_info,
    to_openai_messages,
    to_vllm_inputs,
)
from keye_vl_rs._media.images import load_image
from keye_vl_rs._util.warn_once import reset_warnings
from keye_vl_rs.errors import FramesShapeError, InvalidArgumentError, UnreadableMediaError
from keye_vl_rs.processors.processor import KeyeVL1_5Processor
from support.processor import TOKENIZER
from support.tokenizers import CHAT_TEMPLATE

pytestmark = pytest.mark.one_level

ORIENTATIONS = range(2, 9)


def picture(size=(84, 56)):
    values = np.random.default_rng(11).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(values)


def made_processor():
    return KeyeVL1_5Processor(KeyeVL1_5ImageProcessor(), TOKENIZER, chat_template=CHAT_TEMPLATE)


def turned(orientation=6, format="PNG"):
    """Return the bytes of a file with an EXIF orientation."""
    image = picture()
    exif = image.getexif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    image.save(file, format, exif=exif)
    return file.getvalue()


def upright(orientation=6):
    """Return that picture upright, by NumPy."""
    array = np.asarray(picture())
    return {
        2: array[:, ::-1],
        3: array[::-1, ::-1],
        4: array[::-1],
        5: array.transpose(1, 0, 2),
        6: np.rot90(array, -1),
        7: np.rot90(array.transpose(1, 0, 2), 2),
        8: np.rot90(array),
    }[orientation]


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_load_image(orientation):
    data = turned(orientation)
    for source in (data, Image.open(io.BytesIO(data)), io.BytesIO(data)):
        assert np.array_equal(load_image(source, exif=True), upright(orientation))
        for exif in (None, False):
            assert np.array_equal(load_image(source, exif=exif), picture())


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_messages(orientation):
    data = turned(orientation)
    messages = [{"role": "user", "content": [{"type": "image", "image": data, "exif": True}]}]
    for call in (process_vision_info, preview.process_vision_info):
        assert np.array_equal(call(messages)[0][0], upright(orientation))
    for model in ("Keye-VL-1.5", "Keye-VL-8B-Preview"):
        sent = to_openai_messages(messages, model=model).messages[0]["content"][0]
        assert np.array_equal(load_image(sent["image_url"]["url"]), upright(orientation))


def test_frames():
    video = {"type": "video", "video": [turned()] * 2, "exif": True}
    frames = process_vision_info(vision_infos=[video])[1][0]
    assert frames.shape[2:] > frames.shape[3:]
    expected = process_vision_info(
        vision_infos=[{"type": "video", "video": [Image.fromarray(upright())] * 2}]
    )[1][0]
    assert torch.equal(frames, expected)
    shown = preview.process_vision_info([{"role": "user", "content": [video]}])[1][0]
    assert all(np.array_equal(frame, shown[0]) and frame.height > frame.width for frame in shown)


def test_frames_of_preprocess_video():
    """There is no argument for it; each frame has its own option."""
    made = preprocess_video([{"image": turned(), "exif": True}] * 2)
    expected = preprocess_video([Image.fromarray(upright())] * 2)
    assert torch.equal(made.pixel_values_videos, expected.pixel_values_videos)
    assert made.size[0] > made.size[1]


@pytest.mark.parametrize("kind", [KeyeVL1_5ImageProcessor, preview.SiglipImageProcessor])
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_image_processors(kind, format):
    image = Image.open(io.BytesIO(turned(6, format)))
    expected = kind()(Image.fromarray(upright()), return_tensors="pt")
    for made in (kind()(image, exif=True, return_tensors="pt"), kind(exif=True)(image)):
        assert torch.equal(torch.as_tensor(made["pixel_values"]), expected["pixel_values"])
    assert made["image_grid_thw"].tolist() == [[1, 6, 4]]
    # For a TIFF, Pillow itself applies the orientation when it reads the pixels.
    plain = [1, 6, 4] if format == "TIFF" else [1, 4, 6]
    image = Image.open(io.BytesIO(turned(6, format)))
    assert kind()(image)["image_grid_thw"].tolist() == [plain]
    assert kind.from_dict(kind(exif=True).to_dict()).exif is True


def test_the_video_processor():
    frames = [Image.open(io.BytesIO(turned()))] * 2
    expected = KeyeVL1_5VideoProcessor()([[Image.fromarray(upright())] * 2])
    for made in (
        KeyeVL1_5VideoProcessor()([frames], exif=True),
        KeyeVL1_5VideoProcessor(exif=True)([frames]),
    ):
        assert np.array_equal(made["pixel_values_videos"], expected["pixel_values_videos"])


@pytest.mark.parametrize("where", ["call", "setting"])
@pytest.mark.parametrize("model", ["Keye-VL-1.5", "Keye-VL-8B-Preview"])
def test_the_processor(model, where):
    processor = made_processor()
    if model == "Keye-VL-8B-Preview":
        processor = preview.KeyeProcessor(None, TOKENIZER, chat_template=CHAT_TEMPLATE)
    processor.image_processor.exif = where == "setting"
    said = {"exif": True} if where == "call" else {}
    data = turned()
    text = "<|image_pad|>"
    expected = processor(text=text, images=Image.fromarray(upright()), return_tensors="pt")
    image = Image.open(io.BytesIO(data))
    made = processor(text=text, images=image, return_tensors="pt", **said)
    assert torch.equal(made["pixel_values"], expected["pixel_values"])
    frames = [Image.open(io.BytesIO(data))] * 2
    plain = [Image.fromarray(upright())] * 2
    made, expected = (
        processor(text="<|video_pad|>", videos=[clip], return_tensors="pt", **said)
        for clip in (frames, plain)
    )
    assert torch.equal(made["pixel_values_videos"], expected["pixel_values_videos"])


@pytest.mark.parametrize("where", ["call", "setting", "message"])
def test_the_one_call(where):
    processor = made_processor()
    part = {"type": "image", "image": turned()}
    options = {"tokenize": True, "return_dict": True, "return_tensors": "pt"}
    if where == "call":
        options["exif"] = True
    elif where == "setting":
        processor.image_processor.exif = True
    else:
        part["exif"] = True
    made = processor.apply_chat_template([{"role": "user", "content": [part]}], **options)
    assert made["image_grid_thw"].tolist() == [[1, 6, 4]]
    # The message's option for its image takes precedence over the processor's.
    part["exif"] = False
    made = processor.apply_chat_template([{"role": "user", "content": [part]}], **options)
    assert made["image_grid_thw"].tolist() == [[1, 4, 6]]


@pytest.mark.parametrize("kind", ["image", "video"])
@pytest.mark.parametrize("where", ["call", "processor_kwargs", "setting"])
def test_previews_call(where, kind):
    """Rotation comes first: resizing before rotating gives other pixels."""
    engine = preview.SiglipImageProcessor(exif=where == "setting")
    processor = preview.KeyeProcessor(engine, TOKENIZER, chat_template=CHAT_TEMPLATE)
    part = {"type": kind, kind: turned() if kind == "image" else [turned()] * 2}
    size = {"resized_height": 84, "resized_width": 112}
    said = [{"role": "user", "content": [{**part, **size}]}]
    whole = [{"role": "user", "content": [{**part, **size, "exif": True}]}]
    call = {"call": {"exif": True}, "processor_kwargs": {"processor_kwargs": {"exif": True}}}
    loads = {"tokenize": True, "return_dict": True, "return_tensors": "pt"}
    made = processor.apply_chat_template(said, **loads, **call.get(where, {}))
    expected = processor.apply_chat_template(whole, **loads)
    name = "pixel_values" if kind == "image" else "pixel_values_videos"
    assert torch.equal(made[name], expected[name])


@pytest.mark.parametrize("model", ["Keye-VL-1.5", "Keye-VL-8B-Preview"])
def test_inputs_for_vllm(model):
    parts = [{"type": "image", "image": turned()}, {"type": "video", "video": [turned()] * 2}]
    said = [{"role": "user", "content": parts}]
    data = to_vllm_inputs(said, made_processor(), model=model, exif=True)["multi_modal_data"]
    assert np.array_equal(data["image"][0], upright())
    parts = [{**part, "exif": True} for part in parts]
    expected = to_vllm_inputs([{"role": "user", "content": parts}], made_processor(), model=model)
    for one, other in zip(data["video"][0], expected["multi_modal_data"]["video"][0], strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("exif", ["yes", 1, 0.0])
def test_other_values(exif):
    with pytest.raises(InvalidArgumentError, match=r"exif is .*: expected True or False"):
        process_vision_info(vision_infos=[{"type": "image", "image": turned(), "exif": exif}])
    with pytest.raises(InvalidArgumentError, match=r"exif is .*: expected True or False"):
        KeyeVL1_5ImageProcessor(exif=exif)


HABITS = {
    "EXIF orientation": lambda: Image.open(io.BytesIO(turned())),
    "transparent": lambda: picture().convert("RGBA"),
    "grey of 16 bits": lambda: Image.fromarray(np.full((56, 84), 300, np.uint16)),
}


@pytest.mark.parametrize("said", HABITS)
def test_habits_are_kept_and_said_once(said, caplog):
    reset_warnings()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            image = HABITS[said]()
            assert np.array_equal(load_image(image), image.convert("RGB"))
    assert [said in message for message in caplog.messages] == [True]
    reset_warnings()


def test_what_is_lost_of_each():
    """Drop the values that the documentation says are lost."""
    clear = Image.new("RGBA", (28, 28), (0, 0, 0, 0))
    assert load_image(clear).getpixel((0, 0)) == (0, 0, 0)
    grey = Image.fromarray(np.array([[200, 255, 256, 40000]], np.uint16))
    assert np.asarray(load_image(grey))[0, :, 0].tolist() == [200, 255, 255, 255]


def test_nothing_is_said_of_plain_pictures(caplog):
    reset_warnings()
    load_image(picture())
    load_image(turned(1))
    load_image(turned(), exif=False)
    KeyeVL1_5ImageProcessor()(picture())
    assert not caplog.messages


def test_bad_pictures_of_processors_are_named():
    closed = Image.open(io.BytesIO(turned()))
    closed.close()
    for settings in ({}, {"exif": True}, {"do_convert_rgb": False, "do_rescale": False}):
        with pytest.raises(UnreadableMediaError, match=r"^image 1: the PIL.Image is closed or"):
            KeyeVL1_5ImageProcessor()([picture(), closed], **settings)
    processor = made_processor()
    for frames, error in (
        ([picture(), closed], UnreadableMediaError),
        ([picture(), picture((28, 28))], FramesShapeError),
    ):
        with pytest.raises(error, match=r"video 0: frame 1"):
            processor(text="<|video_pad|>", videos=[frames])
