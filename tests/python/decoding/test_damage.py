"""Damage inside a video is an error, or marked, and gives the same frames in every call."""

from __future__ import annotations

import io
import pickle
import re
import warnings

import av
import numpy as np
import pytest
import torch

from damaged_frames import reported_times
from keye_vl_rs import Damage, preprocess_video, process_vision_info
from keye_vl_rs._decoding.damage import DamageMap, Report
from keye_vl_rs._decoding.ffmpeg_log import CapturedLog
from keye_vl_rs._sampling.video import sample_video
from keye_vl_rs.errors import (
    ConcealedDamageWarning,
    DecodeError,
    InvalidArgumentError,
    PartialVideoWarning,
)
from support.clips import VP9, Clip, every, packets, pixels

pytestmark = pytest.mark.one_level

GROUPS = {"x264-params": "keyint=20:min-keyint=20:scenecut=0:bframes=2"}
COUNT = 80
H264 = Clip("d_h264.mp4", count=COUNT, options=GROUPS)
# Of each a packet is spoilt so that FFmpeg reports it: by an error, its mark, a frame that is
# missing, or in its log alone (Motion JPEG, FFV1).
REPORTED = [
    H264,
    Clip("d_h264.ts", count=COUNT, options=GROUPS),
    Clip("d_h264.mkv", count=COUNT, options=GROUPS),
    Clip("d_mpeg4.mp4", codec="mpeg4", count=COUNT, options={"g": "20"}),
    Clip("d_mpeg2.ts", codec="mpeg2video", count=COUNT, options={"g": "20"}),
    Clip("d_mjpeg.avi", codec="mjpeg", count=COUNT, pix_fmt="yuvj420p"),
    Clip("d_ffv1.mkv", codec="ffv1", count=COUNT),
    Clip("d_prores.mov", codec="prores_ks", count=COUNT, pix_fmt="yuv422p10le"),
    Clip("d_vp9.webm", count=COUNT, codec="libvpx-vp9", options={**VP9["options"], "g": "20"}),
]
SPOILT = 45


def spoil(path, target, number=SPOILT):
    """Copy a video with noise in a packet, which FFmpeg reports; return the frame's place."""
    listed = packets(path)
    position, size, time = listed[number]
    if path.suffix == ".ts":
        # Within one packet of the container.
        position, size = position + 30, 140
    elif path.suffix in (".mkv", ".webm"):
        position = path.read_bytes().index(packet_bytes(path, number))
    skipped = 0 if path.suffix == ".webm" else size // 4
    for seed in range(100):
        data = bytearray(path.read_bytes())
        noise = np.random.default_rng(seed).bytes(size - skipped)
        data[position + skipped : position + size] = noise
        if reported_times(bytes(data)):
            target.write_bytes(data)
            return sorted(one[2] for one in listed).index(time)
    raise AssertionError(f"FFmpeg reports nothing of {path.name}")


def packet_bytes(path, number):
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(container.streams.video[0]) if p.size]
        return bytes(packets[number])


@pytest.fixture(scope="module", params=REPORTED, ids=lambda clip: clip.name)
def damaged(request, folder, tmp_path_factory):
    path = request.param.write(folder)
    target = tmp_path_factory.mktemp("damaged") / path.name
    place = spoil(path, target)
    return target, place, pixels(sample_video(path, every))


def conceal(path, choose=every, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConcealedDamageWarning)
        return sample_video(path, choose, on_error="conceal", **options)


def test_damage_is_an_error(damaged):
    path, _, _ = damaged
    with pytest.raises(DecodeError, match=rf"{path.name}: is damaged from [0-9.]+ s on: \w+"):
        sample_video(path, every)


def test_the_error_names_what_can_be_had_instead(damaged):
    path, _, _ = damaged
    choices = (
        'for what comes before it, set on_error="partial" (--on-error partial), for what the '
        'decoder makes of it "conceal"'
    )
    with pytest.raises(DecodeError, match=re.escape(choices) + "$"):
        sample_video(path, every)


