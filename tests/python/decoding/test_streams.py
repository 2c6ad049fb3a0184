"""Test that, of several video streams, the one that decord reads is read."""

from __future__ import annotations

from fractions import Fraction
from types import MappingProxyType

import numpy as np
import pytest
from PIL import Image

from keye_vl_rs._sampling.video import sample_video
from support.clips import Clip, add_stream, decord, every, open_output

pytestmark = pytest.mark.without_pixels

SMALL = Clip("", width=80, height=60)
LARGE = Clip("", width=160, height=120)
CODECS = {"webm": "libvpx", "avi": "mpeg4"}


def write(path, parts, seconds, codecs=MappingProxyType({})):
    """Write a file with streams of given sizes and rates, in the codec for each size."""
    with open_output(path) as container:
        streams = []
        for width, height, rate in parts:
            codec = codecs.get((width, height)) or CODECS.get(path.suffix[1:], "libx264")
            options = {"deadline": "realtime", "cpu-used": "8"} if codec == "libvpx" else {}
            clip = Clip(
                "",
                codec=codec,
                width=width,
                height=height,
                rate=Fraction(rate),
                options=options,
            )
            streams.append((add_stream(container, clip), clip))
        times = sorted(
            (Fraction(number, rate), place, number)
            for place, (_, _, rate) in enumerate(parts)
            for number in range(int(seconds * rate))
        )
        for _, place, number in times:
            stream, clip = streams[place]
            container.mux(stream.encode(clip.frame(number)))
        for stream, _ in streams:
            container.mux(stream.encode(None))
    return path


PREVIEW, SLOW, MAIN, SAME = (80, 60, 1), (80, 60, 5), (160, 120, 25), (120, 80, 25)


@pytest.mark.parametrize("suffix", ["mkv", "webm", "mp4", "avi"])
@pytest.mark.parametrize(
    "parts",
    [
        (PREVIEW, MAIN),
        (MAIN, PREVIEW),
        (SLOW, MAIN),
        (SAME, MAIN),
    ],
    ids=lambda parts: "-".join(f"{width}at{rate}" for width, _, rate in parts),
)
def test_the_choice_is_decords(suffix, parts, tmp_path):
    path = write(tmp_path / f"several.{suffix}", parts, seconds=6)
    reader = decord().VideoReader(str(path))
    sampled = sample_video(path, every)
    assert sampled.frames.shape[2:] == reader[0].shape[:2]
    assert sampled.total_frames == len(reader)
    expected = reader.get_batch([0, len(reader) - 1]).asnumpy()
    found = sampled.frames[[0, -1]].permute(0, 2, 3, 1).numpy()
    np.testing.assert_array_equal(found, expected)


BESIDE = (64, 48, 25)


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
@pytest.mark.parametrize(
    "parts",
    [(MAIN, SAME), (SAME, MAIN), (MAIN, SAME, BESIDE), (SAME, MAIN, BESIDE), (BESIDE, SAME, MAIN)],
    ids=lambda parts: "-".join(str(width) for width, _, _ in parts),
)
def test_a_stream_that_decord_cannot_decode_is_not_chosen(suffix, parts, tmp_path):
    """decord cannot decode AV1, here the largest stream, and takes the best other one."""
    path = tmp_path / f"several.{suffix}"
    write(path, parts, seconds=2, codecs={MAIN[:2]: "libsvtav1"})
    reader = decord().VideoReader(str(path))
    sampled = sample_video(path, every)
    assert sampled.frames.shape[2:] == reader[0].shape[:2]
    assert sampled.total_frames == len(reader)
    found = sampled.frames[0].permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(found, reader[0].asnumpy())


def test_the_largest_where_decord_can_read_none(tmp_path):
    path = tmp_path / "two.mp4"
    with open_output(path) as container:
        streams = [
            add_stream(container, Clip("", codec="libsvtav1", width=w, height=h, rate=Fraction(25)))
            for w, h in ((80, 60), (160, 120), (120, 80))
        ]
        for stream in streams:
            clip = Clip("", width=stream.width, height=stream.height)
            for number in range(10):
                container.mux(stream.encode(clip.frame(number)))
        for stream in streams:
            container.mux(stream.encode(None))
    assert sample_video(path, every).frames.shape[2:] == (120, 160)


def test_the_animation_of_an_avif(tmp_path):
    """The first picture precedes it, as a stream of one frame of the same size."""
    pictures = [Image.new("RGB", (64, 64), (red, 0, 0)) for red in (0, 80, 160, 240)]
    path = tmp_path / "animated.avif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], speed=10)
    assert sample_video(path, every).total_frames == 4
