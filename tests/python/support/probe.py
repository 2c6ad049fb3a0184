"""Compare what probe_video says about a video with what preprocess_video returns."""

from __future__ import annotations

import warnings
from dataclasses import asdict

from keye_vl_rs import count_tokens, preprocess_video, probe_video
from keye_vl_rs.errors import PartialVideoWarning

# Codecs that are decoded with threads, so that each packet is decoded once. With others, the first
# packet is decoded again for each start at a key frame.
FAST = ("av1", "h264", "hevc", "vp9")
# Formats of which the last frames are decoded, too.
WITHOUT_END = ("h264", "hevc", "mpeg", "obu")


def assert_like_preprocess(path, probe=None, **options):
    """Assert that the exact fields are equal and that bounds hold, and return the probe."""
    probe = probe or probe_video(path, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PartialVideoWarning)
        inputs = preprocess_video(path, threads=1, **options)
        assert count_tokens(path, **options) == inputs.tokens
    assert probe.size == inputs.size
    assert (probe.fps, probe.duration) == (inputs.fps, inputs.duration)
    assert probe.total_frames == inputs.total_frames
    assert probe.sampled_frames == len(inputs.frame_types) == len(probe.indices)
    assert list(probe.timestamps) == inputs.timestamps.tolist()
    assert probe.timestamp_kind == inputs.timestamp_kind
    assert probe.min_tokens <= inputs.tokens <= probe.max_tokens
    assert probe.min_bytes <= inputs.pixel_values_videos.nbytes <= probe.max_bytes
    if probe.tokens is not None:
        assert probe.tokens == inputs.tokens
    if inputs.slow_frames == 1:
        assert probe.fast_tokens == inputs.tokens
        assert probe.fast_sizes == (inputs.slow_size, inputs.fast_size)
    if inputs.slow_frames == len(inputs.frame_types):
        assert (probe.slow_size, probe.slow_tokens) == (inputs.slow_size, inputs.tokens)
    assert probe.packets == inputs.counts.packets
    if "packets_needed" not in probe.estimated:
        assert probe.packets_needed <= inputs.counts.decoded
        if probe.codec in FAST and probe.container not in WITHOUT_END:
            assert probe.packets_needed == inputs.counts.decoded
    assert probe.damage == inputs.damage
    return probe


def _whatever_the_source(probe):
    """Return all that a probe says, except for what depends on how the file was read."""
    fields = asdict(probe)
    del fields["name"], fields["packets_needed"], fields["estimated"]
    return fields


def assert_probed(served, path):
    """Assert that a served file is probed like the local one, and return the probe."""
    probe, local = probe_video(served.url), probe_video(path)
    assert _whatever_the_source(probe) == _whatever_the_source(local)
    return probe
