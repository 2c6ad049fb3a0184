"""Generate values for messages and arguments: mostly valid ones, and some nonsensical ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from PIL import Image

from damage import originals

INTEGERS = st.integers(-100, 5000) | st.sampled_from(
    [0, -1, 1, 2, 14, 28, 2**31, 2**63, 2**64, -(2**63), 10**30]
)
NUMBERS = (
    st.sampled_from(
        [0.0, -0.0, 0.5, 2.0, 1e-300, 1e300, math.inf, -math.inf, math.nan, True, False]
    )
    | st.sampled_from([np.int32(3), np.float32(2.5), np.float64("nan"), np.bool_(True)])
    | INTEGERS
    | st.floats(-10, 5000)
)
_OTHERS = st.sampled_from(
    [None, "", "2", "nan", b"2", [], {}, (), [1], {"a": 1}, object(), print, 1j, range(3), ...]
) | st.text(max_size=5)
# An array of one number is accepted as a number in places; one of several must not be.
_ARRAYS = st.sampled_from(
    [np.zeros(0), np.ones(1), np.ones(3), np.array(4), torch.tensor(3), torch.ones(2)]
)
_ANYTHING = NUMBERS | _OTHERS | _ARRAYS


def values(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw mostly valid values, so that the code behind the first check is reached too."""
    return st.one_of(usual, usual, usual, _ANYTHING)


_ADDRESSES = [
    *("missing.png", "data:image/x,a", "data:image/png;base64,####", "file:///nowhere", "\0"),
    *("http://", "http://[", "https://user:password@/?token=a"),
]
COUNTS = st.integers(1, 12)
# Most sizes are small, so that calls are quick; some exceed any memory.
PIXELS = st.one_of(
    *[st.integers(28 * 28, 28 * 28 * 30)] * 3,
    st.sampled_from([10**6, 3 * 10**8, 3e8, 1e11, 1e13, 9e15]),
)
VIDEO_KEYS: dict[str, st.SearchStrategy[Any]] = {
    "fps": st.sampled_from([0.5, 1, 2, 2.0, 5]),
    "nframes": COUNTS,
    "num_frames": COUNTS,
    "min_frames": COUNTS,
    "max_frames": COUNTS,
    "min_pixels": PIXELS,
    "max_pixels": PIXELS,
    "total_pixels": PIXELS,
    "video_total_pixels": PIXELS,
    "resized_height": st.sampled_from([28, 56, 14_000]),
    "resized_width": st.sampled_from([28, 84, 14_000]),
    "video_start": st.floats(0, 1),
    "video_end": st.floats(0.5, 2),
    "min_frame_similarity": st.floats(0, 1),
    "raw_fps": st.floats(1, 30),
    "timestamps": st.lists(st.floats(0, 2), max_size=4),
    "sample_fps": st.floats(1, 30),
}


class _File(bytes):
    """Hold the bytes of a file, which a fault report names instead of printing."""

    name: str

    def __repr__(self) -> str:
        return f"<{self.name}>"


def _file(name: str) -> _File:
    file = _File(originals()[name])
    file.name = name
    return file


def media() -> tuple[st.SearchStrategy[Any], st.SearchStrategy[Any]]:
    """Return good and bad images and videos, small enough for quick calls."""
    picture = Image.fromarray(np.arange(60 * 80 * 3, dtype=np.uint8).reshape(60, 80, 3))
    images = st.sampled_from(
        [picture, picture.convert("L"), picture.convert("RGBA"), _file("image.png"), b"", b"x"]
    ) | st.sampled_from([Image.new("RGB", (1, 1)), Image.new("RGB", (400, 1)), *_ADDRESSES])
    frames = st.lists(images, max_size=4)
    arrays = st.sampled_from([np.uint8, np.float32, np.int64, bool]).flatmap(
        lambda dtype: st.tuples(*[st.sampled_from([0, 1, 2, 3, 30, 56])] * 4).map(
            lambda shape: np.zeros(shape, dtype)
        )
    )
    videos = (
        st.sampled_from([_file("h264.mp4"), _file("mpeg4.avi"), "missing.mp4", b"", "file://", "."])
        | frames
        | arrays
        | arrays.map(torch.from_numpy)
    )
    return images, videos


def conversations() -> st.SearchStrategy[Any]:
    images, videos = media()
    keys = {key: values(usual) for key, usual in VIDEO_KEYS.items()}
    image = st.fixed_dictionaries(
        {"type": st.just("image")}, optional={"image": values(images), **keys}
    ) | st.fixed_dictionaries(
        {"type": st.just("image_url")},
        optional={"image_url": values(images | st.fixed_dictionaries({"url": values(images)}))},
    )
    video = st.fixed_dictionaries(
        {"type": st.just("video"), "video": values(videos)}, optional=keys
    )
    text = st.fixed_dictionaries({"type": st.just("text")}, optional={"text": values(st.text())})
    content = values(st.lists(values(image | video | text), max_size=3) | st.text())
    message = st.fixed_dictionaries(
        {}, optional={"role": values(st.sampled_from(["user", "system"])), "content": content}
    )
    messages = st.lists(values(message), max_size=3)
    return values(messages | st.lists(messages, max_size=2))


def arguments(**usual: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={key: values(v) for key, v in usual.items()})
