"""Test that a full disk ends a run at once."""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path

import pytest

from keye_vl_rs.cli.jobs import run as batch_run
from support.cli import copies, errors_of, leftovers, lines, made, run

pytestmark = pytest.mark.one_level


@pytest.fixture
def six(videos, clip):
    return copies(clip, 6)


def count_decoding(monkeypatch):
    decoded = []
    preprocess = batch_run.preprocess_video

    def counted(source, **options):
        decoded.append(source)
        return preprocess(source, **options)

    monkeypatch.setattr(batch_run, "preprocess_video", counted)
    return decoded


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("code", ["ENOSPC", "EDQUOT", "EFBIG", "EROFS"])
def test_a_full_disk_ends_the_run(code, jobs, six, monkeypatch):
    number = getattr(errno, code)

    def fail(file, *arguments):
        file.write(b"half")
        raise OSError(number, os.strerror(number))

    decoded = count_decoding(monkeypatch)
    monkeypatch.setattr(batch_run, "write_tensors", fail)
    result = run("in", "--jobs", jobs)
    assert result.exit_code == 1
    assert len(decoded) <= jobs
    (error,) = errors_of(result)
    assert os.strerror(number) in error
    assert "the run was stopped, since nothing more can be written: free disk space" in error
    assert errors_of(result, "stopped") == [
        "stopped: 1 of 6 videos done, 5 left; rerun the same command to resume"
    ]
    assert (made(), leftovers()) == ([], [])


def test_what_was_written_before_stays_and_the_same_command_goes_on(six, monkeypatch):
    write, written = batch_run.write_tensors, []

    def fail_later(file, *arguments):
        written.append(file)
        if len(written) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(file, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(batch_run, "write_tensors", fail_later)
        result = run("in", "--jobs", 1, "--json")
    assert result.exit_code == 1
    assert ["error" in line for line in lines(result)] == [False, False, True]
    assert made("in") == ["0.safetensors", "1.safetensors"]
    again = run("in", "--json")
    assert again.exit_code == 0
    assert sum(line["skipped"] for line in lines(again)) == 2


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_real_limit_of_the_system(jobs, six, monkeypatch):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    decoded = count_decoding(monkeypatch)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        result = run("in", "-o", "out", "--jobs", jobs)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert result.exit_code == 1
    assert "File too large" in errors_of(result)[0]
    assert len(decoded) <= jobs
    assert list(Path("out").iterdir()) == []


def test_other_errors_of_writing_cost_one_video_alone(six, monkeypatch):
    write = batch_run.write_tensors

    def fail(file, *arguments):
        if ".0.safetensors." in file.name:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        write(file, *arguments)

    monkeypatch.setattr(batch_run, "write_tensors", fail)
    assert run("in").exit_code == 1
    assert made("in") == [f"{number}.safetensors" for number in range(1, 6)]
