"""Compare the speed of this package with the published code's, on a user's machine and clip.

The published code is that of keye-vl-utils 1.5.2 for the slow/fast stage, and for the patches the
steps of the processor in transformers pull request 41040. Both sides run alternately in one
process, on the same frames and with the same number of threads, after a check that their results
are equal bit for bit.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import platform
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keye_vl_rs._core import __version__, simd_level, thread_count
from keye_vl_rs._patches.tensors import video_patches
from keye_vl_rs._sampling.rules import VideoRules
from keye_vl_rs._sampling.video_options import VideoOptions
from keye_vl_rs._slow_fast.plan import plan_frame_sizes
from keye_vl_rs._slow_fast.sizes import CHANNELS, PATCH_SIZE, SLOW, Size
from keye_vl_rs._slow_fast.split import split_frames
from keye_vl_rs._util.model import NORMALIZATION
from keye_vl_rs.errors import KeyeVLError

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

__all__ = ["Comparison", "compare_stages", "describe_machine", "synthetic_frames"]

# Modules that the published slow/fast stage needs; the patches need only torch and transformers.
REFERENCE_MODULES = ("keye_vl_utils", "cv2", "einops", "torchvision")
MEAN = STD = NORMALIZATION
RULES = VideoRules()


@dataclass(frozen=True)
class Comparison:
    """Hold the median times of one stage.

    Attributes:
        stage: the name of the stage.
        ours: seconds that this package takes.
        published: seconds that the published code takes; None if it is not installed.
    """

    stage: str
    ours: float
    published: float | None

    @property
    def ratio(self) -> float | None:
        """Return the published time divided by ours; None without a published time."""
        return None if self.published is None else self.published / self.ours


def synthetic_frames(count: int = 60, height: int = 720, width: int = 1280) -> torch.Tensor:
    """Return (count, 3, height, width) uint8 frames of moving patterns, with three cuts."""
    import torch
    from torch.nn import functional

    generator = torch.Generator().manual_seed(0)
    # Bright greys alternate with dark reds, whose patches differ in HSV: each cut is a slow frame.
    tiles = torch.randint(128, 256, (4, 1, 9, 16), dtype=torch.uint8, generator=generator)
    tiles = tiles.repeat(1, CHANNELS, 1, 1)
    tiles[1::2] //= 4
    tiles[1::2, 1:] = 0
    scenes = functional.interpolate(tiles, (height, width), mode="nearest").permute(0, 2, 3, 1)
    frames = torch.stack([scenes[i * 4 // count].roll(2 * i, dims=1) for i in range(count)])
    return frames.permute(0, 3, 1, 2)


def compare_stages(frames: torch.Tensor, *, threads: int, runs: int) -> list[Comparison]:
    """Time the slow/fast stage and the patches, with this package and with the published code.

    Args:
        frames: uint8 (T, 3, H, W).
        threads: threads of each side.
        runs: runs of each side, which alternate.

    Returns:
        The median times of each stage.

    Raises:
        KeyeVLError: the results of the two sides differ, which is a bug in this package.
    """
    import torch

    torch.set_num_threads(threads)
    os.environ["KEYE_VL_UTILS_PARALLEL_NUM"] = str(threads)
    frame_types = split_frames(frames, RULES.min_frame_similarity, RULES)
    slow_frames = frame_types.tolist().count(SLOW)
    size = (frames.shape[2], frames.shape[3])
    options = VideoOptions(source=frames)
    slow, fast = plan_frame_sizes(options, size, slow_frames, len(frames) - slow_frames, RULES)
    stages: dict[str, tuple[Callable[[], torch.Tensor], Callable[[], torch.Tensor] | None]] = {
        "slow/fast": (
            lambda: split_frames(frames, RULES.min_frame_similarity, RULES),
            _published_slow_fast(frames),
        ),
        "patches": (
            lambda: video_patches(frames, frame_types, slow, fast),
            lambda: published_patches(frames, frame_types, slow, fast),
        ),
    }
    return [_compare(stage, *sides, runs) for stage, sides in stages.items()]


def published_patches(
    frames: torch.Tensor, frame_types: torch.Tensor, slow_size: Size, fast_size: Size
) -> torch.Tensor:
    """Compute patches with the steps of the published processor, without its fused operator."""
    import numpy as np
    import torch
    from torch.nn import functional
    from transformers.image_transforms import normalize, rescale

    is_slow = frame_types == SLOW
    queues = []
    for mask, size in ((is_slow, slow_size), (~is_slow, fast_size)):
        chosen = frames[mask]
        if not len(chosen):
            queues.append(iter(()))
            continue
        resized = functional.interpolate(chosen, list(size), mode="bilinear", antialias=True)
        done = [normalize(rescale(frame, 1 / 255), MEAN, STD) for frame in resized.float().numpy()]
        rows, columns = size[0] // PATCH_SIZE, size[1] // PATCH_SIZE
        cut = np.array(done).reshape(-1, CHANNELS, rows, PATCH_SIZE, columns, PATCH_SIZE)
        cut = cut.transpose(0, 2, 4, 1, 3, 5).reshape(-1, CHANNELS, PATCH_SIZE, PATCH_SIZE)
        patches: list[Any] = []
        patches.extend(cut)
        queues.append(iter(torch.from_numpy(np.array(patches)).split(rows * columns)))
    return torch.cat([next(queues[0 if slow else 1]) for slow in is_slow.tolist()], dim=0)


def describe_machine() -> str:
    """Return one line about what the times depend on: versions, SIMD level, threads and CPU."""
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"keye-vl-rs {__version__}, {simd_level()}, {thread_count()} threads per side, "
        f"{cores} cores ({_cpu_name()}), torch {torch.__version__}"
    )


def _cpu_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            names = (line.partition(":")[2] for line in file if line.startswith("model name"))
            return next(names, "").strip() or platform.machine()
    except OSError:
        return platform.processor() or platform.machine()


def _published_slow_fast(frames: torch.Tensor) -> Callable[[], torch.Tensor] | None:
    if any(importlib.util.find_spec(name) is None for name in REFERENCE_MODULES):
        return None
    reference: Any = importlib.import_module("keye_vl_utils.vision_process")
    return lambda: reference.extract_slow_fast_frames(frames)


def _compare(
    stage: str,
    ours: Callable[[], torch.Tensor],
    published: Callable[[], torch.Tensor] | None,
    runs: int,
) -> Comparison:
    import torch

    result = ours()
    if published is not None and not torch.equal(result, published()):
        raise KeyeVLError(
            f"{stage}: the results differ from those of the published code, which is a bug in "
            "keye-vl-rs: please report it"
        )
    # Freed before timing, so that both sides start with the same free memory.
    del result
    times: dict[str, list[float]] = {"ours": [], "published": []}
    for _ in range(runs):
        for name, side in (("published", published), ("ours", ours)):
            if side is not None:
                started = time.perf_counter()
                # Assigned, so that the time to free the result is not measured.
                result = side()
                times[name].append(time.perf_counter() - started)
                del result
    median = {name: statistics.median(values) for name, values in times.items() if values}
    return Comparison(stage, median["ours"], median.get("published"))
