"""Time the way from a file to tensors for the published code and ours, and the decoding part of it.

Each case first asserts that all outputs are equal, bit for bit. Both sides decode with three
threads, FFmpeg's default for two cores, and compute with two.
"""

from __future__ import annotations

import sys

import pytest
import torch

import bench_clips
from keye_vl_rs import preprocess_video, probe_video, vision_process
from keye_vl_rs._media.deadline import Deadline
from keye_vl_rs._sampling.indices import frame_indices
from keye_vl_rs._sampling.reading import open_reader
from support.memory import peak_memory
from support.preprocess import published_inputs
from support.vision_process import reference

# A clip, its sampling options, and how often each side runs.
CASES = {
    "1080p 60 s at fps=2": (bench_clips.clip_1080p, {"fps": 2.0}, 5),
    "720p 60 s, 64 frames": (bench_clips.clip_720p, {"fps": 2.0, "max_frames": 64}, 5),
    "1080p 10 min, 64 frames": (bench_clips.clip_10_minutes, {"fps": 2.0, "max_frames": 64}, 3),
}
DECODED = ["1080p 60 s at fps=2", "720p 60 s, 64 frames"]


@pytest.fixture(params=CASES, ids=str)
def case(request):
    clip, options, rounds = CASES[request.param]
    return str(clip()), options, rounds


def test_file_to_tensors(case, versus):
    path, options, rounds = case

    def ours():
        inputs = preprocess_video(path, **options)
        return inputs.pixel_values_videos, inputs.video_grid_thw, inputs.prompt()

    def published():
        return published_inputs(*reference.fetch_video({"video": path, **options}))

    for actual, expected in zip(ours(), published(), strict=True):
        same = torch.equal if isinstance(expected, torch.Tensor) else str.__eq__
        assert same(actual, expected)
    versus(ours, published, rounds)


@pytest.mark.parametrize("name", DECODED)
def test_whole_call_over_decoding_alone(name, versus):
    """The reference only decodes the same packets, with the same decoder settings."""
    clip, options, rounds = CASES[name]
    path = str(clip())

    def choose(timeline):
        count = vision_process.smart_nframes(options, timeline.count, timeline.fps)
        return frame_indices(timeline.count, count).tolist()

    def decode():
        with open_reader(path, deadline=Deadline(path), threads=None, on_error="raise") as reader:
            frames = reader.read(choose, lambda _, wanted, read: sum(1 for _ in read(wanted)))
            return frames, reader.file.counts

    inputs = preprocess_video(path, **options)
    frames, counts = decode()
    assert frames == len(inputs.frame_types)
    assert counts.decoded == inputs.counts.decoded
    versus(lambda: preprocess_video(path, **options), decode, rounds + 4)


def test_probe_over_the_whole_call(case, versus):
    """The reference preprocesses the same video, with the same options."""
    path, options, rounds = case
    probe, inputs = probe_video(path, **options), preprocess_video(path, **options)
    assert probe.sampled_frames == len(inputs.frame_types)
    assert probe.min_tokens <= inputs.tokens <= probe.max_tokens
    versus(lambda: probe_video(path, **options), lambda: preprocess_video(path, **options), rounds)


def test_peak_memory(benchmark):
    """Measured on 10 minutes of 1080p at fps=2, in a process of its own."""
    if not sys.platform.startswith("linux"):
        pytest.skip("memory is read from /proc")
    clips = bench_clips.source("bikes"), bench_clips.clip_10_minutes()
    megabytes, frames = benchmark.pedantic(lambda: peak_memory(*clips, fps=2), rounds=1)
    assert frames == 1200
    benchmark.extra_info["megabytes"] = megabytes
