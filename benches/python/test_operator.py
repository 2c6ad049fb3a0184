"""Time the fused operator alone: against a memory copy, and by threads, callers and frames."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

import bench_clips
from keye_vl_rs._patches.tensors import empty_patches, video_patches
from side_by_side import THREADS, record, sample

CLIPS = {"720p": bench_clips.clip_720p, "1080p": bench_clips.clip_1080p}
COPIED_BYTES = 256 << 20


@pytest.fixture(scope="module", params=CLIPS)
def clip(request):
    return sample(request.param, CLIPS[request.param]())


def arguments(clip, frames=slice(None)):
    kwargs = clip.kwargs
    return (
        clip.frames[frames],
        kwargs["frame_types"][frames],
        (kwargs["height"], kwargs["width"]),
        (kwargs["fast_height"], kwargs["fast_width"]),
    )


def median_s(call, rounds=7):
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def bytes_per_second():
    """Return the speed, read plus written, of copying data far larger than the cache."""
    source = torch.zeros(COPIED_BYTES, dtype=torch.uint8)
    target = torch.zeros(COPIED_BYTES, dtype=torch.uint8)
    return 2 * COPIED_BYTES / median_s(lambda: target.copy_(source))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_floor_over_ours(clip, dtype, benchmark):
    """The reference is the floor: the time to copy as many bytes as the operator moves."""
    call = arguments(clip)
    out = empty_patches(len(video_patches(*call)), dtype=dtype)
    benchmark.pedantic(lambda: video_patches(*call, out=out), rounds=15, warmup_rounds=2)
    moved = clip.frames.numel() + out.numel() * out.element_size()
    record(benchmark, moved / bytes_per_second())


def test_float32_over_bfloat16(clip, versus):
    call = arguments(clip)
    versus(
        lambda: video_patches(*call, dtype=torch.bfloat16), lambda: video_patches(*call), rounds=15
    )


def test_one_thread_over_two(clip, monkeypatch, versus):
    call = arguments(clip)
    out = empty_patches(len(video_patches(*call)))

    def run(threads):
        monkeypatch.setenv("KEYE_VL_UTILS_PARALLEL_NUM", str(threads))
        return video_patches(*call, out=out)

    versus(lambda: run(THREADS), lambda: run(1), rounds=15)


def test_eight_in_turn_over_eight_at_once(clip, versus):
    call = arguments(clip, slice(0, 15))
    outs = [empty_patches(len(video_patches(*call))) for _ in range(8)]

    def one(out):
        return video_patches(*call, out=out)

    with ThreadPoolExecutor(len(outs)) as callers:
        versus(lambda: list(callers.map(one, outs)), lambda: [one(out) for out in outs], rounds=15)


@pytest.mark.parametrize("count", [64, 512, 1365])
def test_eight_frames_over_one_of_many(count, benchmark):
    """Per frame: the reference is the time of one of eight frames, ours of one of ``count``."""
    clip = sample("640x272", bench_clips.source("bikes"), fps=25.0)
    frames, size = clip.frames, (280, 644)

    def per_frame(count):
        chosen = frames[torch.arange(count) % len(frames)]
        out = empty_patches(len(video_patches(chosen, None, size, size)))
        return lambda: video_patches(chosen, None, size, size, out=out)

    eight, many = per_frame(8), per_frame(count)
    reference = median_s(eight, 31) / 8 * count
    benchmark.pedantic(many, rounds=7, warmup_rounds=1)
    record(benchmark, reference)
