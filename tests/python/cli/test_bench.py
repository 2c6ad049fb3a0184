"""Test keye-vl-rs bench: it checks that results are equal, then takes medians of both sides."""

from __future__ import annotations

import json
import sys

import pytest
import torch
from typer.testing import CliRunner

from keye_vl_rs import vision_process
from keye_vl_rs.cli import app, bench, main
from keye_vl_rs.errors import KeyeVLError
from oracle.published_processor import published_call
from support.clips import BUNNY
from support.preprocess import HALF
from support.processor import TOKENIZER

pytestmark = pytest.mark.one_level


@pytest.fixture(autouse=True)
def same_threads_afterwards(monkeypatch):
    threads = torch.get_num_threads()
    monkeypatch.setenv("KEYE_VL_UTILS_PARALLEL_NUM", "2")
    yield
    torch.set_num_threads(threads)


def test_the_published_pixels_are_those_of_the_published_processor():
    frames = bench.synthetic_frames(6, 120, 160)
    types = torch.tensor([0, 1, 1, 0, 1, 0])
    published = published_call(
        TOKENIZER,
        ["<|video_pad|>"],
        [frames],
        frame_types=[types],
        timestamps=[None],
        height=[112],
        width=[168],
        fast_height=[56],
        fast_width=[84],
        image_mean=HALF,
        image_std=HALF,
    )
    pixels = bench.published_patches(frames, types, (112, 168), (56, 84))
    assert torch.equal(pixels, published["pixel_values_videos"])


def test_both_stages_are_compared():
    results = bench.compare_stages(bench.synthetic_frames(6, 120, 160), threads=1, runs=2)
    assert [one.stage for one in results] == ["slow/fast", "patches"]
    for one in results:
        assert one.ours > 0
        assert one.published > 0
        assert one.ratio == one.published / one.ours


def test_without_the_reference_package_our_own_time_is_shown(monkeypatch):
    monkeypatch.setattr(bench, "REFERENCE_MODULES", ("no_such_module",))
    slow_fast, patches = bench.compare_stages(bench.synthetic_frames(4, 60, 80), threads=1, runs=1)
    assert slow_fast.published is None
    assert slow_fast.ratio is None
    assert patches.ratio is not None


def test_results_that_differ_are_a_fault(monkeypatch):
    monkeypatch.setattr(bench, "published_patches", lambda frames, *_: torch.zeros(len(frames)))
    with pytest.raises(
        KeyeVLError, match="patches: the results differ from those of the published code"
    ):
        bench.compare_stages(bench.synthetic_frames(4, 60, 80), threads=1, runs=1)


def test_made_frames_are_slow_where_the_scene_changes():
    types = vision_process.extract_slow_fast_frames(bench.synthetic_frames(8, 120, 160))
    assert types[0] == 0
    assert 4 <= (types == 0).sum() <= 8


def test_the_command_prints_a_table_and_json():
    arguments = ["bench", str(BUNNY), "--runs", "1", "--threads", "2", "--max-frames", "4"]
    table = CliRunner().invoke(app, arguments)
    assert table.exit_code == 0, table.output
    assert "4 frames of 640x360" in table.output
    assert table.output.count("x\n") >= 2
    result = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).output)
    assert result["frames"] == [4, 3, 360, 640]
    assert set(result["stages"]) == {"slow/fast", "patches"}


@pytest.mark.parametrize(
    ("name", "most", "status", "said"),
    [
        ("missing.mp4", "9", 1, "error: missing.mp4: no such file\n"),
        ("damaged.mp4", "9e9", 1, "error: damaged.mp4 is "),
        (str(BUNNY), "many", 2, "error: KEYE_VL_RS_MAX_FRAMES is 'many': "),
    ],
)
def test_the_status_tells_a_bad_video_from_wrong_usage(
    name, most, status, said, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "damaged.mp4").write_bytes(BUNNY.read_bytes()[:50_000])
    monkeypatch.setenv("KEYE_VL_RS_MAX_FRAMES", most)
    monkeypatch.setattr(sys, "argv", ["keye-vl-rs", "bench", name])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == status
    assert capsys.readouterr().err.startswith(said)
