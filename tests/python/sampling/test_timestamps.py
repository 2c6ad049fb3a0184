"""Test timestamps: the published ones by default, and real ones where those cannot be right."""

from __future__ import annotations

import logging
from fractions import Fraction

import pytest
import torch

from keye_vl_rs import preprocess_video, preview, process_vision_info
from keye_vl_rs._sampling.video import sample_video
from keye_vl_rs.errors import InvalidArgumentError
from support.clips import Clip, add_stream, every, irregular, open_output

pytestmark = pytest.mark.one_level


@pytest.fixture(scope="module")
def even(folder):
    return Clip("t_even.mp4", count=50).write(folder)


@pytest.fixture(scope="module")
def uneven(folder):
    """Return a clip of 41 frames, the last 20 of which are 0.3 s late."""
    return Clip("t_uneven.mkv", count=41, pts=irregular(41)).write(folder)


@pytest.fixture(scope="module")
def hollow(folder):
    """Return a clip of a second of 60 frames, nothing for 18 seconds, and a second of 60 frames."""
    times = [round(1000 * n / 60) + (18_000 if n >= 60 else 0) for n in range(120)]
    return Clip("t_hollow.mkv", count=120, pts=times, rate=Fraction(60)).write(folder)


def seconds(path, **options):
    return sample_video(path, every, **options).timestamps.tolist()


def test_evenly_spaced_frames_have_the_published_times(even, caplog):
    expected = torch.tensor([(1 / 25) * n for n in range(50)]).tolist()
    assert seconds(even) == expected
    assert seconds(even, timestamps="presentation") == pytest.approx(expected, abs=1e-6)
    inputs = preprocess_video(even, fps=25)
    assert inputs.timestamp_kind == "published"
    assert inputs.timestamps.tolist() == expected
    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]


def test_unevenly_spaced_frames_have_real_times_on_demand(uneven, caplog):
    real = [time / 1000 for time in irregular(41)]
    real = [time - real[0] for time in real]
    assert seconds(uneven, timestamps="presentation") == pytest.approx(real, abs=1e-6)
    inputs = preprocess_video(uneven, fps=100, timestamps="presentation")
    assert inputs.timestamp_kind == "presentation"
    assert inputs.timestamps.tolist() == pytest.approx(real, abs=1e-6)
    assert not caplog.records
    published = preprocess_video(uneven, fps=100)
    assert published.timestamp_kind == "published"
    assert published.timestamps.tolist() != pytest.approx(real, abs=0.01)
    # Once per video, however many frames are off.
    assert [one.levelname for one in caplog.records] == ["WARNING"]
    assert "t_uneven.mkv: frames are not evenly spaced" in caplog.text
    assert "timestamps='presentation'" in caplog.text


def test_previews_calls_have_no_times_to_warn_of(uneven, caplog):
    frames, rate = preview.fetch_video({"video": str(uneven)}, return_video_sample_fps=True)
    assert len(frames) >= 2
    assert rate > 0
    assert not caplog.records


def test_a_part_of_a_video_has_real_times(hollow):
    inputs = preprocess_video(hollow, video_start=15)
    assert inputs.timestamp_kind == "presentation"
    assert inputs.timestamps[0].item() == pytest.approx(19.0, abs=0.02)
    assert min(inputs.timestamps.tolist()) >= 15
    ele = {"type": "video", "video": str(hollow), "video_start": 15.0}
    _, _, kwargs = process_vision_info([{"role": "user", "content": [ele]}])
    assert torch.equal(kwargs["timestamps"][0], inputs.timestamps)
    end = preprocess_video(hollow, video_end=1.5)
    assert end.timestamp_kind == "presentation"
    assert max(end.timestamps.tolist()) == pytest.approx(59 / 60, abs=0.001)


def test_a_recording_that_jumps_has_real_times(folder, tmp_path):
    """As after a loss of reception: 20 frames, ten seconds of nothing, 20 frames."""
    path = tmp_path / "t_jump.ts"
    clip = Clip("", count=40, options={"x264-params": "bframes=0:keyint=10"})
    with open_output(path) as container:
        stream = add_stream(container, clip)
        packets = [p for n in range(40) for p in stream.encode(clip.frame(n))]
        for packet in packets + list(stream.encode(None)):
            ten = (
                int(10 / packet.time_base) if packet.pts * packet.time_base >= Fraction(4, 5) else 0
            )
            packet.pts, packet.dts = packet.pts + ten, packet.dts + ten
            container.mux(packet)
    inputs = preprocess_video(path, fps=100)
    assert inputs.timestamp_kind == "presentation"
    expected = [n / 25 + (10 if n >= 20 else 0) for n in range(40)]
    assert inputs.timestamps.tolist() == pytest.approx(expected, abs=0.001)


def test_messages_name_the_times(uneven):
    expected = preprocess_video(uneven, timestamps="presentation").timestamps
    ele = {"type": "video", "video": str(uneven), "timestamps": "presentation"}
    _, _, kwargs = process_vision_info([{"role": "user", "content": [ele]}])
    assert torch.equal(kwargs["timestamps"][0], expected)


@pytest.mark.parametrize("value", ["real", None, 1, b"published"])
def test_other_values_are_refused(value, even):
    with pytest.raises(InvalidArgumentError, match=r"timestamps is .*: expected 'published' or"):
        preprocess_video(even, timestamps=value)
