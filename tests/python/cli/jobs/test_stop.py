"""Test that the command line stops promptly when told to, and leaves no partial files."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from keye_vl_rs.cli.jobs import run as batch_run
from keye_vl_rs.cli.jobs import stop
from support import cli_programs
from support.cli import call_before, copies, errors_of, leftovers, lines, made, run

pytestmark = pytest.mark.one_level

# The promise is about a second; on a busy machine a process takes a while to exit.
SOON_S = 1.5


@pytest.fixture
def five(tmp_path, clip, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return copies(clip, 5)


def interrupt_at(place, number=signal.SIGINT):
    """Return a function that interrupts this process when the video of that number starts."""

    def act(name, options):
        if name == f"{place}.mp4":
            os.kill(os.getpid(), number)
            # Python delivers signals to the main thread, which may be about to wait.
            while not options["cancel"].is_set():
                time.sleep(0.001)

    return act


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_was_done_stays_and_is_told(number, status, five, monkeypatch):
    with monkeypatch.context() as patch:
        call_before(patch, interrupt_at(2, number))
        result = run("in", "--jobs", 1)
    assert result.exit_code == status
    assert (made("in"), leftovers()) == (["0.safetensors", "1.safetensors"], [])
    assert errors_of(result) == []
    said = "stopped: 2 of 5 videos done, 3 left; rerun the same command to resume"
    assert result.stderr.splitlines() == [said]
    assert "wrote 2 .safetensors files" in result.stdout
    begun = []
    call_before(monkeypatch, lambda name, options: begun.append(name))
    assert run("in", "--jobs", 1).exit_code == 0
    assert begun == ["2.mp4", "3.mp4", "4.mp4"]


def test_handlers_are_as_before(five, monkeypatch):
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    call_before(monkeypatch, interrupt_at(0))
    assert run("in").exit_code == 130
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_what_is_ignored_stays_so(five, monkeypatch):
    """As in a program that a shell started in the background."""

    def act(name, options):
        os.kill(os.getpid(), signal.SIGINT)

    call_before(monkeypatch, act)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert run("in").exit_code == 0
    finally:
        signal.signal(signal.SIGINT, before)


def test_json_has_what_was_done(five, monkeypatch):
    call_before(monkeypatch, interrupt_at(1))
    result = run("in", "--jobs", 1, "--json")
    assert result.exit_code == 130
    assert [line["source"] for line in lines(result)] == ["in/0.mp4"]


def test_a_call_that_does_not_look_at_the_flag_is_not_waited_for(five, monkeypatch, clock):
    """The thread gets two seconds; then its partial file is removed."""
    hangs, goes_on = threading.Event(), threading.Event()

    def write(file, *arguments):
        file.write(b"half")
        os.kill(os.getpid(), signal.SIGINT)
        hangs.set()
        goes_on.wait(20)

    monkeypatch.setattr(batch_run, "write_tensors", write)
    began = clock()
    result = run("in", "--jobs", 1)
    assert hangs.is_set()
    assert clock() - began < 3
    assert result.exit_code == 130
    assert leftovers() == []
    goes_on.set()
    for thread in threading.enumerate():
        if thread.name.startswith("keye-vl-rs job"):
            thread.join(20)
    assert (made(), leftovers()) == ([], [])


def test_a_second_one_ends_it_at_once(five, monkeypatch):
    def act(name, options):
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
            while not options["cancel"].is_set():
                time.sleep(0.001)

    call_before(monkeypatch, act)
    assert run("in").exit_code == 130
    assert (made(), leftovers()) == ([], [])


def test_not_in_the_main_thread(five):
    """Signal handlers are not installed there; all else is the same."""
    codes = []
    thread = threading.Thread(target=lambda: codes.append(run("in").exit_code))
    thread.start()
    thread.join(60)
    assert codes == [0]


@pytest.mark.parametrize("stage", ["decode", "compare", "write"])
@pytest.mark.parametrize("jobs", [1, 3])
def test_it_stops_soon_in_every_stage(stage, jobs, five, clock):
    """A program gets SIGINT, as from a terminal, in the middle of a long stage."""
    options = ["--num-frames", 30, "--jobs", jobs]
    process = cli_programs.start(".", "in", *options, slow=[stage])
    with cli_programs.ended(process):
        while process.is_alive() and not Path("slow").exists():
            time.sleep(0.005)
        assert process.is_alive(), Path("stderr").read_text()
        began = clock()
        os.kill(process.pid, signal.SIGINT)
        process.join(20)
        seconds = clock() - began
    assert process.exitcode == 130, Path("stderr").read_text()
    assert seconds < SOON_S
    assert (made(), leftovers()) == ([], [])
    said = "stopped: 0 of 5 videos done, 5 left; rerun the same command to resume\n"
    assert Path("stderr").read_text() == said


def test_ctrl_c_ends_slow_imports():
    """Modules may swallow KeyboardInterrupt while they are imported."""

    def importing():
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with stop.ended_by_ctrl_c(), contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        os._exit(0)

    assert ended(importing) == -signal.SIGINT


def test_an_ignored_ctrl_c_stays_ignored_during_imports():
    def importing():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with stop.ended_by_ctrl_c():
            os.kill(os.getpid(), signal.SIGINT)
        os._exit(0)

    assert ended(importing) == 0


def ended(function):
    """Return the exit status of a child process that calls ``function``."""
    process = multiprocessing.get_context("fork").Process(target=function)
    process.start()
    process.join(20)
    return process.exitcode
