"""Test that a partial file never appears in place of a whole one."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from keye_vl_rs._util.partial_files import (
    discard_partials,
    partial_of,
    sweep_partials,
    whole_file,
)
from support import cli_programs
from support.cli import copies, leftovers, load, made, run

pytestmark = pytest.mark.one_level

TARGET = Path("out/a.safetensors")


@pytest.fixture
def out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    TARGET.parent.mkdir()


@pytest.fixture(scope="module")
def dead():
    """Return the process ID of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def partial(target=TARGET, *, pid=None, host=None, age=0):
    """Create a partial file as another process would have left it."""
    path = partial_of(target)
    stem, writer, suffix = path.name.rsplit(".", 2)
    here, own = writer.split("-")
    path = path.with_name(f"{stem}.{host or here}-{pid or own}.{suffix}")
    path.write_bytes(b"half")
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_a_partial_is_hidden_and_beside_its_file(out):
    with whole_file(TARGET) as file:
        file.write(b"half")
        assert not TARGET.exists()
        (name,) = os.listdir("out")
        assert name.startswith(".a.safetensors.")
        assert name.endswith(f"-{os.getpid()}.partial")
        # A process does not sweep its own files while they are in use.
        sweep_partials([TARGET])
        assert leftovers() == [name]
    assert os.listdir("out") == ["a.safetensors"]


def test_an_error_leaves_what_was_there(out):
    TARGET.write_bytes(b"old")

    def write_half():
        with whole_file(TARGET) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert (TARGET.read_bytes(), leftovers()) == (b"old", [])


def test_it_is_on_the_disk_before_it_has_its_name(out, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: (calls.append("fsync"), fsync(number)))
    monkeypatch.setattr(os, "replace", lambda *names: (calls.append("replace"), replace(*names)))
    with whole_file(TARGET) as file:
        file.write(b"whole")
    assert calls == ["fsync", "replace"]


def test_what_hangs_is_given_up(out):
    """A writer that resumes after its file was discarded fails."""

    def write_on():
        with whole_file(TARGET) as file:
            file.write(b"half")
            discard_partials()
            assert os.listdir("out") == []

    with pytest.raises(FileNotFoundError):
        write_on()
    assert os.listdir("out") == []


def test_what_the_dead_left_is_swept(out, dead):
    partial(pid=dead)
    partial(pid=dead, age=1e6)
    # Of an earlier process with the same ID.
    partial(pid=os.getpid())
    # No process has such an ID.
    partial(pid=10**30)
    sweep_partials([TARGET])
    assert leftovers() == []


def test_what_the_living_write_is_kept(out, dead):
    kept = [
        partial(pid=os.getppid()),
        # Process IDs of another host say nothing here.
        partial(pid=dead, host="elsewhere"),
        # Of another output.
        partial(Path("out/b.safetensors"), pid=dead),
        partial(Path("out/a.safetensors.safetensors"), pid=dead),
    ]
    for name in ("a.safetensors.partial", ".a.partial", ".partial", "a.safetensors"):
        Path("out", name).write_bytes(b"")
        kept.append(Path("out", name))
    sweep_partials([TARGET, Path("nowhere/a.safetensors")])
    assert sorted(os.listdir("out")) == sorted(path.name for path in kept)


def test_what_nobody_adds_to_is_swept_in_the_end(out, dead):
    """Old files are swept where the writer's host is another one, or its process ID was reused."""
    for age in (3000, 4000):
        partial(pid=os.getppid() + age, host="elsewhere", age=age)
        partial(pid=os.getppid(), age=4000)
    assert len(leftovers()) == 3
    sweep_partials([TARGET])
    assert [path.name.split(".")[3] for path in Path("out").iterdir()] == [
        f"elsewhere-{os.getppid() + 3000}"
    ]


def test_a_name_as_long_as_files_may_have(out, dead):
    target = Path("out", "視" * 80 + "abc.safetensors")
    partial(target, pid=dead)
    sweep_partials([target])
    assert leftovers() == []
    with whole_file(target) as file:
        file.write(b"whole")
    assert os.listdir("out") == [target.name]


def test_a_run_sweeps_before_it_begins(videos, dead):
    partial(Path("a.safetensors"), pid=dead)
    assert run("a.mp4").exit_code == 0
    assert leftovers() == []
    partial(Path("a.safetensors"), pid=dead)
    # Also if no video is pending.
    assert run("a.mp4").exit_code == 0
    assert leftovers() == []


@pytest.fixture
def four(tmp_path, clip, monkeypatch):
    monkeypatch.chdir(tmp_path)
    copies(clip, 4)
    assert run("in", "-o", "right").exit_code == 0
    return {name: Path("right", name).read_bytes() for name in made("right")}


def test_killed_again_and_again(four):
    """Killed at any time, it leaves only whole files; a last run completes the outputs."""

    def halves(process):
        return [name for name in leftovers("out") if f"-{process.pid}." in name]

    found = []
    for whole in range(4):
        process = cli_programs.start(".", "in", "-o", "out", "--jobs", 2, slow=["write"])
        with cli_programs.ended(process):
            # The first is killed when it starts to write, later ones after more files.
            while process.is_alive() and not (halves(process) and len(made("out")) >= whole):
                time.sleep(0.002)
        found.append(len(halves(process)))
        for name in made("out"):
            assert Path("out", name).read_bytes() == four[name]
    assert sum(map(bool, found)) >= 2, "some were killed in the middle of writing"
    assert made("out"), "and some after they had written a file"
    result = run("in", "-o", "out")
    assert result.exit_code == 0
    assert {name: Path("out", name).read_bytes() for name in made("out")} == four
    assert leftovers(".") == []


def test_several_at_once_write_the_same(four):
    """All succeed, and no file mixes the data of two writers."""
    processes = [
        cli_programs.start(".", "in", "-o", "out", "--jobs", 2, slow=["write"]) for _ in range(3)
    ]
    with cli_programs.ended(*processes):
        for process in processes:
            process.join(60)
        assert [process.exitcode for process in processes] == [0, 0, 0], Path("stderr").read_text()
    assert {name: Path("out", name).read_bytes() for name in made("out")} == four
    assert sorted(load("out/0.safetensors")[0]) == sorted(load("right/0.safetensors")[0])
    assert leftovers(".") == []


def test_two_threads_may_write_the_same_file(out):
    with whole_file(TARGET) as first:
        first.write(b"first")
        with whole_file(TARGET) as second:
            second.write(b"second")
        assert TARGET.read_bytes() == b"second"
    assert TARGET.read_bytes() == b"first"
    assert [path.name for path in TARGET.parent.iterdir()] == [TARGET.name]


def test_a_file_that_an_earlier_process_with_the_same_id_left(out):
    """As in containers, where a program always has the same id."""
    left = [partial_of(TARGET), partial_of(TARGET, 1)]
    for path in left:
        path.touch()
    with whole_file(TARGET) as file:
        file.write(b"new")
    assert TARGET.read_bytes() == b"new"
    sweep_partials([TARGET])
    assert not any(path.exists() for path in left)
