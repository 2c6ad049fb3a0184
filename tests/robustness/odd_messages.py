"""Messages and arguments that nobody would write: each call gives a result or an error of this
package's own, whose text names what is wrong, within a time and within a memory that limits keep it
from exceeding.

    PYTHONPATH=tests/python python tests/robustness/odd_messages.py --seconds 60
"""

from __future__ import annotations

import argparse
import faulthandler
import math
import os
import resource
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from PIL import Image

import keye_vl_rs
from damage import originals
from keye_vl_rs import preview, vision_process
from keye_vl_rs.errors import KeyeVLError, OutOfMemoryError

_INTEGERS = st.integers(-100, 5000) | st.sampled_from(
    [0, -1, 1, 2, 14, 28, 2**31, 2**63, 2**64, -(2**63), 10**30]
)
_NUMBERS = (
    st.sampled_from(
        [0.0, -0.0, 0.5, 2.0, 1e-300, 1e300, math.inf, -math.inf, math.nan, True, False]
    )
    | st.sampled_from([np.int32(3), np.float32(2.5), np.float64("nan"), np.bool_(True)])
    | _INTEGERS
    | st.floats(-10, 5000)
)
_OTHERS = st.sampled_from(
    [None, "", "2", "nan", b"2", [], {}, (), [1], {"a": 1}, object(), print, 1j, range(3), ...]
) | st.text(max_size=5)
# An array of one number counts as one in places, and one of many must not.
_ARRAYS = st.sampled_from(
    [np.zeros(0), np.ones(1), np.ones(3), np.array(4), torch.tensor(3), torch.ones(2)]
)
_ANYTHING = _NUMBERS | _OTHERS | _ARRAYS


# Of a report of faults, whose end has the smallest input.
_MOST_TEXT = 4000
# What a call may take, in seconds and in bytes of address space beyond what is mapped before it.
# Limits under which none needs as much hold meanwhile: memory that is not had is a fault then.
CALL_SECONDS = 30
CALL_BYTES = 1 << 30
LIMITS = {
    "KEYE_VL_RS_MAX_RESIZED_PIXELS": "1e6",
    "KEYE_VL_RS_MAX_RESIZED_VIDEO_PIXELS": "4e6",
}
# Calls between two looks at the clock.
_ROUND = 200
_WARM_UP = 50


