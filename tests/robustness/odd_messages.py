"""Call every entry with nonsensical messages and arguments.

Each call must return a result or raise an error of this package whose text names what is wrong,
within a time limit and within the memory that the limits allow.

    PYTHONPATH=tests/python python tests/robustness/odd_messages.py --seconds 60
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import resource
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import keye_vl_rs
from keye_vl_rs import preview, vision_process
from keye_vl_rs.errors import KeyeVLError, OutOfMemoryError
from odd_values import (
    COUNTS,
    INTEGERS,
    NUMBERS,
    PIXELS,
    VIDEO_KEYS,
    arguments,
    conversations,
    media,
    values,
)

# Characters to keep of a fault report; its end shows the smallest input.
_MOST_TEXT = 4000
# Time and memory that a call may take; memory counts as address space beyond what is mapped before
# the call. Lower limits are set meanwhile, under which no call needs that much, so that running out
# of memory is a fault.
CALL_SECONDS = 30
CALL_BYTES = 1 << 30
LIMITS = {
    "KEYE_VL_RS_MAX_RESIZED_PIXELS": "1e6",
    "KEYE_VL_RS_MAX_RESIZED_VIDEO_PIXELS": "4e6",
}
# Calls between two checks of the clock.
_ROUND = 200
_WARM_UP = 50


def _process_vision_info(conversations: Any, module: Any, options: dict[str, Any]) -> None:
    module.process_vision_info(conversations, **options)


def _preprocess_video(video: Any, options: dict[str, Any]) -> None:
    keye_vl_rs.preprocess_video(video, **options)


def _to_openai_messages(conversation: Any, options: dict[str, Any]) -> None:
    keye_vl_rs.to_openai_messages(conversation, **options)


def targets() -> dict[str, tuple[Callable[..., None], dict[str, st.SearchStrategy[Any]]]]:
    """Return the functions to call, by name, and strategies for their arguments."""
    _, videos = media()
    video_options = arguments(
        fps=VIDEO_KEYS["fps"],
        max_frames=COUNTS,
        num_frames=COUNTS,
        min_pixels=PIXELS,
        max_pixels=PIXELS,
        total_pixels=PIXELS,
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
            {"video": values(videos), "options": video_options},
        ),
        "process_vision_info": (
            _process_vision_info,
            {
                "conversations": conversations(),
                "module": st.sampled_from([keye_vl_rs, preview]),
                "options": arguments(limits=st.just(keye_vl_rs.Limits())),
            },
        ),
        "to_openai_messages": (
            _to_openai_messages,
            {
                "conversation": conversations(),
                "options": arguments(
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
                **dict.fromkeys(["height", "width"], INTEGERS),
                **dict.fromkeys(["min_pixels", "max_pixels"], PIXELS | NUMBERS),
            },
        ),
        "numbers_of_frames": (
            vision_process.smart_nframes,
            {
                "ele": arguments(**VIDEO_KEYS),
                "total_frames": COUNTS,
                "video_fps": values(st.floats(1, 60)),
            },
        ),
    }


def run(name: str, examples: int, start: int) -> None:
    """Call a target many times; raise with the smallest input that breaks a promise.

    Args:
        name: a key of :func:`targets`.
        examples: number of calls.
        start: the seed of the inputs.
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
        # A call that hangs in native code ends the process, with a traceback.
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
    """Limit the memory that this process may map to CALL_BYTES more than it has.

    Whatever is created only once (threads, libraries, tables) must exist before.
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
    """Run the program; return 1 if there was a fault."""
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
            # Called once before, because what the first call loads stays in memory.
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
