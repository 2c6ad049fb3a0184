"""Test that an output's name depends on its video alone, and that no two videos share one."""

from __future__ import annotations

import shutil
from itertools import permutations
from pathlib import Path

import pytest

from keye_vl_rs.cli import outputs
from keye_vl_rs.cli.outputs import plan_jobs
from support.cli import lines, load, made, results, run

pytestmark = pytest.mark.one_level


def targets(*inputs, output=None):
    jobs, bad = plan_jobs(inputs, output and Path(output))
    assert bad == []
    return {job.source: str(job.target) for job in jobs}


def test_a_new_neighbour_changes_nothing_about_what_was_done(videos):
    folder = Path("deep")
    shutil.copy("a.mp4", folder / "a.mp4")
    assert run("deep").exit_code == 0
    before = {name: Path(name).stat() for name in made()}
    for suffix in ("webm", "MP4", "mkv"):
        shutil.copy("a.mp4", folder / f"a.{suffix}")
    result = run("deep", "--json")
    assert result.exit_code == 0
    skipped = {name for name, line in results(result).items() if line["skipped"]}
    assert skipped == {"a.mp4", "b.mp4", "c.MKV"}
    assert set(made()) - set(before) == {
        "deep/a.webm.safetensors",
        "deep/a.MP4.safetensors",
        "deep/a.mkv.safetensors",
    }
    assert {name: Path(name).stat().st_mtime_ns for name in before} == {
        name: status.st_mtime_ns for name, status in before.items()
    }


def test_names_are_those_that_each_has_alone(videos):
    given = ["a.mp4", "b.webm", "deep", "other/a.mp4", "no_suffix", "two.dots.mov"]
    for name in ("b.webm", "no_suffix", "two.dots.mov"):
        shutil.copy("a.mp4", name)
    alone = {}
    for one in given:
        alone |= targets(one)
    assert alone == {
        "a.mp4": "a.safetensors",
        "b.webm": "b.webm.safetensors",
        "deep/b.mp4": "deep/b.safetensors",
        "deep/er/c.MKV": "deep/er/c.MKV.safetensors",
        "other/a.mp4": "other/a.safetensors",
        "no_suffix": "no_suffix.safetensors",
        "two.dots.mov": "two.dots.mov.safetensors",
    }
    assert targets(*given) == targets(*given[::-1]) == alone


@pytest.mark.parametrize("given", [*permutations(["a.mp4", "other/a.mp4", "deep"])])
def test_videos_of_one_result_are_errors_in_any_order(given, videos):
    assert run("a.mp4", "-o", "out").exit_code == 0
    before = Path("out/a.safetensors").read_bytes()
    result = run(*given, "-o", "out", "--json")
    assert result.exit_code == 1
    errors = {line["source"]: line["error"] for line in lines(result) if "error" in line}
    assert errors == {
        one: f"{one}: its output out/a.safetensors is also that of {other}: preprocess them in "
        "separate runs, each with its own --output"
        for one, other in (("a.mp4", "other/a.mp4"), ("other/a.mp4", "a.mp4"))
    }
    assert made("out") == ["a.safetensors", "b.safetensors", "er/c.MKV.safetensors"]
    assert Path("out/a.safetensors").read_bytes() == before


def test_one_file_by_two_ways_has_the_results_of_both(videos):
    """Given as itself the file has one output, given through ``deep`` the other."""
    assert targets("deep", "deep/er/c.MKV", output="out") == {
        "deep/b.mp4": "out/b.safetensors",
        "deep/er/c.MKV": "out/c.MKV.safetensors",
    }
    assert run("deep", "deep/er/c.MKV", "-o", "out").exit_code == 0
    assert made("out") == ["b.safetensors", "c.MKV.safetensors", "er/c.MKV.safetensors"]


def test_a_link_has_its_own_result(videos):
    Path("link.mp4").symlink_to("a.mp4")
    assert run("a.mp4", "link.mp4", "./a.mp4").exit_code == 0
    assert made() == ["a.safetensors", "link.safetensors"]
    assert load("link.safetensors")[1]["source"] == "link.mp4"


@pytest.mark.parametrize("ignores_case", [False, True])
def test_names_that_differ_in_case(ignores_case, videos, monkeypatch):
    monkeypatch.setattr(outputs, "_ignores_case", lambda folder: ignores_case)
    shutil.copy("a.mp4", "other/A.mp4")
    jobs, bad = plan_jobs(["a.mp4", "other/A.mp4"], Path("out"))
    assert (len(jobs), len(bad)) == ((0, 2) if ignores_case else (2, 0))


def test_the_file_system_is_asked_about_case(videos):
    Path("case").touch()
    assert outputs._ignores_case(Path("not", "there", "yet")) == Path("CASE").exists()
    assert sorted(path.name for path in Path().iterdir()) == ["a.mp4", "case", "deep", "other"]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("http://host/clip.mp4?token=secret", "clip.safetensors"),
        ("http://host/clip.mp4#t=3", "clip.safetensors"),
        ("http://host/watch?v=a/b.mp4", "watch.safetensors"),
        ("http://host/folder/clip.webm/", "clip.webm.safetensors"),
        ("http://host", "host.safetensors"),
        ("http://host/../..", "host.safetensors"),
        ("http://[", "video.safetensors"),
    ],
)
def test_addresses_are_named_without_their_query(address, name):
    assert targets(address) == {address: name}


def test_addresses_of_one_name_are_errors_without_their_queries():
    given = ["http://host/watch?v=1", "http://host/watch?v=2", "http://host/watch?v=1"]
    jobs, bad = plan_jobs(given, None)
    assert jobs == []
    assert [one.given for one in bad] == given[:2]
    assert all("?v=" not in one.reason for one in bad)
