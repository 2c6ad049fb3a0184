"""Run one long call per stage of the library, in processes that can be interrupted.

Each call would take many seconds at the slowest SIMD level, or waits for something that never
arrives.
"""

from __future__ import annotations

import io
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support import forked

# Twenty seconds of work, so that no call ends by itself while the machine is busy elsewhere.
_FRAMES = 12_000
# An image of 30 million pixels, in the folder of the clip.
IMAGE = "noise.jpg"


class _SlowFile(io.BytesIO):
    """Read slowly, a few bytes at a time, like a file on a slow device."""

    def read(self, size: int = -1) -> bytes:
        time.sleep(0.05)
        return super().read(min(size, 200) if size > 0 else 200)

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _reading(clip: str, address: str) -> Callable[[], Any]:
    import keye_vl_rs

    file = _SlowFile(Path(clip).read_bytes())
    return lambda: keye_vl_rs.preprocess_video(file)


def _decoding(clip: str, address: str) -> Callable[[], Any]:
    """Decode all frames of a clip whose conversion to RGB is slowed down."""
    from keye_vl_rs._decoding import rgb
    from keye_vl_rs._sampling.video import sample_video

    convert = rgb.RgbConverter.convert

    def slow(*args: Any, **options: Any) -> Any:
        time.sleep(0.2)
        return convert(*args, **options)

    rgb.RgbConverter.convert = slow  # type: ignore[method-assign]
    return lambda: sample_video(clip, lambda total, fps: list(range(total)))


def _frames() -> Any:
    """Return many 720p frames that share the same memory."""
    import torch

    return torch.zeros(1, 3, 720, 1280, dtype=torch.uint8).expand(_FRAMES, -1, -1, -1)


def _slow_fast(clip: str, address: str) -> Callable[[], Any]:
    import keye_vl_rs

    frames = _frames()
    return lambda: keye_vl_rs.extract_slow_fast_frames(frames)


def _patches(clip: str, address: str) -> Callable[[], Any]:
    import numpy as np

    from keye_vl_rs import _core

    frames = _frames().permute(0, 2, 3, 1).numpy()
    out = np.empty(_FRAMES * 16 * 588, np.float32)
    numbers = {"rescale_factor": 1 / 255, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    size = (56, 56)
    return lambda: _core.write_patches(frames, None, size, size, out, patch_size=14, **numbers)


def _resizing(clip: str, address: str) -> Callable[[], Any]:
    from keye_vl_rs import _core

    frames = _frames().permute(0, 2, 3, 1).numpy()
    return lambda: _core.resize(frames, 56, 56)


def _preview(clip: str, address: str) -> Callable[[], Any]:
    """Process frames of Keye-VL-8B-Preview, which torch resizes."""
    from keye_vl_rs._patches.float_frames import resize_frames

    frames = _frames()
    return lambda: resize_frames(frames, (28, 28))


def _images(clip: str, address: str) -> Callable[[], Any]:
    import keye_vl_rs

    message = {"type": "image", "image": Path(clip).with_name(IMAGE).read_bytes()}
    return lambda: keye_vl_rs.process_vision_info([{"role": "user", "content": [message] * 60}])


def _one_image(clip: str, address: str) -> Callable[[], Any]:
    """Decode, convert and resize one image on the main thread."""
    os.environ["KEYE_VL_UTILS_PARALLEL_NUM"] = "1"
    return _images(clip, address)


def _fetching(clip: str, address: str) -> Callable[[], Any]:
    import keye_vl_rs

    os.environ["KEYE_VL_RS_ALLOW_PRIVATE_ADDRESSES"] = "1"
    return lambda: keye_vl_rs.preprocess_video(address)


STAGES: dict[str, Callable[[str, str], Callable[[], Any]]] = {
    "reading": _reading,
    "decoding": _decoding,
    "slow_fast": _slow_fast,
    "patches": _patches,
    "resizing": _resizing,
    "preview": _preview,
    "images": _images,
    "one_image": _one_image,
    "fetching": _fetching,
}


def start(stage: str, clip: str, address: str, environment: dict[str, str], pipe: Any) -> Any:
    """Start a process that runs a stage; it sends "begins", and then how the stage ended."""
    return forked.start(_run, stage, clip, address, environment, pipe)


def _run(stage: str, clip: str, address: str, environment: dict[str, str], pipe: Any) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.update(environment)
    call = STAGES[stage](clip, address)
    pipe.send("begins")
    try:
        call()
    except KeyboardInterrupt:
        pipe.send("interrupted")
    except BaseException as error:
        pipe.send(f"{type(error).__name__}: {error}")
    else:
        pipe.send("ended by itself")
    # Not a normal exit, which would wait for the threads of thread pools.
    os._exit(0)
