"""Test files that are not a video or image: the error says what they are, and what to do."""

from __future__ import annotations

import io
import json
import struct
import tarfile
import zipfile

import av
import numpy as np
import pytest
from PIL import Image

from keye_vl_rs import preprocess_video, preview, process_vision_info
from keye_vl_rs._media.images import load_image
from keye_vl_rs._media.kinds import image_hint
from keye_vl_rs._sampling.video import sample_video
from keye_vl_rs.errors import (
    KeyeVLError,
    MediaError,
    MediaNotFoundError,
    UnreadableMediaError,
)
from support.clips import Clip, decode_all, every, pixels

pytestmark = pytest.mark.without_pixels


def jpeg():
    values = np.random.default_rng(3).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(values).save(file, "JPEG")
    return file.getvalue()


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("word/media/image1.jpeg", jpeg())
    return file.getvalue()


def tarred():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        entry = tarfile.TarInfo("a.jpg")
        entry.size = len(jpeg())
        archive.addfile(entry, io.BytesIO(jpeg()))
    return file.getvalue()


PDF = b"%PDF-1.4\n1 0 obj <</Filter /DCTDecode>>\nstream\n" + jpeg() + b"\nendstream endobj\n%%EOF"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n"
KINDS = {
    "zip": (zipped(), "ZIP archive"),
    "tar": (tarred(), "tar archive"),
    "pdf": (PDF, "PDF document"),
    "gzip": (b"\x1f\x8b\x08\0" + jpeg(), "gzip archive"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + jpeg(), "7z archive"),
    "elf": (b"\x7fELF" + bytes(60) + jpeg(), "program or a library"),
    "windows": (b"MZ" + bytes(76) + b"This program cannot be run" + jpeg(), "Windows"),
    "office": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + jpeg(), "Office document"),
    "lfs": (LFS, "Git LFS pointer.*git lfs pull"),
    "html": (b"\n <!DOCTYPE HTML>\n<html><body>404</body></html>", "HTML page"),
    "html_comment": (b"<!-- x -->\n<html lang='en'><body>404", "HTML page"),
    "html_fragment": (b"<center><h1>404 Not Found</h1></center>", "HTML page"),
    "html_script": (b"<script>location = '/log-in'</script>", "HTML page"),
    "xml": (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "XML file"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG drawing: render it as an image"),
    "svg_in_xml": (b"<?xml version='1.0'?>\n<!-- x -->\n<svg width='9'/>", "SVG drawing"),
    "playlist": (b"\xef\xbb\xbf#EXTM3U\nhttps://host/a.ts\n", "playlist, .* is not opened"),
    "pls": (b"[playlist]\nFile1=a.mp4\n", "playlist, .* is not opened"),
    "dash": (b"<?xml version='1.0'?><MPD type='static'/>", "DASH manifest, .* is not opened"),
    "json": (json.dumps({"error": {"code": 404}}).encode(), "JSON file"),
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("suffix", ["mp4", "jpg", "mjpeg", "txt"])
def test_other_files(name, suffix, tmp_path):
    """FFmpeg finds a JPEG inside some of them, and renders others as text."""
    data, kind = KINDS[name]
    path = tmp_path / f"file.{suffix}"
    path.write_bytes(data)
    for call in (lambda: sample_video(path, every), lambda: load_image(path)):
        with pytest.raises(UnreadableMediaError, match=rf"file\.{suffix} is an? .*{kind}"):
            call()


@pytest.mark.parametrize("text", ["404 page not found", "Forbidden", "見つかりません\n" * 400])
@pytest.mark.parametrize("suffix", ["mp4", "jpg", "mjpeg", "h264"])
def test_texts(text, suffix, tmp_path):
    path = tmp_path / f"file.{suffix}"
    path.write_text(text, encoding="utf-8")
    for call in (lambda: sample_video(path, every), lambda: load_image(path)):
        with pytest.raises(
            UnreadableMediaError, match=rf"file\.{suffix} is a text file, such as a"
        ):
            call()


def test_what_begins_as_a_text_may_still_be_a_picture_or_a_video():
    image = load_image(b"P3\n# a picture\n2 1\n255\n1 2 3 4 5 6\n")
    assert np.asarray(image).tolist() == [[[1, 2, 3], [4, 5, 6]]]
    video = b"YUV4MPEG2 W32 H16 F25:1\n" + (b"FRAME\n" + b"A" * (32 * 16 * 3 // 2)) * 3
    assert len(sample_video(video, every).frames) == 3
    # Beginnings of files with a header are damaged files, not texts.
    for start in (b"RIFF", b"GIF89a", video[:24], b"P6 32 16"):
        for call in (lambda data: sample_video(data, every), load_image):
            with pytest.raises(MediaError) as caught:
                call(start)
            assert "text" not in str(caught.value)


def test_an_empty_path():
    for call in (
        lambda: sample_video("", every),
        lambda: load_image(""),
        lambda: preprocess_video("file://"),
        lambda: process_vision_info([{"content": [{"type": "image", "image": ""}]}]),
    ):
        with pytest.raises(MediaNotFoundError, match=r"the path is empty \(''\): expected the"):
            call()


@pytest.mark.parametrize("prefix", [b"unknown" * 9, b"\x80\x04", bytes(300)])
def test_a_picture_inside_of_an_unknown_file(prefix):
    with pytest.raises(UnreadableMediaError, match="is not a video"):
        sample_video(prefix + jpeg() * 3, every)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("clip.h264", "libx264"),
        ("clip.hevc", "libx265"),
        ("clip.mjpeg", "mjpeg"),
        ("clip.gif", "gif"),
        ("clip.m2v", "mpeg2video"),
    ],
)
def test_streams_without_a_header_are_still_read(name, codec, tmp_path):
    pix_fmt = {"mjpeg": "yuvj420p", "gif": "rgb8"}.get(codec, "yuv420p")
    path = Clip(name, codec=codec, count=12, pix_fmt=pix_fmt).write(tmp_path)
    for source in (path, path.read_bytes()):
        assert len(pixels(sample_video(source, every))) == len(decode_all(path))


def test_an_mp4_without_its_index(h264):
    data = h264.read_bytes()
    place = data.index(b"moov") - 4
    for end in (place, place // 2, 48):
        with pytest.raises(UnreadableMediaError, match=r"before its index \(moov\).*(missing|get)"):
            sample_video(data[:end], every)


def test_an_mp4_that_is_cut_off_inside_its_index(h264):
    data = h264.read_bytes()
    with pytest.raises(UnreadableMediaError, match=r"truncated inside its index \(moov\)"):
        sample_video(data[: data.index(b"moov") + 100], every)


def test_a_box_of_a_size_that_no_file_has(h264):
    """A size of 64 bits may be too large for a place in a file."""
    data = h264.read_bytes()
    endless = struct.pack(">I4sQ", 1, b"free", 2**64 - 1)
    start = struct.unpack(">I", data[:4])[0]
    with pytest.raises(UnreadableMediaError, match="truncated before its index"):
        preprocess_video(data[:start] + endless + data[start:])


def test_boxes_that_nobody_knows_are_left_to_ffmpeg(h264):
    data = h264.read_bytes()
    for further in (bytes(5), b"\0\0\0\x10abcd" + bytes(8), bytes(64)):
        assert len(pixels(sample_video(data + further, every))) == len(decode_all(h264))


def test_a_segment_without_its_index(h264, tmp_path):
    path = tmp_path / "fragmented.mp4"
    options = {"movflags": "frag_keyframe+empty_moov"}
    with av.open(str(h264)) as source, av.open(str(path), "w", options=options) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    data = path.read_bytes()
    assert len(pixels(sample_video(data, every))) == len(decode_all(h264))
    with pytest.raises(UnreadableMediaError, match="a segment of a fragmented MP4"):
        sample_video(data[data.index(b"moof") - 4 :], every)


def test_an_encrypted_mp4(tmp_path):
    options = {
        "encryption_scheme": "cenc-aes-ctr",
        "encryption_key": "00" * 16,
        "encryption_kid": "11" * 16,
    }
    path = tmp_path / "encrypted.mp4"
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(10):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    for source in (path, path.read_bytes()):
        with pytest.raises(UnreadableMediaError, match=r"is an MP4 whose video is encrypted"):
            sample_video(source, every)


def test_an_animated_webp(tmp_path):
    frames = [Image.new("RGB", (64, 48), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:])
    with pytest.raises(UnreadableMediaError, match=r"animated WebP.*as a list"):
        sample_video(tmp_path / "a.webp", every)


def ftyp(*brands):
    box = b"".join([brands[0], bytes(4), *brands[1:]])
    return struct.pack(">I4s", 8 + len(box), b"ftyp") + box


def test_heic_without_a_plug_in():
    with pytest.raises(UnreadableMediaError, match=r"HEIC image: install pillow-heif"):
        load_image(ftyp(b"heic", b"mif1", b"heic") + bytes(400))
    with pytest.raises(UnreadableMediaError, match="HEIC image, not a video"):
        sample_video(
            ftyp(b"heic", b"mif1", b"heic") + struct.pack(">I4s", 400, b"meta") + bytes(392), every
        )
    assert "AVIF" in image_hint(ftyp(b"avif", b"mif1"))


def test_a_registered_plug_in_opens_heic(monkeypatch):
    """Registered as pillow-heif does, with the pixels of another image."""
    picture = Image.new("RGB", (28, 28), "red")

    class Opened(Image.Image):
        format = "HEIF"

        def __init__(self, file, name=None):
            super().__init__()
            self.im, self._mode, self._size = picture.im, "RGB", picture.size

    Image.init()
    monkeypatch.setattr(Image, "ID", [*Image.ID, "TESTHEIF"])
    accept = (Opened, lambda prefix: prefix[4:8] == b"ftyp")
    monkeypatch.setattr(Image, "OPEN", {**Image.OPEN, "TESTHEIF": accept})
    image = load_image(ftyp(b"heic", b"mif1") + bytes(400))
    assert np.array_equal(image, picture)


def test_a_video_as_an_image(h264):
    with pytest.raises(UnreadableMediaError, match="is a video \\(MP4\\), not an image"):
        load_image(h264)


@pytest.mark.parametrize("scheme", ["s3", "hf", "gs", "ftp", "az", "S3"])
def test_other_schemes(scheme):
    for call in (lambda s: sample_video(s, every), load_image):
        with pytest.raises(MediaError, match=rf"{scheme}:// .*\(address, 'rb'\)\.open\(\)"):
            call(f"{scheme}://bucket/clip.mp4")


def test_a_tilde_is_not_expanded(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for call in (lambda s: sample_video(s, every), load_image):
        with pytest.raises(MediaNotFoundError, match=rf"~/a\.mp4: no such file.*{tmp_path}/a\.mp4"):
            call("~/a.mp4")


def test_a_closed_picture():
    picture = Image.open(io.BytesIO(jpeg()))
    picture.close()
    with pytest.raises(UnreadableMediaError, match=r"image 1: .*closed"):
        process_vision_info(vision_infos=[{"type": "image", "image": p} for p in (jpeg(), picture)])


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (jpeg()[:900], "not an image, or is damaged"),
        (np.zeros((64, 96, 4), np.uint8), r"\(64, 96, 4\)"),
        (Image.new("RGB", (560, 56)), "frame 2 has 616x84 pixels, frame 0 has 252x168: expected"),
        ("/none.png", "/none.png: no such file"),
    ],
)
def test_a_bad_frame_is_named(bad, reason):
    frames = [jpeg(), jpeg(), bad]
    for call in (process_vision_info, preview.process_vision_info):
        # Frames of several sizes are a list of images there.
        if call is preview.process_vision_info and isinstance(bad, Image.Image):
            continue
        with pytest.raises(KeyeVLError, match=reason) as caught:
            call([{"role": "user", "content": [{"type": "video", "video": frames}]}])
        assert "frame 2" in str(caught.value)
