"""Test that options are accepted by their old names, with one warning."""

from __future__ import annotations

import json
import re

import pytest
from safetensors.torch import save_file

from support.cli import errors_of, load, made, run, usage_of, versions

pytestmark = pytest.mark.one_level

OLD = [("--nframes", "--num-frames", 3), ("--buffer-mb", "--buffer-mib", 0)]


@pytest.mark.parametrize(("old", "new", "value"), OLD)
def test_old_names_warn_once(old, new, value, videos):
    done = run("a.mp4", "deep/b.mp4", old, value, "-o", "out")
    assert done.exit_code == 0, done.output
    assert errors_of(done, "warning") == [
        f"warning: {old} is now called {new}; the old name will be removed in 0.3"
    ]
    again = run("a.mp4", "deep/b.mp4", new, value, "-o", "out", "--json")
    assert errors_of(again, "warning") == []
    assert [json.loads(line)["skipped"] for line in again.stdout.splitlines()] == [True, True]


def test_the_old_name_means_the_same(videos):
    assert run("a.mp4", "--nframes", 3).exit_code == 0
    assert load("a.safetensors")[0]["num_frames"].tolist() == [3]


@pytest.mark.parametrize(("old", "new", "value"), OLD)
def test_both_names_are_wrong_usage(old, new, value, videos):
    done = run("a.mp4", old, value, new, value)
    assert done.exit_code == 2
    assert f"got both {new} and its old name {old}" in usage_of(done)
    assert made() == []


def test_the_help_has_the_new_names_only():
    text = run("--help").stdout
    for old, new, _ in OLD:
        assert new in text
        assert not re.search(rf"{old}\b", text)


def test_outputs_with_old_names_are_up_to_date(videos):
    options = ("a.mp4", "-o", "out", "--num-frames", 3, "--total-pixels", 400_000)
    assert run(*options).exit_code == 0
    tensors, metadata = load("out/a.safetensors")
    recorded = json.loads(metadata["options"])
    assert (recorded.pop("num_frames"), recorded.pop("total_pixels")) == (3, 400_000)
    recorded |= {"nframes": 3, "video_total_pixels": 400_000}
    save_file(tensors, "out/a.safetensors", metadata | {"options": json.dumps(recorded)})
    before = versions()
    done = run(*options, "--json")
    assert json.loads(done.stdout)["skipped"]
    assert versions() == before
    changed = run(*options[:-1], 500_000)
    assert "(total_pixels 400000, now 500000)" in changed.stderr
    assert versions() != before
