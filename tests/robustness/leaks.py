"""Read many good and bad videos and images in one process: no memory, file or thread may leak.

    PYTHONPATH=tests/python python tests/robustness/leaks.py --items 2000
    PYTHONPATH=tests/python python tests/robustness/leaks.py --items 2000 --failing

Resident memory is read after each round of items, and the minimum over a few rounds counts, because
the allocator keeps freed memory for a while. The number of descriptors and threads must not change.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import os
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

import keye_vl_rs
from damage import case
from keye_vl_rs import preview
from keye_vl_rs.errors import KeyeVLError
from support.clips import Clip, picture
from support.processor import PROCESSOR, TEXT

# Items to run before measuring: the first ones load modules, start pools and fill caches.
WARM_UP = 200
MOST_GROWTH = 0.02
_ROUND = 20
_OPTIONS: dict[str, Any] = {"fps": 5, "max_pixels": 28 * 28 * 12}


@dataclass(frozen=True)
class Held:
    """Count what a process holds."""

    resident: int
    descriptors: int
    threads: int

    @classmethod
    def now(cls) -> Held:
        """Return what this process holds now."""
        status = Path("/proc/self/status").read_text()
        kilobytes = int(status.partition("VmRSS:")[2].split()[0])
        threads = len(os.listdir("/proc/self/task"))
        return cls(kilobytes << 10, len(os.listdir("/proc/self/fd")), threads)


@dataclass(frozen=True)
class Growth:
    """Compare the state after the warm-up with that at the end."""

    items: int
    before: Held
    after: Held

    @property
    def share(self) -> float:
        """Return the growth of resident memory as a share."""
        return self.after.resident / self.before.resident - 1

    @property
    def faults(self) -> list[str]:
        """Return what grew."""
        grown = [
            f"{name} grew from {getattr(self.before, name)} to {getattr(self.after, name)}"
            for name in ("descriptors", "threads")
            if getattr(self.after, name) > getattr(self.before, name)
        ]
        if self.share >= MOST_GROWTH:
            grown.append(f"resident memory grew by {self.share:.1%}")
        return grown

    def __str__(self) -> str:
        """Return one line."""
        before, after = self.before, self.after
        return (
            f"{self.items:,} items: resident memory {before.resident / 2**20:.1f} MiB -> "
            f"{after.resident / 2**20:.1f} MiB ({self.share:+.2%}), descriptors "
            f"{before.descriptors} -> {after.descriptors}, threads {before.threads} -> "
            f"{after.threads}"
        )


def good(folder: Path) -> Iterator[Callable[[], Any]]:
    """Return calls that succeed, through every way of reading, over and over."""
    clips = [
        str(clip.write(folder))
        for clip in (
            Clip("a.mp4", width=320, height=240, count=30),
            Clip("b.mkv", width=240, height=320, count=50),
            Clip("c.avi", codec="mpeg4", width=160, height=120, count=30),
        )
    ]
    image = folder / "image.png"
    Image.fromarray(picture(400, 300, 1)).save(image)

    def processed(clip: str) -> Any:
        message = {"role": "user", "content": [{"type": "video", "video": clip, **_OPTIONS}]}
        _, videos, kwargs = keye_vl_rs.process_vision_info([message])
        return PROCESSOR(text=[TEXT], videos=videos, return_tensors="pt", **kwargs)

    def with_an_image(clip: str) -> Any:
        video = {"type": "video", "video": clip, **_OPTIONS}
        content = [{"type": "image", "image": str(image)}, video]
        return preview.process_vision_info([{"role": "user", "content": content}])

    ways: list[Callable[[str], Any]] = [
        lambda clip: keye_vl_rs.preprocess_video(clip, **_OPTIONS),
        lambda clip: keye_vl_rs.preprocess_video(Path(clip).read_bytes(), **_OPTIONS),
        lambda clip: keye_vl_rs.preprocess_video(
            io.BytesIO(Path(clip).read_bytes()), timeout=60, cancel=threading.Event(), **_OPTIONS
        ),
        processed,
        with_an_image,
    ]
    for number in itertools.count():
        way, clip = ways[number % len(ways)], clips[number // len(ways) % len(clips)]
        yield lambda way=way, clip=clip: way(clip)


def failing(folder: Path) -> Iterator[Callable[[], Any]]:
    """Return calls that fail, in every way in which they can."""
    clip = str(Clip("a.mp4", width=320, height=240, count=60).write(folder))
    flag = threading.Event()
    flag.set()
    damaged = [case(number) for number in range(300)]

    def broken(number: int) -> Any:
        one = damaged[number % len(damaged)]
        content = {"type": "image" if one.is_image else "video", "video": one.data}
        if one.is_image:
            content["image"] = content.pop("video")
        return keye_vl_rs.process_vision_info([{"role": "user", "content": [content]}])

    ways: list[Callable[[int], Any]] = [
        broken,
        lambda number: keye_vl_rs.preprocess_video(clip, timeout=0.003 * (number % 7 + 1)),
        lambda number: keye_vl_rs.preprocess_video(clip, cancel=flag),
        lambda number: keye_vl_rs.preprocess_video(clip, limits=keye_vl_rs.Limits(frames=5)),
        lambda number: keye_vl_rs.preprocess_video(clip, image_std=[0, 0, 0]),
        lambda number: keye_vl_rs.preprocess_video(f"{clip}.none"),
        broken,
        lambda number: keye_vl_rs.preprocess_video("http://127.0.0.1:1/video.mp4"),
        lambda number: PROCESSOR(text=[TEXT], videos=[[]], return_tensors="pt"),
    ]

    def call(number: int) -> None:
        with contextlib.suppress(KeyeVLError):
            ways[number % len(ways)](number)

    for number in itertools.count():
        yield lambda number=number: call(number)


def measure(items: int, calls: Iterator[Callable[[], Any]], warm_up: int = WARM_UP) -> Growth:
    """Run a number of items, the first of which are a warm-up."""
    for call in itertools.islice(calls, warm_up):
        call()
    before = _least(calls)
    rest = items - warm_up - 2 * _ROUND * _ROUNDS
    for call in itertools.islice(calls, max(0, rest)):
        call()
    return Growth(items, before, _least(calls))


_ROUNDS = 5


def _least(calls: Iterator[Callable[[], Any]]) -> Held:
    """Return the minimum of each count over several rounds of items."""
    seen = []
    for _ in range(_ROUNDS):
        for call in itertools.islice(calls, _ROUND):
            call()
        # Give threads that end by themselves a moment to do so.
        time.sleep(0.05)
        seen.append(Held.now())
    return Held(
        min(held.resident for held in seen),
        min(held.descriptors for held in seen),
        min(held.threads for held in seen),
    )


def main() -> int:
    """Run the program; return 1 if something grew."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=2000)
    parser.add_argument("--failing", action="store_true", help="calls that fail")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        calls = (failing if options.failing else good)(Path(folder))
        growth = measure(options.items, calls)
    print(growth)
    for fault in growth.faults:
        print(f"FAULT: {fault}")
    return 1 if growth.faults else 0


if __name__ == "__main__":
    sys.exit(main())
