"""Two threads on each side of a comparison, sampled clips, and what is noted of a run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

THREADS = 2
# Before torch or OpenCV is imported: their pools are as large as this says.
os.environ["OMP_NUM_THREADS"] = str(THREADS)
os.environ["KEYE_VL_UTILS_PARALLEL_NUM"] = str(THREADS)

import torch  # noqa: E402

from keye_vl_rs import vision_process  # noqa: E402

torch.set_num_threads(THREADS)


@dataclass
class Sampled:
    """A clip's sampled frames and what the processor needs to know of them."""

    name: str
    frames: torch.Tensor
    kwargs: dict

    @property
    def processor_kwargs(self):
        """As ``process_vision_info`` gives them: a list per name."""
        return {key: [value] for key, value in self.kwargs.items()}


def sample(name: str, path: Path, fps: float = 2.0, max_frames: int | None = None) -> Sampled:
    """Decode a clip as ``process_vision_info`` does."""
    ele = {"video": str(path), "fps": fps}
    if max_frames is not None:
        ele["max_frames"] = max_frames
    return Sampled(name, *vision_process.fetch_video(ele))


def record(benchmark, reference_s):
    """Note what a benchmark is compared with, and the ratio."""
    benchmark.extra_info["reference_s"] = reference_s
    benchmark.extra_info["ratio"] = reference_s / benchmark.stats.stats.median