@pytest.mark.parametrize("step", [1, 7])
def test_all_state_when_the_damage_begins(step, damaged):
    """Also where the first damaged frame that is sampled comes later, if there are more."""
    path, _, _ = damaged
    frames = conceal(path).damage.frames
    first = frames[:3][-1]

    def choose(total, fps):
        return range(first % step, total, step)

    stated = r"is damaged from ([0-9.]+ s) on: (.*?)(?:; |$)"
    with pytest.raises(DecodeError) as caught:
        sample_video(path, choose)
    expected = re.search(stated, str(caught.value)).groups()
    with pytest.warns(PartialVideoWarning):
        before = sample_video(path, choose, on_error="partial")
    for sampled in (before, conceal(path, choose), conceal(path, choose, threads=1)):
        assert re.search(stated, sampled.damage.reason).groups() == expected


def test_a_part_before_the_first_frame(folder, tmp_path):
    spoil(H264.write(folder), tmp_path / "first.mp4", 0)
    message = r"first\.mp4: is damaged from 0\.000 s on: .*; nothing comes before it; for what the "
    for on_error in ("raise", "partial"):
        with pytest.raises(DecodeError, match=rf'{message}decoder .* on_error="conceal"'):
            sample_video(tmp_path / "first.mp4", every, on_error=on_error)


@pytest.mark.parametrize(
    ("on_error", "category"),
    [("partial", PartialVideoWarning), ("conceal", ConcealedDamageWarning)],
)
def test_warnings_point_at_the_caller(on_error, category, folder, tmp_path):
    path = tmp_path / "clip.mp4"
    spoil(H264.write(folder), path)
    part = {"type": "video", "video": str(path), "fps": 25.0, "on_error": on_error}
    messages = [{"role": "user", "content": [part]}]
    for call in (
        lambda: sample_video(path, every, on_error=on_error),
        lambda: preprocess_video(path, fps=25, on_error=on_error),
        lambda: process_vision_info(messages),
    ):
        with pytest.warns(category) as caught:
            call()
        assert [one.filename for one in caught] == [__file__]


def test_a_report_ends_without_a_full_stop():
    raw = [(16, "h264", "No frame decoded.\n"), (16, "h264", "concealing 7 errors\n")]
    lines = CapturedLog(raw).take()
    assert [line.text for line in lines] == ["No frame decoded", "concealing 7 errors"]


def test_the_error_of_a_worker_reaches_its_parent(folder, tmp_path):
    # multiprocessing pickles it, a DataLoader makes one of the message: a Pool hung for ever.
    target = tmp_path / "clip.mp4"
    spoil(H264.write(folder), target)
    with pytest.raises(DecodeError) as caught:
        sample_video(target, every)
    error = caught.value
    for copy in (pickle.loads(pickle.dumps(error)), type(error)(str(error))):
        assert type(copy) is type(error)
        assert str(copy) == str(error)


def test_what_comes_before_the_damage_can_be_had(damaged):
    path, place, whole = damaged
    with pytest.warns(PartialVideoWarning, match=rf"{path.name}: is damaged from"):
        sampled = sample_video(path, every, on_error="partial")
    assert place - 3 <= sampled.total_frames <= place
    np.testing.assert_array_equal(pixels(sampled), whole[: sampled.total_frames])
    assert sampled.damage.frames == ()
    assert "is damaged from" in sampled.damage.reason


