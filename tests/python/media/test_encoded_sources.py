"""Test media inside strings: data URLs and base64, at every entry, never in a message."""

from __future__ import annotations

import base64
import io
import shutil
from urllib.parse import quote

import numpy as np
import pytest
import torch
from PIL import Image

from keye_vl_rs import Limits, preprocess_video, preview, process_vision_info, to_openai_messages
from keye_vl_rs._media.images import load_image
from keye_vl_rs._media.sources import describe_source
from keye_vl_rs._sampling.video import sample_video
from keye_vl_rs.errors import (
    FramesDtypeError,
    FramesShapeError,
    InvalidArgumentError,
    KeyeVLError,
    LimitError,
    MediaError,
    MediaNotFoundError,
    UnreadableMediaError,
)
from support import cli
from support.clips import every, pixels

pytestmark = pytest.mark.one_level


def forms(data, media_type):
    text = base64.b64encode(data).decode()
    lines = "\n".join(text[i : i + 76] for i in range(0, len(text), 76))
    return {
        "data": f"data:{media_type};base64,{text}",
        "no_type": f"data:;base64,{text}",
        "upper": f"DATA:{media_type.upper()};BASE64,{text}",
        "parameters": f"data:{media_type};name=a.b;charset=utf-8;base64,{text}",
        "percent": f"data:{media_type};base64,{quote(text, safe='')}",
        "url_safe": f"data:{media_type};base64,{base64.urlsafe_b64encode(data).decode()}",
        "lines": f"data:{media_type};base64,\n {lines}\r\n",
        "unpadded": f"data:{media_type};base64,{text.rstrip('=')}",
        "raw": text,
        "raw_lines": lines,
        "dictionary": {"base64": text},
        "dictionary_of_data": {"base64": f"data:{media_type};base64,{text}"},
    }


FORMS = list(forms(b"1", "image/png"))
PICTURE = Image.fromarray(np.random.default_rng(5).integers(0, 256, (56, 84, 3), dtype=np.uint8))


def encoded(format="PNG"):
    file = io.BytesIO()
    PICTURE.save(file, format)
    return file.getvalue()


@pytest.mark.parametrize("form", FORMS)
def test_images(form):
    source = forms(encoded(), "image/png")[form]
    assert np.array_equal(load_image(source), PICTURE)
    images, _, _ = process_vision_info(
        [{"role": "user", "content": [{"type": "image", "image": source}]}]
    )
    assert np.array_equal(images[0], PICTURE)
    assert np.array_equal(preview.fetch_image({"image": source}), PICTURE)


@pytest.mark.parametrize("form", FORMS)
def test_videos(form, h264):
    source = forms(h264.read_bytes(), "video/mp4")[form]
    expected = pixels(sample_video(h264, every))
    assert np.array_equal(pixels(sample_video(source, every)), expected)


def test_a_jpeg_in_base64_is_no_path():
    text = base64.b64encode(encoded("JPEG")).decode()
    assert text.startswith("/9j/")
    assert load_image(text).size == PICTURE.size


def test_a_file_of_that_name_wins(tmp_path, monkeypatch):
    """The name is the base64 of the beginning of a picture."""
    name = base64.urlsafe_b64encode(encoded()[:90]).decode()
    Image.new("RGB", (28, 28), "red").save(tmp_path / name, "PNG")
    monkeypatch.chdir(tmp_path)
    assert load_image(name).getpixel((0, 0)) == (255, 0, 0)


def test_every_entry(h264):
    video = {"base64": base64.b64encode(h264.read_bytes()).decode()}
    image = base64.b64encode(encoded()).decode()
    expected = preprocess_video(h264)
    assert torch.equal(preprocess_video(video).pixel_values_videos, expected.pixel_values_videos)
    for part in ({"type": "video", **video}, {"type": "video", "video": video}):
        messages = [{"role": "user", "content": [part]}]
        assert process_vision_info(messages)[1][0].shape[1] == 3
        assert preview.process_vision_info(messages)[1][0].shape[1] == 3
        url = to_openai_messages(messages).messages[0]["content"][0]["video_url"]["url"]
        assert url.startswith("data:video/jpeg;base64,")
    for source in (image, {"base64": image}, io.BytesIO(encoded()), np.asarray(PICTURE)):
        frames = process_vision_info(vision_infos=[{"type": "video", "video": [source] * 2}])[1][0]
        assert frames.shape[:2] == (2, 3)
        (address,) = to_openai_messages(
            [{"role": "user", "content": [{"type": "image", "image": source}]}]
        ).messages[0]["content"]
        assert np.array_equal(load_image(address["image_url"]["url"]), PICTURE)


def test_the_decoded_size_is_limited():
    data = encoded()
    source = forms(data, "image/png")["lines"]
    messages = [{"role": "user", "content": [{"type": "image", "image": source}]}]
    process_vision_info(messages, limits=Limits(file_bytes=len(data)))
    with pytest.raises(LimitError, match=rf"data of {len(data):,} bytes exceeds"):
        process_vision_info(messages, limits=Limits(file_bytes=len(data) - 1))


