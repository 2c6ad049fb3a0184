"""Compare image sources with the published ``fetch_image``, and test errors of bad ones."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keye_vl_rs._media.images import load_image
from keye_vl_rs.errors import (
    EmptyMediaError,
    InvalidArgumentError,
    MediaError,
    MediaNotFoundError,
    UnreadableMediaError,
)
from support.http_server import serve

MODES = ["RGB", "RGBA", "L", "LA", "P", "1", "CMYK", "I;16"]


def picture(mode="RGB", size=(37, 23)):
    values = np.random.default_rng(7).integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)
    if mode == "I;16":
        return Image.fromarray(values[..., 0].astype(np.uint16) * 200)
    return Image.fromarray(values).convert(mode)


def encoded(image, format):
    file = io.BytesIO()
    image.save(file, format)
    return file.getvalue()


@pytest.fixture(scope="session")
def png(tmp_path_factory):
    path = tmp_path_factory.mktemp("images") / "a b%41.png"
    picture().save(path)
    return path


def same(left, right):
    return left.mode == right.mode == "RGB" and np.array_equal(np.array(left), np.array(right))


@pytest.mark.parametrize("mode", MODES)
def test_modes_are_converted_as_published(mode, tmp_path):
    path = tmp_path / f"image.{'tiff' if mode == 'CMYK' else 'png'}"
    image = picture("RGB" if mode == "P" else mode)
    (image.quantize(16) if mode == "P" else image).save(path)
    assert same(load_image(path), Image.open(path).convert("RGB"))


@pytest.mark.parametrize("kind", ["str", "path", "bytes", "url", "raw_url", "data", "image"])
def test_sources(kind, png):
    data = png.read_bytes()
    source = {
        "str": str(png),
        "path": png,
        "bytes": data,
        "url": png.as_uri(),
        "raw_url": f"file://{png}",
        "data": "data:image/png;base64," + base64.b64encode(data).decode(),
        "image": Image.open(io.BytesIO(data)),
    }[kind]
    assert same(load_image(source), picture())


def test_published_sources(png, tmp_path):
    from keye_vl_utils import vision_process as published

    path = tmp_path / "large.jpg"
    picture(size=(280, 140)).save(path)
    data = "data:image/jpeg;base64," + base64.b64encode(path.read_bytes()).decode()
    for source in (str(path), f"file://{path}", data, Image.open(path)):
        # At a multiple of the token size the published resize leaves the image unchanged.
        assert same(load_image(source), published.fetch_image({"image": source}))


def test_orientation_is_left(tmp_path):
    image = picture()
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.png", exif=exif)
    assert load_image(tmp_path / "turned.png").size == (37, 23)


def test_an_image_is_not_changed():
    image = picture("RGBA")
    assert same(load_image(image), image.convert("RGB"))
    assert image.mode == "RGBA"
    assert load_image(picture()) is not picture()


@pytest.fixture
def server(png, monkeypatch):
    monkeypatch.setenv("KEYE_VL_RS_ALLOW_PRIVATE_ADDRESSES", "1")
    with serve(png.read_bytes()) as httpd:
        yield f"127.0.0.1:{httpd.server_port}"


def test_remote(server):
    assert same(load_image(f"http://{server}/clip.png?x=1"), picture())


def test_remote_error(server):
    with pytest.raises(
        MediaError, match=rf"^http://{server}/missing\.png: the server answered 404$"
    ):
        load_image(f"http://user:secret@{server}/missing.png?x=1")


def test_missing_file(tmp_path):
    with pytest.raises(MediaNotFoundError, match=r"none\.png"):
        load_image(tmp_path / "none.png")


def test_directory(tmp_path):
    with pytest.raises(MediaError, match="is a folder, not a file"):
        load_image(tmp_path)


def test_empty(tmp_path):
    path = tmp_path / "empty.png"
    path.touch()
    for source in (path, b"", "data:image/png;base64,"):
        with pytest.raises(EmptyMediaError):
            load_image(source)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"])
def test_damaged(format):
    data = encoded(picture(size=(200, 100)), format)
    assert load_image(data).size == (200, 100)
    with pytest.raises(UnreadableMediaError, match=r"<\d+ bytes>"):
        load_image(data[: len(data) // 3])


def test_not_an_image(tmp_path):
    path = tmp_path / "text.png"
    path.write_text("no image")
    with pytest.raises(UnreadableMediaError, match=r"text\.png"):
        load_image(path)


@pytest.mark.parametrize("data", ["A", "AAA", "éé", base64.b64encode(b"no image").decode()])
def test_damaged_base64(data):
    with pytest.raises(UnreadableMediaError, match="data:image"):
        load_image("data:image/png;base64," + data)


def test_data_that_is_not_base64():
    with pytest.raises(InvalidArgumentError, match="base64"):
        load_image("data:image/svg+xml,%3Csvg/%3E")


@pytest.mark.parametrize("source", [None, 3, ["a.png"], {"image": "a.png"}])
def test_other_types(source):
    with pytest.raises(InvalidArgumentError, match=type(source).__name__):
        load_image(source)


def test_files_are_closed(png):
    fds = Path("/proc/self/fd")
    if not fds.exists():
        pytest.skip("open files are counted in /proc")
    before = len(list(fds.iterdir()))
    for _ in range(3):
        load_image(png)
        with pytest.raises(UnreadableMediaError):
            load_image(b"no image")
    assert len(list(fds.iterdir())) == before


def test_a_program_that_draws_is_not_run(tmp_path, monkeypatch):
    """Pillow would start Ghostscript on it."""
    path = tmp_path / "image.png"
    Image.new("RGB", (60, 50)).save(path, "EPS")

    def run(*args, **options):
        raise AssertionError("Ghostscript was started")

    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", run)
    with pytest.raises(UnreadableMediaError, match=r"image\.png is a program that draws \(EPS\)"):
        load_image(path)
