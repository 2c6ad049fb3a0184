"""Test handmade Arrow arrays: one that is no Pillow image is an error, not a stray read."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from PIL import Image

from keye_vl_rs import _core
from keye_vl_rs.errors import FramesShapeError
from support.core import PATCH, noise

SIDE = 28
NUMBERS = {name: value for name, value in PATCH.items() if name != "patch_size"}
Pointers = ctypes.POINTER(ctypes.c_void_p)
RELEASE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda structure: None)


class Schema(ctypes.Structure):
    _fields_ = (
        ("format", ctypes.c_char_p),
        ("name", ctypes.c_char_p),
        ("metadata", ctypes.c_char_p),
        ("flags", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("children", Pointers),
        ("dictionary", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    )


class Array(ctypes.Structure):
    _fields_ = (
        ("length", ctypes.c_int64),
        ("null_count", ctypes.c_int64),
        ("offset", ctypes.c_int64),
        ("n_buffers", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("buffers", Pointers),
        ("children", Pointers),
        ("dictionary", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    )


def _pointers(*addresses):
    return (ctypes.c_void_p * len(addresses))(*addresses)


class Made:
    """Hold an image of SIDE x SIDE as Pillow exports it, with structures that can be changed."""

    def __init__(self, pixels):
        release = ctypes.cast(RELEASE, ctypes.c_void_p).value
        self.pixels = np.ascontiguousarray(np.dstack([pixels, pixels[..., 0]]))
        self.value_schema = Schema(format=b"C", release=release)
        self.schema = Schema(format=b"+w:4", n_children=1, release=release)
        self.values = Array(length=4 * SIDE * SIDE, n_buffers=2, release=release)
        self.array = Array(length=SIDE * SIDE, n_buffers=1, n_children=1, release=release)
        self.values.buffers = _pointers(None, self.pixels.ctypes.data)
        self.array.buffers = _pointers(None)
        self.schema.children = _pointers(ctypes.addressof(self.value_schema))
        self.array.children = _pointers(ctypes.addressof(self.values))

    def capsules(self):
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = (
            ctypes.py_object,
            [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p],
        )
        return tuple(
            new(ctypes.addressof(structure), name, None)
            for structure, name in ((self.schema, b"arrow_schema"), (self.array, b"arrow_array"))
        )


def _patches(rows):
    bands = _core.ImageBands((SIDE, SIDE), (SIDE, SIDE), patch_size=14, kernel="bilinear")
    out = np.zeros(SIDE * SIDE * 3, np.float32)
    bands.write_patches(rows, 0, 2, out, **NUMBERS)
    return out


def test_an_array_made_by_hand_is_read_as_one_of_pillow_is():
    pixels = noise(SIDE, SIDE, 3)
    made = Made(pixels)
    expected = _patches(pixels.transpose(2, 0, 1))
    assert np.array_equal(_patches(made.capsules()), expected)
    made.array.null_count = made.values.null_count = -1  # not computed
    assert np.array_equal(_patches(made.capsules()), expected)
    shown = getattr(Image.fromarray(pixels), "__arrow_c_array__", None)
    if shown is not None:  # Pillow before 11.2
        assert np.array_equal(_patches(shown()), expected)


@pytest.mark.parametrize("structure", ["schema", "array", "value_schema", "values"])
def test_a_released_array_is_an_error(structure):
    made = Made(noise(SIDE, SIDE, 3))
    # The state after a consumer took the array: the pointers must not be followed any more.
    taken = getattr(made, structure)
    taken.release = None
    for name, kind in type(taken)._fields_:
        if kind in (Pointers, ctypes.c_void_p, ctypes.c_char_p) and name != "release":
            ctypes.c_void_p.from_buffer(taken, getattr(type(taken), name).offset).value = 8
    with pytest.raises(
        FramesShapeError, match="rows are an Arrow array that was released or moved"
    ):
        _patches(made.capsules())


WRONG = {
    "schema": {
        "format": [None, b"+w:3", b"+l", b"C", b""],
        "n_children": [0, 2, -1],
        "children": [None, _pointers(None)],
        "dictionary": [8],
    },
    "value_schema": {"format": [None, b"c", b"f", b"I"], "n_children": [1], "dictionary": [8]},
    "array": {
        "length": [0, -1, SIDE * SIDE - 1, SIDE * SIDE + 1, 2**61, 2**63 - 1],
        "null_count": [1],
        "offset": [1, -1],
        "n_buffers": [0, 2],
        "n_children": [0, 2],
        "buffers": [None, _pointers(8)],
        "children": [None, _pointers(None)],
        "dictionary": [8],
    },
    "values": {
        "length": [0, -4, 4 * SIDE * SIDE - 1, 4 * SIDE * SIDE + 4, 2**63 - 1],
        "null_count": [4],
        "offset": [4],
        "n_buffers": [1, 3],
        "n_children": [1],
        "buffers": [None, _pointers(None, None), _pointers(8, 8)],
        "dictionary": [8],
    },
}


@pytest.mark.parametrize(
    ("structure", "field", "value"),
    [
        pytest.param(structure, field, value, id=f"{structure}.{field}-{index}")
        for structure, fields in WRONG.items()
        for field, values in fields.items()
        for index, value in enumerate(values)
    ],
)
def test_another_array_is_an_error(structure, field, value):
    made = Made(noise(SIDE, SIDE, 3))
    setattr(getattr(made, structure), field, value)
    with pytest.raises(FramesShapeError, match=rf"rows are not an RGB image of {SIDE}x{SIDE}"):
        _patches(made.capsules())


def test_an_array_of_another_size_is_an_error():
    made = Made(noise(SIDE, SIDE, 3))
    made.array.length, made.values.length = SIDE, 4 * SIDE
    with pytest.raises(FramesShapeError, match="rows are not an RGB image"):
        _patches(made.capsules())
