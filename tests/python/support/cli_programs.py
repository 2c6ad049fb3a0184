"""Run the command line in processes that start quickly."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path

from support import forked


def start(folder, *arguments, slow=()):
    """Start ``keye-vl-rs preprocess`` in ``folder``.

    Its output goes to the files ``stdout`` and ``stderr`` there. ``slow`` names stages to slow
    down: "decode", "compare" and "write". The file ``slow`` appears once such a stage has started.
    """
    return forked.start(_main, folder, list(map(str, arguments)), slow)


@contextmanager
def ended(*processes):
    """Kill the processes at the end, also when a test fails."""
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def _main(folder, arguments, slow):
    os.chdir(folder)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), number)
    from keye_vl_rs import cli

    for stage in slow:
        _SLOW[stage]()
    Path("started").touch()
    sys.argv = ["keye-vl-rs", "preprocess", *arguments]
    cli.main()


def _slow_decoding():
    from keye_vl_rs._decoding.rgb import RgbConverter

    RgbConverter.convert = _after_a_while(RgbConverter.convert)


def _slow_comparing():
    from keye_vl_rs._streaming.pipeline import PatchPipeline

    PatchPipeline.compare = _after_a_while(PatchPipeline.compare)


def _slow_writing():
    """Write small chunks, each of which takes a while to reach the disk."""
    from keye_vl_rs.cli.jobs import tensors_file

    tensors_file._CHUNK_BYTES = 1 << 16
    os.fsync = _after_a_while(os.fsync)


def _after_a_while(function):
    import time

    def slowly(*arguments):
        Path("slow").touch()
        time.sleep(0.02)
        return function(*arguments)

    return slowly


_SLOW = {"decode": _slow_decoding, "compare": _slow_comparing, "write": _slow_writing}