def test_parts_say_how_much_they_use(folder):
    """Also where damage is to be concealed and the end is missing: there is nothing to conceal."""
    data = Clip("d_cut.mkv", count=COUNT).write(folder).read_bytes()
    cut = data[: len(data) * 6 // 10]
    for on_error in ("partial", "conceal"):
        with pytest.warns(PartialVideoWarning, match="is truncated"):
            made = preprocess_video(cut, on_error=on_error)
        assert isinstance(made.damage, Damage)
        assert "is truncated" in made.damage.reason
        assert made.damage.frames == ()
        assert made.total_frames < COUNT
        assert made.duration == pytest.approx(made.total_frames / 25)


def test_concealed_frames_are_marked(damaged):
    path, place, whole = damaged
    with pytest.warns(ConcealedDamageWarning, match=rf"{path.name}: .* of 80 sampled frames are"):
        sampled = sample_video(path, every, on_error="conceal")
    assert sampled.total_frames == COUNT
    different = [n for n in range(COUNT) if not np.array_equal(pixels(sampled)[n], whole[n])]
    assert place in different
    assert set(different) <= set(sampled.damage.frames)
    # From the damage to the next key frame, or of that frame alone; no frame outside of its group.
    assert min(sampled.damage.frames) >= place - 3
    assert max(sampled.damage.frames) < 60


def test_the_result_is_the_same_in_every_call_and_with_any_number_of_threads(damaged):
    path, _, _ = damaged
    first = conceal(path, threads=1)
    for threads in (2, 3, 8):
        for source in (path, path.read_bytes()):
            again = conceal(source, threads=threads)
            assert again.frames.equal(first.frames)
            assert again.damage.frames == first.damage.frames


@pytest.mark.filterwarnings("ignore::keye_vl_rs.errors.ConcealedDamageWarning")
@pytest.mark.parametrize(
    "clip",
    [one for one in REPORTED if one.name in ("d_mjpeg.avi", "d_prores.mov")],
    ids=lambda clip: clip.name,
)
def test_what_was_decoded_before_does_not_show(clip, folder, tmp_path):
    """Below a picture that is not decoded to its end, memory is blank."""
    place = spoil(clip.write(folder), tmp_path / clip.name)
    among_all = pixels(conceal(tmp_path / clip.name, threads=1))[place]
    # Decoding starts with the first packet here, and goes on with the damaged one.
    alone = sample_video(tmp_path / clip.name, lambda total, fps: [place], on_error="conceal")
    np.testing.assert_array_equal(pixels(alone)[0], among_all)


def test_frames_that_are_not_spoilt_cost_nothing(damaged):
    path, _, whole = damaged
    good = [0, 10, 39, 60, 79]
    sampled = sample_video(path, lambda total, fps: good)
    assert sampled.damage is None
    np.testing.assert_array_equal(pixels(sampled), whole[good])


def test_a_report_between_the_sampled_frames_counts(folder, tmp_path):
    path = H264.write(folder)
    # A frame that others refer to: the first of its group but for the key frame.
    place = spoil(path, tmp_path / path.name, 41)
    after = [0, place + 4]
    with pytest.raises(DecodeError, match="is damaged from"):
        sample_video(tmp_path / path.name, lambda total, fps: after)
    sampled = conceal(tmp_path / path.name, lambda total, fps: after)
    assert sampled.damage.frames == (1,)


def test_one_call_says_what_is_damaged(folder, tmp_path):
    path = H264.write(folder)
    spoil(path, tmp_path / path.name, 41)
    with pytest.raises(DecodeError, match="is damaged"):
        preprocess_video(tmp_path / path.name, fps=25)
    with pytest.warns(ConcealedDamageWarning):
        inputs = preprocess_video(tmp_path / path.name, fps=25, on_error="conceal")
    assert len(inputs.frame_types) == COUNT
    assert len(inputs.damage.frames) > 10
    assert preprocess_video(path, fps=25).damage is None
    with pytest.warns(PartialVideoWarning):
        partial = preprocess_video(tmp_path / path.name, fps=25, on_error="partial")
    clean = preprocess_video(path, fps=25, video_end=(len(partial.frame_types) - 1) / 25)
    assert torch.equal(partial.pixel_values_videos, clean.pixel_values_videos)


def test_messages_say_what_becomes_of_damage(folder, tmp_path):
    path = H264.write(folder)
    spoil(path, tmp_path / path.name, 41)
    ele = {"type": "video", "video": str(tmp_path / path.name), "fps": 25.0}
    messages = [{"role": "user", "content": [ele]}]
    with pytest.raises(DecodeError, match="is damaged"):
        process_vision_info(messages)
    ele["on_error"] = "conceal"
    with pytest.warns(ConcealedDamageWarning, match="sampled frames are what the decoder makes"):
        _, videos, _ = process_vision_info(messages)
    assert len(videos[0]) == COUNT


def test_other_values_of_on_error(folder):
    with pytest.raises(InvalidArgumentError, match="expected 'raise', 'partial' or 'conceal'"):
        sample_video(H264.write(folder), every, on_error="ignore")


def test_a_stream_without_a_decodable_frame(folder, tmp_path):
    """Fragments whose payload is noise: each frame is damaged, and none comes before the damage."""
    options = {"movflags": "frag_keyframe+empty_moov"}
    clip = Clip("d_fragments.mp4", count=COUNT, options=GROUPS, format_options=options)
    path = clip.write(folder)
    data = bytearray(path.read_bytes())
    random = np.random.default_rng(0)
    with av.open(str(path)) as container:
        for packet in container.demux(container.streams.video[0]):
            if packet.size:
                start = packet.pos + 5
                data[start : packet.pos + packet.size] = random.bytes(packet.size - 5)
    bad = tmp_path / path.name
    bad.write_bytes(data)
    for on_error in ("raise", "partial"):
        with pytest.raises(DecodeError, match=path.name):
            sample_video(bad, every, on_error=on_error)


def test_packets_without_a_picture_behind_the_last_frame_are_no_damage(folder, tmp_path):
    path = H264.write(folder)
    longer = tmp_path / "longer.mp4"
    with av.open(str(path)) as source, av.open(str(longer), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        last = None
        for packet in source.demux(stream):
            if packet.size:
                last = packet.pts if last is None else max(last, packet.pts)
                packet.stream = copy
                end = packet.dts + 10 * packet.duration
                duration, base = packet.duration, packet.time_base
                target.mux(packet)
        for number in range(30):
            # A message of nothing (SEI), with its length before it.
            empty = av.Packet(b"\0\0\0\x05\x06\x05\x01\x00\x80")
            empty.time_base, empty.stream, empty.duration = base, copy, duration
            empty.dts = end + number * duration
            empty.pts = max(last, end) + (number + 1) * duration
            target.mux(empty)
    with av.open(str(longer)) as container:
        assert sum(1 for p in container.demux(container.streams.video[0]) if p.size) == COUNT + 30
    sampled = sample_video(longer, every)
    assert sampled.total_frames == COUNT
    assert sampled.damage is None
    np.testing.assert_array_equal(pixels(sampled), pixels(sample_video(path, every)))


def test_frames_that_a_container_lost_are_damage(folder, tmp_path):
    """A cluster of a Matroska file that cannot be read, with its key frame."""
    clip = Clip(
        "d_lost.webm",
        codec="libvpx",
        count=COUNT,
        options={"g": "20"},
        format_options={"cluster_time_limit": "100"},
    )
    path = clip.write(folder)
    data = bytearray(path.read_bytes())
    cluster = b"\x1f\x43\xb6\x75"
    starts = [at for at in range(len(data)) if data[at : at + 4] == cluster]
    at = starts[len(starts) // 2]
    data[at : at + 40] = b"\0" * 40
    lost = tmp_path / path.name
    lost.write_bytes(data)
    with pytest.raises(DecodeError, match="frames are missing"):
        sample_video(lost, every)
    sampled = conceal(lost)
    assert sampled.total_frames < COUNT
    assert "frames are missing" in sampled.damage.reason


def test_ffmpegs_log_is_left_as_it_was(folder, tmp_path):
    path = Clip("d_mjpeg.avi", codec="mjpeg", count=COUNT, pix_fmt="yuvj420p").write(folder)
    spoil(path, tmp_path / path.name)
    for level in (None, av.logging.ERROR):
        av.logging.set_level(level)
        try:
            conceal(io.BytesIO((tmp_path / path.name).read_bytes()))
            assert av.logging.get_level() == level
            assert av.logging.get_skip_repeated()
        finally:
            av.logging.set_level(None)


def test_a_report_spoils_what_follows_up_to_the_next_restart():
    damage = DamageMap([0, 10, 20], list(range(30)))
    assert not damage
    damage.add(Report(13, "noise"))
    assert [place for place in range(30) if damage.find(place)] == list(range(13, 20))
    assert damage.begins(damage.find(15)) == 13


def test_leading_pictures_may_refer_to_what_came_before_the_restart():
    # Packets 11 and 12 are presented before 10, the restart.
    times = [*range(10), 12, 10, 11, *range(13, 30)]
    damage = DamageMap([0, 10, 20], times)
    damage.add(Report(8, "noise"))
    assert [place for place in range(30) if damage.find(place)] == [8, 9, 11, 12]
    # A report on a leading picture concerns no frame that is presented after the restart.
    damage = DamageMap([0, 10, 20], times)
    damage.add(Report(11, "missing reference"))
    assert [place for place in range(30) if damage.find(place)] == [11, 12]
