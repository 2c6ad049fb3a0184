"""Test encoding images as files in base64."""

from __future__ import annotations

import base64
import io
import os
import threading

import numpy as np
import pytest
from PIL import Image

from keye_vl_rs.hosts import encoding
from keye_vl_rs.hosts.encoding import encode_images
from support.vision_process import pictures

pytestmark = pytest.mark.one_level


def decoded(data):
    return Image.open(io.BytesIO(base64.b64decode(data, validate=True)))


@pytest.fixture(params=["in memory", "in a folder"])
def system_files(request, monkeypatch):
    if request.param == "in a folder":
        monkeypatch.delattr(os, "memfd_create", raising=False)


@pytest.mark.usefixtures("system_files")
def test_jpeg_is_pillows(monkeypatch):
    monkeypatch.setenv("KEYE_VL_UTILS_PARALLEL_NUM", "3")
    images = pictures(7)
    for image, data in zip(images, encode_images(images, "jpeg", 90), strict=True):
        expected = io.BytesIO()
        image.save(expected, "jpeg", quality=90)
        assert base64.b64decode(data, validate=True) == expected.getvalue()


def test_png_keeps_every_pixel_of_images_and_arrays():
    images = pictures(3)
    arrays = [np.asarray(image) for image in images]
    data = encode_images([*images, *arrays], "png", 95)
    assert data[:3] == data[3:]
    for image, one in zip(images, data, strict=False):
        assert decoded(one).format == "PNG"
        assert np.array_equal(decoded(one), image)


@pytest.mark.parametrize("image_format", ["jpeg", "png"])
def test_on_the_threads_of_the_core(image_format, monkeypatch):
    names = set()
    encode = encoding._encode

    def noting(*args, **kwargs):
        names.add(threading.current_thread().name)
        return encode(*args, **kwargs)

    monkeypatch.setattr(encoding, "_encode", noting)
    monkeypatch.setenv("KEYE_VL_UTILS_PARALLEL_NUM", "1")
    encode_images(pictures(4), image_format, 95)
    assert names == {threading.current_thread().name}
    names.clear()
    monkeypatch.setenv("KEYE_VL_UTILS_PARALLEL_NUM", "2")
    encode_images(pictures(4), image_format, 95)
    assert names
    assert threading.current_thread().name not in names
    assert encode_images([], image_format, 95) == []
