"""Provide two threads per side of a comparison, sampled clips, and the notes of a run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

THREADS = 2
# Set before torch or OpenCV is imported, because it determines the size of their thread pools.
os.environ["OMP_NUM_THREADS"] = str(THREADS)
os.environ["KEYE_VL_UTILS_PARALLEL_NUM"] = str(THREADS)

import torch  # noqa: E402

from keye_vl_rs import vision_process  # noqa: E402

torch.set_num_threads(THREADS)


@dataclass
class Sampled:
    """Hold a clip's sampled frames, and what the processor needs to know about them."""

    name: str
    frames: torch.Tensor
    kwargs: dict

    @property
    def processor_kwargs(self):
        """Return the arguments as ``process_vision_info`` returns them, one list per name."""
        return {key: [value] for key, value in self.kwargs.items()}


def sample(name: str, path: Path, fps: float = 2.0, max_frames: int | None = None) -> Sampled:
    """Decode and sample a clip like ``process_vision_info``."""
    ele = {"video": str(path), "fps": fps}
    if max_frames is not None:
        ele["max_frames"] = max_frames
    return Sampled(name, *vision_process.fetch_video(ele))


def record(benchmark, reference_s):
    """Record what a benchmark is compared with, and the ratio."""
    benchmark.extra_info["reference_s"] = reference_s
    benchmark.extra_info["ratio"] = reference_s / benchmark.stats.stats.median
