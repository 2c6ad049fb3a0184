"""Test the files of a report: complete, escaped, small, and without leftovers."""

from __future__ import annotations

import dataclasses
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from keye_vl_rs import inspect_video, preprocess_video
from keye_vl_rs._decoding.damage import Damage
from keye_vl_rs.cli import app
from keye_vl_rs.errors import InvalidArgumentError
from keye_vl_rs.inspection import comparisons, thumbnails
from keye_vl_rs.inspection.comparisons import FramePair
from keye_vl_rs.inspection.page_data import page_data
from keye_vl_rs.inspection.video import MAX_FRAMES
from support.clips import BUNNY, picture
from support.reports import EVIL, EVIL_NAME, write_evil_clip

pytestmark = pytest.mark.one_level


class Page(HTMLParser):
    """Collect the elements and the texts of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts, self._in = [], [], {}, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self._in.append(dict(attrs).get("id") or tag)

    def handle_data(self, data):
        name = self._in[-1] if self._in else ""
        self.texts[name] = self.texts.get(name, "") + data


@pytest.fixture(scope="module")
def inspection():
    return inspect_video(BUNNY, fps=4)


@pytest.fixture
def evil(tmp_path):
    return write_evil_clip(tmp_path)


def test_the_page_is_whole_and_needs_nothing_else(inspection, tmp_path):
    path = inspection.save(tmp_path / "report.html")
    assert path == tmp_path / "report.html"
    assert [one.name for one in tmp_path.iterdir()] == ["report.html"]
    text = path.read_text("utf-8")
    assert text == inspection.to_html()
    page = Page(text)
    data = json.loads(page.texts["data"])
    assert data["types"] == list(inspection.frame_types)
    assert all(len(row) % 3 == 0 for row in data["pairs"])
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    assert {name for name, _ in page.attributes} & {"src", "srcset", "style", "onclick"} == set()
    assert page.tags.count("script") == 2
    contents = [value for name, value in page.attributes if name == "content"]
    assert any("default-src 'none'" in one for one in contents)
    assert "{{" not in text.replace(page.texts["script"], "")


def test_texts_of_strangers_are_escaped(evil):
    found = inspect_video(evil)
    assert dict(found.facts.tags)["title"].startswith(EVIL[:40])
    text = found.to_html()
    page = Page(text)
    assert page.tags.count("script") == 2
    assert page.tags.count("img") == 0
    assert page.texts["h1"].strip() == EVIL_NAME
    assert "<script>alert" not in text
    json.loads(page.texts["data"])
    assert set(page.texts["data"]) & set("<>&\u2028\u2029") == set()
    for html in (found._repr_html_(), preprocess_video(evil)._repr_html_()):
        assert "<script" not in html
    assert found.save(evil.parent / "out.png").stat().st_size > 1000


def test_names_that_are_no_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = b"a\xff\n.mp4".decode("utf-8", "surrogateescape")
    try:
        Path(name).write_bytes(BUNNY.read_bytes())
    except OSError:
        pytest.skip("this file system has no such names")
    found = inspect_video(name, num_frames=2)
    for suffix in (".html", ".json", ".png"):
        assert found.save(f"report{suffix}").stat().st_size > 500


def test_a_picture(inspection, tmp_path):
    data = inspection.save(tmp_path / "report.PNG").read_bytes()
    image = Image.open(io.BytesIO(data)).convert("RGB")
    assert min(image.size) > 500
    colors = {tuple(one) for one in np.asarray(image).reshape(-1, 3)}
    assert {(0xB4, 0x47, 0x0F), (0x1F, 0x62, 0xA8)} <= colors


def test_json_to_a_file(inspection, tmp_path):
    path = inspection.save(str(tmp_path / "report.json"))
    assert path.read_text() == inspection.to_json()


def test_other_names_are_refused(inspection, tmp_path):
    for name in ("report", "report.pdf", "report.html.gz"):
        with pytest.raises(InvalidArgumentError, match=r"\.html, \.png or \.json"):
            inspection.save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_the_earlier_report(inspection, tmp_path, monkeypatch):
    path = inspection.save(tmp_path / "report.html")
    before = path.read_bytes()
    monkeypatch.setattr("os.fsync", _fail)
    with pytest.raises(OSError, match="disk"):
        inspection.save(path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["report.html"]


def _fail(*_):
    raise OSError("disk")


def test_matplotlib_is_named_if_it_is_missing(inspection, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(InvalidArgumentError, match=r"pip install 'keye-vl-rs\[plot\]'"):
        inspection.save(tmp_path / "report.png")
    assert list(tmp_path.iterdir()) == []


def test_notebooks(inspection):
    html = inspection._repr_html_()
    assert "<iframe" in html
    assert 'sandbox="allow-scripts"' in html
    summary = preprocess_video(BUNNY, fps=4)._repr_html_()
    assert f"{inspection.tokens:,} vision tokens" in summary
    assert "<iframe" not in summary
    assert len(summary) < 5000


def test_thumbnails_are_thinned_to_a_bound(monkeypatch):
    monkeypatch.setattr(thumbnails, "_MAX_BYTES", 40_000)
    made = thumbnails.Thumbnails(60)
    for index in range(60):
        made.add(picture(320, 180, index))
    images = made.take()
    assert len(images) == 60
    kept = [number for number, one in enumerate(images) if one is not None]
    assert kept == list(range(0, 60, made.step))
    assert made.step > 1
    assert 5_000 < sum(len(images[one]) for one in kept) <= 40_000
    assert Image.open(io.BytesIO(images[0])).size == (320, 180)


def test_the_largest_page_is_below_20_mb(inspection):
    """Fill all that a report may hold: frames, comparisons, maps, and thumbnails."""
    count, most = MAX_FRAMES, comparisons._MAX_PAIRS // MAX_FRAMES
    numbers = range(count)
    changes = bytes(range(2)) * 128
    rows = [()] + [
        tuple(FramePair(max(frame - back, 0), 0.5, 128, 256, b"") for back in range(1, most + 1))
        for frame in numbers[1:]
    ]
    page = dataclasses.replace(
        inspection,
        frame_types=(0,) * count,
        timestamps=tuple(frame * 12.3456 for frame in numbers),
        frame_indices=tuple(frame * 150 for frame in numbers),
        compared_with=(None, *numbers[:-1]),
        similarities=(None, *[0.5] * (count - 1)),
        changes=(None, *[changes] * (count - 1)),
        comparisons=tuple(rows),
        thresholds=(0.0, 0.5, 0.9, 1.0),
        damage=Damage("the file is truncated", tuple(numbers)),
        thumbnails=(b"x" * (thumbnails._MAX_BYTES // count),) * count,
    ).to_html()
    assert 15_000_000 < len(page.encode()) < 20_000_000


def test_without_thumbnails():
    found = inspect_video(BUNNY, num_frames=4, thumbnails=False)
    assert found.thumbnails == ()
    assert len(found.to_html()) < 100_000


def test_the_bundled_clip_is_that_of_the_tests():
    bundled = Path(thumbnails.__file__).with_name("demo.mp4")
    assert bundled.read_bytes() == BUNNY.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ({}, []),
        ({"fps": 4}, ["--fps 4"]),
        ({"fps": 4, "num_frames": 6}, ["--num-frames 6"]),
        (
            {"max_frames": 5, "min_pixels": 40_000.0, "max_pixels": 100_000, "video_end": 2.5},
            ["--max-frames 5", "--min-pixels 40000", "--max-pixels 100000", "--video-end 2.5"],
        ),
    ],
    ids=str,
)
def test_options_of_the_report_repeat_it_on_the_command_line(arguments, options):
    found = inspect_video(BUNNY, **arguments, thumbnails=False)
    assert page_data(found)["otherOptions"] == options
    words = " ".join(options).split()
    result = CliRunner().invoke(app, ["inspect", str(BUNNY), "--json", *words])
    repeated = json.loads(result.stdout)
    assert repeated["frame_indices"] == list(found.frame_indices)
    assert repeated["tokens"] == found.tokens
