"""Test for every codec that packets are skipped without changing a frame.

The reference is PyAV decoding everything in order. The conversion to RGB is tested elsewhere.
"""

from __future__ import annotations

import io

import numpy as np
import pytest

from keye_vl_rs._decoding import decoder
from keye_vl_rs._decoding.container import open_video
from keye_vl_rs._decoding.packets import list_packets
from keye_vl_rs._media.deadline import Deadline
from keye_vl_rs._sampling.video import sample_video
from keye_vl_rs.limits import Limits
from support import clips
from support.clips import decode_all_as_rgb, every, pixels
from support.codec_clips import CASES, COUNT, GOP, INTRA_ONLY, x264

pytestmark = pytest.mark.without_pixels

PATTERNS = {
    "sparse": [3, 35, 70, 95],
    "every 12th": list(range(0, COUNT, 12)),
    "last": [95],
    "middle": [50],
    # Before and after key frames, where the leading pictures of an open GOP are.
    "around": [22, 23, 24, 25, 46, 47, 48, 49],
    "late": [21, 45, 69, 93],
    "first": [0],
    "neighbours": [30, 31, 32],
}


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.clip.name)
def case(request, folder):
    path = request.param.clip.write(folder)
    expected = decode_all_as_rgb(path)
    assert len(expected) == COUNT
    return request.param, path, expected


def sample(path, places, **options):
    return sample_video(path, lambda total, fps: places, **options)


def packets_up_to(path, places):
    """Return how many packets a decoder needs, in order, until it has those frames."""
    with open_video(str(path), "clip", Deadline("clip"), Limits()) as (container, stream):
        table = list_packets((packet for packet in container.demux(stream) if packet.size), stream)
    order = np.argsort(table.pts)
    return 1 + max(order[place] for place in places)


def packets_in_groups(path, places):
    """Return how many packets there are from the key frame before each of those frames up to it."""
    with open_video(str(path), "clip", Deadline("clip"), Limits()) as (container, stream):
        table = list_packets((packet for packet in container.demux(stream) if packet.size), stream)
    order = np.argsort(table.pts)
    targets = sorted(int(order[place]) for place in places)
    starts = [max(start for start in table.access if start <= target) for target in targets]
    groups = dict(zip(starts, targets, strict=True))
    return sum(last - start + 1 for start, last in groups.items())


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("threads", [1, 3])
def test_frames_are_those_of_all_packets(pattern, threads, case):
    _, path, expected = case
    places = PATTERNS[pattern]
    sampled = sample(path, places, threads=threads)
    assert sampled.total_frames == COUNT
    np.testing.assert_array_equal(pixels(sampled), expected[places])


def test_all_frames_are_those_of_all_packets(case):
    _, path, expected = case
    np.testing.assert_array_equal(pixels(sample_video(path, every)), expected)


def test_packets_are_spared(case):
    one, path, _ = case
    for pattern in ("sparse", "late"):
        places = PATTERNS[pattern]
        counts = sample(path, places).counts
        assert counts.packets == COUNT
        if one.drops or one.restarts or one.clip.codec in INTRA_ONLY:
            assert counts.decoded < packets_up_to(path, places)
        else:
            assert counts.decoded == packets_up_to(path, places)


def test_pictures_that_no_other_needs_are_spared_within_a_group(case):
    one, path, _ = case
    if "intra" in one.clip.name:
        pytest.skip("groups of one")
    # All in the first group of pictures.
    places = [0, 10]
    counts = sample(path, places).counts
    needed = packets_up_to(path, places)
    assert (counts.decoded < needed) == (one.drops or one.clip.codec in INTRA_ONLY)


def test_decoding_starts_at_a_late_key_frame(case):
    one, path, _ = case
    if not one.restarts or one.clip.codec in INTRA_ONLY:
        pytest.skip("there is none, or each is one")
    counts = sample(path, [90]).counts
    assert counts.restarts == 1
    assert counts.decoded <= 30


@pytest.mark.parametrize("source", ["path", "bytes", "file"])
@pytest.mark.parametrize("name", ["e_open.mp4", "e_open_8.mkv", "e_hevc_open.mp4", "e_vp9.webm"])
def test_jumps_in_the_file_change_nothing(name, source, folder, monkeypatch):
    monkeypatch.setattr(decoder, "_SEEK_BYTES", 0)
    path = folder / name
    if not path.exists():
        next(case for case in CASES if case.clip.name == name).clip.write(folder)
    expected = decode_all_as_rgb(path)
    for places in PATTERNS.values():
        media = {"path": path, "bytes": path.read_bytes(), "file": io.BytesIO(path.read_bytes())}
        sampled = sample(media[source], places)
        np.testing.assert_array_equal(pixels(sampled), expected[places])
        assert sampled.counts.seeks > 0 or places[0] < 24


def test_a_trimmed_file(folder):
    plain = CASES[2].clip.write(folder)
    path = clips.hide_first(plain, folder / "e_trimmed.mp4", 30 * 512)
    expected = decode_all_as_rgb(plain)[30:]
    for places in ([0, 1, 2], [5, 40], [65]):
        sampled = sample(path, places)
        assert sampled.total_frames == COUNT - 30
        np.testing.assert_array_equal(pixels(sampled), expected[places])


@pytest.mark.parametrize("name", ["e_ts.ts"])
def test_fields_in_packets_of_their_own_are_not_torn_apart(name, folder):
    # These codecs may split a frame into two packets, of which only one is disposable.
    clip = x264(f"tff_{name}", f"{GOP}:bframes=3:b-adapt=0:tff=1")
    path = clip.write(folder)
    expected = decode_all_as_rgb(path)
    sampled = sample(path, PATTERNS["sparse"])
    np.testing.assert_array_equal(pixels(sampled), expected[PATTERNS["sparse"]])
    # Apart from restarts, every packet up to the last one needed is decoded.
    assert sampled.counts.decoded >= packets_in_groups(path, PATTERNS["sparse"])


def test_parts_with_other_parameters(folder):
    parts = [
        x264(f"part{i}.ts", f"{GOP}:bframes=3:b-adapt=0:{more}").write(folder).read_bytes()
        for i, more in enumerate(["ref=1:cabac=0", "ref=4:weightp=0"])
    ]
    path = folder / "e_parts.ts"
    path.write_bytes(b"".join(parts))
    expected = decode_all_as_rgb(path)
    for places in ([0, 50, len(expected) - 1], [len(expected) - 20]):
        np.testing.assert_array_equal(pixels(sample(path, places)), expected[places])
