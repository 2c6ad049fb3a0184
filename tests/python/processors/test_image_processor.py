"""Compare the image processor with the published steps, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoImageProcessor, PretrainedConfig

from keye_vl_rs._patches import images
from keye_vl_rs.errors import AspectRatioError, FramesShapeError, InvalidArgumentError, SizeError
from keye_vl_rs.processors.image_processor import KeyeVL1_5ImageProcessor
from oracle import published_processor as published
from support.images import picture
from support.processor import assert_bits

HALF = (0.5, 0.5, 0.5)


SIZES = [(56, 56), (61, 83), (640, 363), (2, 2), (13, 900), (900, 13), (1500, 1100), (28, 3000)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mean_std", [{}, {"image_mean": HALF, "image_std": HALF}])
def test_image_of_any_size(size, mean_std):
    image = picture(*size)
    actual = KeyeVL1_5ImageProcessor(**mean_std)(image, return_tensors="pt")
    assert_bits(actual, published.preprocess([image], "image", **mean_std))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "LA", "CMYK", "1", "I;16"])
def test_image_of_any_mode(mode):
    if mode == "I;16":
        image = Image.fromarray(np.arange(64 * 80, dtype=np.uint16).reshape(64, 80))
    else:
        image = picture(64, 80, "RGBA").convert(mode)
    actual = KeyeVL1_5ImageProcessor()(image, return_tensors="pt")
    assert_bits(actual, published.preprocess([image], "image"))


@pytest.mark.parametrize("size", [(1, 1), (3, 60), (1, 40)])
def test_the_height_of_a_thin_image_is_not_taken_for_its_channels(size):
    image = picture(*size)
    grown = image.resize(published.smart_resize(*size)[::-1], Image.Resampling.BILINEAR)
    actual = KeyeVL1_5ImageProcessor()(image, return_tensors="pt")
    assert_bits(actual, published.preprocess([grown], "image"))


def test_transparent_palette_and_colour_key():
    image = picture(64, 80).convert("P")
    image.info["transparency"] = 3
    keyed = picture(64, 80)
    keyed.info["transparency"] = keyed.getpixel((5, 5))
    for one in (image, keyed):
        actual = KeyeVL1_5ImageProcessor()(one, return_tensors="pt")
        assert_bits(actual, published.preprocess([one], "image"))


def test_arrays_and_tensors_in_both_channel_orders():
    image = np.asarray(picture(70, 90))
    first = np.ascontiguousarray(image.transpose(2, 0, 1))
    processor = KeyeVL1_5ImageProcessor()
    expected = published.preprocess([Image.fromarray(image)], "image")
    for one in (image, first, torch.from_numpy(first), image[:, ::-1][:, ::-1]):
        assert_bits(processor(one, return_tensors="pt"), expected)
    assert_bits(processor([[image], [first]][:1], return_tensors="pt"), expected)


def test_channel_order_when_told_and_of_the_output():
    image = np.ascontiguousarray(np.asarray(picture(3, 60)))
    expected = KeyeVL1_5ImageProcessor()(Image.fromarray(image), return_tensors="pt")
    for order in ("channels_first", "channels_last"):
        actual = KeyeVL1_5ImageProcessor()(
            image, return_tensors="pt", input_data_format="channels_last", data_format=order
        )
        assert_bits(actual, expected)


def test_several_images_keep_their_order_and_nested_lists_are_flattened():
    images = [picture(60, 200), picture(300, 31, seed=1), picture(60, 200, seed=2)]
    expected = published.preprocess(images, "image")
    processor = KeyeVL1_5ImageProcessor()
    for given in (images, tuple(images), [images[:1], [], images[1:]]):
        assert_bits(processor.preprocess(given, return_tensors="pt"), expected)


@pytest.mark.parametrize(
    "flags",
    [
        {"do_rescale": False},
        {"do_normalize": False},
        {"do_rescale": False, "do_normalize": False},
        {"resample": Image.Resampling.BICUBIC},
        {"resample": Image.Resampling.LANCZOS},
        {"image_mean": (0.1, 0.2, 0.3), "image_std": (0.9, 1.3, 0.01)},
        {"min_pixels": 200 * 200},
        {"max_pixels": 60 * 60},
    ],
)
def test_settings_of_a_call_and_of_the_processor(flags):
    image = picture(100, 130)
    expected = published.preprocess([image], "image", **flags)
    assert_bits(KeyeVL1_5ImageProcessor()(image, return_tensors="pt", **flags), expected)
    assert_bits(KeyeVL1_5ImageProcessor(**flags)(image, return_tensors="pt"), expected)


@pytest.mark.parametrize("size", [(56, 84), (70, 98)])
def test_without_resize(size):
    image = picture(*size)
    expected = published.preprocess([image], "image", do_resize=False)
    actual = KeyeVL1_5ImageProcessor()(image, do_resize=False, return_tensors="pt")
    assert_bits(actual, expected)


@pytest.mark.parametrize("scale", [1.0, 1 / 255])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_take_the_plain_path(scale, dtype):
    image = (np.asarray(picture(66, 91)) * scale).astype(dtype)
    actual = KeyeVL1_5ImageProcessor()(image, return_tensors="pt", do_rescale=False)
    assert_bits(actual, published.preprocess([image], "image", do_rescale=False))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
@pytest.mark.parametrize("flags", [{}, {"do_rescale": False, "do_normalize": False}])
def test_dtype_is_the_rounded_float32(dtype, flags):
    image = picture(90, 70)
    exact = published.preprocess([image], "image", **flags)["pixel_values"].float()
    for processor, given in (
        (KeyeVL1_5ImageProcessor(), {"dtype": dtype}),
        (KeyeVL1_5ImageProcessor(dtype=dtype), {}),
        (KeyeVL1_5ImageProcessor(), {"dtype": str(dtype).removeprefix("torch.")}),
    ):
        pixels = processor(image, return_tensors="pt", **given, **flags)["pixel_values"]
        assert pixels.dtype == dtype
        assert torch.equal(pixels, exact.to(dtype))


def test_videos_in_every_form():
    frames = [picture(75, 120, seed=seed) for seed in range(3)]
    last = np.stack([np.asarray(frame) for frame in frames])
    first = last.transpose(0, 3, 1, 2)
    processor = KeyeVL1_5ImageProcessor()
    expected = published.preprocess([torch.from_numpy(first).float()], "video")
    for given in (last, first, [last], [frames], frames, last[None], torch.from_numpy(first)):
        assert_bits(processor(videos=given, return_tensors="pt"), expected)
    floats = processor(videos=[torch.from_numpy(first).float()], return_tensors="pt")
    assert_bits(floats, expected)


def test_images_are_written_to_their_places_in_one_tensor(monkeypatch):
    outs = []
    write = images._write_bands

    def spy(bands, pixels, part, out, recipe):
        outs.append(out.__array_interface__["data"][0])
        write(bands, pixels, part, out, recipe)

    monkeypatch.setattr(images, "_write_bands", spy)
    monkeypatch.setenv("KEYE_VL_UTILS_PARALLEL_NUM", "1")
    made = KeyeVL1_5ImageProcessor()([picture(56, 84), picture(112, 56)], return_tensors="pt")
    pixels = made["pixel_values"]
    assert outs == [pixels.data_ptr(), pixels[4 * 6 :].data_ptr()]


def test_images_of_both_paths_in_one_batch():
    # The core computes the patches of the first, transformers' functions those of the second.
    first = np.asarray(picture(56, 84))
    images = [first, first.astype(np.float32)]
    expected = published.preprocess(images, "image")
    assert_bits(KeyeVL1_5ImageProcessor()(images, return_tensors="pt"), expected)


def test_arrays_without_return_tensors():
    image = picture(60, 60)
    expected = published.preprocess([image], "image")
    for tensors in (None, "np"):
        actual = KeyeVL1_5ImageProcessor()(image, return_tensors=tensors)
        for name, value in expected.items():
            assert isinstance(actual[name], np.ndarray)
            np.testing.assert_array_equal(actual[name], value.numpy())
    with pytest.raises(InvalidArgumentError, match="bfloat16"):
        KeyeVL1_5ImageProcessor()(image, return_tensors="np", dtype=torch.bfloat16)


def test_size_in_its_spellings():
    limits = {"min_pixels": 50 * 50, "max_pixels": 90 * 90}
    edges = {"shortest_edge": 50 * 50, "longest_edge": 90 * 90}
    image = picture(200, 150)
    expected = published.preprocess([image], "image", **limits)
    for size in (limits, edges):
        made = KeyeVL1_5ImageProcessor(size=size)
        assert made.size == limits
        assert_bits(made(image, return_tensors="pt"), expected)
        called = KeyeVL1_5ImageProcessor()(image, size=size, return_tensors="pt")
        assert_bits(called, expected)
    fixed = KeyeVL1_5ImageProcessor()(image, size={"height": 56, "width": 84}, return_tensors="pt")
    assert fixed["image_grid_thw"].tolist() == [[1, 4, 6]]


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_number_of_patches(height, width):
    processor = KeyeVL1_5ImageProcessor()
    for limits in ({}, {"min_pixels": 300 * 300, "max_pixels": 500 * 500}):
        rows, columns = published.smart_resize(height, width, **limits)
        count = processor.get_number_of_image_patches(height, width, limits)
        assert count == rows * columns // 196


def test_save_and_load(tmp_path):
    made = KeyeVL1_5ImageProcessor(image_mean=HALF, image_std=HALF, max_pixels=28 * 28 * 99)
    made.save_pretrained(tmp_path)
    loaded = KeyeVL1_5ImageProcessor.from_pretrained(tmp_path)
    assert loaded.to_dict() == made.to_dict() | {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    assert KeyeVL1_5ImageProcessor.from_pretrained(tmp_path, max_pixels=28 * 28 * 7).size == {
        "min_pixels": 3136,
        "max_pixels": 28 * 28 * 7,
    }
    size = {"min_pixels": 1000, "max_pixels": 2000}
    assert KeyeVL1_5ImageProcessor.from_pretrained(tmp_path, size=size).size == size
    image = picture(300, 200)
    expected = made(image, return_tensors="pt")
    assert_bits(loaded(image, return_tensors="pt"), expected)


def test_registered_with_the_auto_class(tmp_path):
    class ConfigForThisTest(PretrainedConfig):
        model_type = "keye_vl_rs_image_test"

    AutoImageProcessor.register(
        ConfigForThisTest, slow_image_processor_class=KeyeVL1_5ImageProcessor
    )
    KeyeVL1_5ImageProcessor().save_pretrained(tmp_path)
    ConfigForThisTest().save_pretrained(tmp_path)
    assert type(AutoImageProcessor.from_pretrained(tmp_path)) is KeyeVL1_5ImageProcessor


@pytest.mark.parametrize(
    ("given", "kwargs", "error", "words"),
    [
        (np.zeros((50, 60), np.uint8), {}, FramesShapeError, "shape"),
        (np.zeros((50, 60, 1), np.uint8), {}, FramesShapeError, "1 channels, image_mean 3"),
        (np.zeros((50, 60, 4), np.uint8), {}, FramesShapeError, r"image 0: .*\(50, 60, 4\)"),
        ("picture.png", {}, FramesShapeError, "an image is picture.png: expected"),
        (np.zeros((50, 60, 3), np.uint8), {"do_resize": False}, SizeError, "50x60"),
        (np.zeros((50, 60, 3), np.uint8), {"dtype": torch.int8}, InvalidArgumentError, "int8"),
        (np.zeros((50, 60, 3), np.uint8), {"do_rescal": 1}, InvalidArgumentError, "do_rescal"),
        (np.zeros((50, 60, 3), np.uint8), {"size": {"a": 1}}, InvalidArgumentError, "size"),
        (np.zeros((2, 999, 3), np.uint8), {}, AspectRatioError, "2"),
        ([], {}, FramesShapeError, "images is an empty list"),
    ],
)
def test_refusals(given, kwargs, error, words):
    with pytest.raises(error, match=words):
        KeyeVL1_5ImageProcessor()(given, return_tensors="pt", **kwargs)


def test_refused_settings():
    with pytest.raises(InvalidArgumentError, match="temporal_patch_size is 2"):
        KeyeVL1_5ImageProcessor(temporal_patch_size=2)
    with pytest.raises(InvalidArgumentError, match="image_mean has 3 values, image_std 2"):
        KeyeVL1_5ImageProcessor(image_std=[0.5, 0.5])