def _values(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly what belongs there, so that what comes behind is reached too."""
    return st.one_of(usual, usual, usual, _ANYTHING)


_ADDRESSES = [
    *("missing.png", "data:image/x,a", "data:image/png;base64,####", "file:///nowhere", "\0"),
    *("http://", "http://[", "https://user:password@/?token=a"),
]
_COUNTS = st.integers(1, 12)
# Most of them small, so that calls take no time, and some that no memory holds.
_PIXELS = st.one_of(
    *[st.integers(28 * 28, 28 * 28 * 30)] * 3,
    st.sampled_from([10**6, 3 * 10**8, 3e8, 1e11, 1e13, 9e15]),
)
_VIDEO_KEYS: dict[str, st.SearchStrategy[Any]] = {
    "fps": st.sampled_from([0.5, 1, 2, 2.0, 5]),
    "nframes": _COUNTS,
    "num_frames": _COUNTS,
    "min_frames": _COUNTS,
    "max_frames": _COUNTS,
    "min_pixels": _PIXELS,
    "max_pixels": _PIXELS,
    "total_pixels": _PIXELS,
    "video_total_pixels": _PIXELS,
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
    """Bytes of a file that a report of a fault names instead of printing."""

    name: str

    def __repr__(self) -> str:
        return f"<{self.name}>"


def _file(name: str) -> _File:
    file = _File(originals()[name])
    file.name = name
    return file


def _media() -> tuple[st.SearchStrategy[Any], st.SearchStrategy[Any]]:
    """Images and videos, good ones and others, small enough that calls take no time."""
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


def _conversations() -> st.SearchStrategy[Any]:
    images, videos = _media()
    keys = {key: _values(usual) for key, usual in _VIDEO_KEYS.items()}
    image = st.fixed_dictionaries(
        {"type": st.just("image")}, optional={"image": _values(images), **keys}
    ) | st.fixed_dictionaries(
        {"type": st.just("image_url")},
        optional={"image_url": _values(images | st.fixed_dictionaries({"url": _values(images)}))},
    )
    video = st.fixed_dictionaries(
        {"type": st.just("video"), "video": _values(videos)}, optional=keys
    )
    text = st.fixed_dictionaries({"type": st.just("text")}, optional={"text": _values(st.text())})
    content = _values(st.lists(_values(image | video | text), max_size=3) | st.text())
    message = st.fixed_dictionaries(
        {}, optional={"role": _values(st.sampled_from(["user", "system"])), "content": content}
    )
    messages = st.lists(_values(message), max_size=3)
    return _values(messages | st.lists(messages, max_size=2))


def _arguments(**usual: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={key: _values(v) for key, v in usual.items()})


def _process_vision_info(conversations: Any, module: Any, options: dict[str, Any]) -> None:
    module.process_vision_info(conversations, **options)


def _preprocess_video(video: Any, options: dict[str, Any]) -> None:
    keye_vl_rs.preprocess_video(video, **options)


def _to_openai_messages(conversation: Any, options: dict[str, Any]) -> None:
    keye_vl_rs.to_openai_messages(conversation, **options)


def targets() -> dict[str, tuple[Callable[..., None], dict[str, st.SearchStrategy[Any]]]]:
    """What is called, by name, and with what."""
    _, videos = _media()
    video_options = _arguments(
        fps=_VIDEO_KEYS["fps"],
        max_frames=_COUNTS,
        nframes=_COUNTS,
        min_pixels=_PIXELS,
        max_pixels=_PIXELS,
        video_total_pixels=_PIXELS,
        min_frame_similarity=st.floats(0, 1),
        video_start=st.floats(0, 1),
        video_end=st.floats(0.5, 2),
        image_mean=st.lists(st.floats(0, 1), min_size=3, max_size=3),
        image_std=st.lists(st.floats(0.1, 1), min_size=3, max_size=3),
        dtype=st.sampled_from([torch.float32, torch.bfloat16, torch.float16]),
        threads=st.integers(1, 3),
        buffer_bytes=st.integers(0, 10**6),
        timeout=st.floats(5, 20),
        on_error=st.sampled_from(["raise", "partial"]),
        limits=st.just(keye_vl_rs.Limits()),
    )
    return {
        "preprocess_video": (
            _preprocess_video,
            {"video": _values(videos), "options": video_options},
        ),
        "process_vision_info": (
            _process_vision_info,
            {
                "conversations": _conversations(),
                "module": st.sampled_from([keye_vl_rs, preview]),
                "options": _arguments(limits=st.just(keye_vl_rs.Limits())),
            },
        ),
        "to_openai_messages": (
            _to_openai_messages,
            {
                "conversation": _conversations(),
                "options": _arguments(
                    quality=st.integers(1, 100),
                    image_format=st.sampled_from(["png", "jpeg"]),
                    frame_format=st.sampled_from(["png", "jpeg"]),
                    model=st.sampled_from(["Keye-VL-1.5", "Keye-VL-8B-Preview"]),
                ),
            },
        ),
        "sizes": (
            vision_process.smart_resize,
            {
                **dict.fromkeys(["height", "width"], _INTEGERS),
                **dict.fromkeys(["min_pixels", "max_pixels"], _PIXELS | _NUMBERS),
            },
        ),
        "numbers_of_frames": (
            vision_process.smart_nframes,
            {
                "ele": _arguments(**_VIDEO_KEYS),
                "total_frames": _COUNTS,
                "video_fps": _values(st.floats(1, 60)),
            },
        ),
    }


def run(name: str, examples: int, start: int) -> None:
    """Calls a target so many times; raises with the smallest input that breaks a promise.

    Args:
        name: one of :func:`targets`.
        examples: how many.
        start: another number gives other inputs, the same one the same.
    """
    call, strategies = targets()[name]

    @seed(start)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.fixed_dictionaries(strategies))
    def promise(arguments: dict[str, Any]) -> None:
        # A call that hangs in native code ends with the process, and a traceback.
        faulthandler.dump_traceback_later(CALL_SECONDS, exit=True)
        try:
            call(**arguments)
        except OutOfMemoryError as error:
            raise AssertionError("a call asks for memory that no limit refuses") from error
        except KeyeVLError as error:
            if not str(error):
                raise AssertionError(f"{type(error)} without a word") from error
        finally:
            faulthandler.cancel_dump_traceback_later()

    promise()


@contextmanager
def bounded_memory(limits: Mapping[str, str] = LIMITS) -> Iterator[None]:
    """Let this process map no more than CALL_BYTES beyond what it has mapped, under such limits.

    What is made once for all (threads, libraries, tables) is to be there before.
    """
    with open("/proc/self/statm") as file:
        mapped = int(file.read().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    environment = {name: os.environ.get(name) for name in limits}
    os.environ.update(limits)
    resource.setrlimit(resource.RLIMIT_AS, (mapped + CALL_BYTES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
        for name, value in environment.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def main() -> int:
    """The program; 1 where there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=0, help="how long each target runs")
    parser.add_argument("--calls", type=int, default=0, help="instead: how many calls of each")
    parser.add_argument("--first", type=int, default=0, help="where inputs start")
    parser.add_argument("--only", choices=sorted(targets()), help="one target instead of all")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    failed = False
    for name in [options.only] if options.only else targets():
        started = time.monotonic()
        rounds = made = 0
        try:
            # Once before: what a first call loads stays.
            run(name, _WARM_UP, options.first)
            with bounded_memory():
                while time.monotonic() - started < options.seconds or made < options.calls:
                    calls = min(_ROUND, options.calls - made) if options.calls else _ROUND
                    run(name, calls, options.first + rounds)
                    made += calls
                    rounds += 1
        except Exception:
            print(traceback.format_exc()[-_MOST_TEXT:], file=sys.stderr)
            failed = True
        seconds = time.monotonic() - started
        print(f"{name}: {made:,} calls in {seconds:.0f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