def test_file_objects_and_arrays_are_images(tmp_path):
    file = io.BytesIO(encoded())
    file.seek(7)
    assert np.array_equal(load_image(file), PICTURE)
    assert file.tell() == 7
    PICTURE.save(tmp_path / "a.png")
    with open(tmp_path / "a.png", "rb") as opened:
        assert np.array_equal(load_image(opened), PICTURE)
    array = np.array(PICTURE)
    for source in (array, array.transpose(2, 0, 1), torch.from_numpy(array)):
        assert np.array_equal(load_image(source), PICTURE)
    with pytest.raises(FramesShapeError, match=r"\(56, 84, 4\): expected \(3, H, W\) or"):
        load_image(np.zeros((56, 84, 4), np.uint8))
    with pytest.raises(FramesDtypeError, match="float32: expected uint8"):
        load_image(array.astype(np.float32))


@pytest.mark.parametrize("shared", [False, True])
def test_one_open_file_for_many_images(shared):
    files = [io.BytesIO(encoded())] * 8 if shared else [io.BytesIO(encoded()) for _ in range(8)]
    content = [{"type": "image", "image": file} for file in files]
    images, _, _ = process_vision_info([{"role": "user", "content": content}])
    assert all(np.array_equal(image, PICTURE) for image in images)


LONG = "x" * 5000
LONG_SOURCES = {
    "path": f"/{LONG}.mp4",
    "folders": "/none" + "/abcdefgh" * 300,
    "file": f"file:///{LONG}.mp4",
    "scheme": f"s3://{LONG}/a.mp4",
    "home": f"~/{LONG}.mp4",
    "address": f"http://127.0.0.1:1/{LONG}",
    "host": f"http://{LONG}/",
    "malformed": f"http://[{LONG}",
    "null": f"{LONG}\0",
    "data": f"data:video/mp4;base64,{LONG}!",
    "media_type": f"data:{LONG}",
    "base64": base64.b64encode(encoded()).decode() + LONG[:4999],
    "dictionary": {"base64": LONG + "!"},
    "bytes": LONG.encode(),
    "keys": {LONG: 1},
}


@pytest.mark.parametrize("name", LONG_SOURCES)
@pytest.mark.parametrize("entry", ["video", "image", "frame", "openai", "preview"])
def test_no_error_holds_a_long_source(name, entry, caplog):
    source = LONG_SOURCES[name]
    kind = "image" if entry in ("image", "openai") else "video"
    value = [source, source] if entry == "frame" else source
    messages = [{"role": "user", "content": [{"type": kind, kind: value}]}]
    call = {"openai": to_openai_messages, "preview": preview.process_vision_info}
    with pytest.raises(KeyeVLError) as caught:
        call.get(entry, process_vision_info)(messages)
    shown = [*caplog.messages]
    error = caught.value
    while error is not None:
        shown.append(str(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    assert all("x" * 100 not in text and len(text) < 700 for text in shown), shown
    assert len(describe_source(source)) <= 200 if name != "keys" else True


def test_no_error_of_an_argument_holds_a_long_value(h264):
    for arguments in ({"fps": LONG}, {"on_error": LONG}, {"max_frames": [LONG] * 3}):
        with pytest.raises(InvalidArgumentError) as caught:
            preprocess_video(h264, **arguments)
        assert len(str(caught.value)) < 400


def test_the_ends_of_a_long_path_are_named():
    with pytest.raises(MediaNotFoundError, match=r"^/a/b.*\.\.\..*clip\.mp4: no such file$"):
        sample_video("/a/b" + "/abcdefgh" * 100 + "/clip.mp4", every)


def test_long_base64_of_an_unknown_format_is_told_from_a_path():
    with pytest.raises(MediaError, match=r'File name too long; to pass base64 .* \{"base64": '):
        sample_video(base64.b64encode(b"unknown" * 1000).decode(), every)


def test_damaged_base64_says_so():
    with pytest.raises(
        UnreadableMediaError, match=r"<data:video/mp4 of 28 characters> is not valid base64"
    ):
        sample_video("data:video/mp4;base64,AAAA!A", every)


@pytest.mark.parametrize("name", ["path", "folders", "data", "base64"])
def test_the_command_line_holds_no_long_source(name, tmp_path):
    result = cli.run(LONG_SOURCES[name], "--output", tmp_path)
    assert result.exit_code == 1
    assert "x" * 100 not in result.output + result.stderr
    assert len(result.output) < 700
    assert not any(tmp_path.iterdir())


def test_a_long_path_is_found_whole_again(h264, tmp_path):
    """Its output is skipped the next time, although messages shorten its name."""
    folder = tmp_path / ("a" * 120) / ("b" * 120)
    folder.mkdir(parents=True)
    shutil.copy(h264, folder / "clip.mp4")
    for skipped in (False, True):
        result = cli.run(folder / "clip.mp4", "--output", tmp_path / "out", "--json")
        assert cli.lines(result)[0]["skipped"] is skipped, result.output
