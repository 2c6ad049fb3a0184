"""Test standard output and error in encodings that lack characters, closed, and full."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from keye_vl_rs import cli
from keye_vl_rs.cli import commands
from support.cli import made

pytestmark = pytest.mark.one_level

UNDECODABLE = os.fsdecode(b"bad\xff.mp4")
NAMES = ("жук.mp4", "😀.mp4", UNDECODABLE)
ESCAPED = (r"\u0436\u0443\u043a.mp4", r"\U0001f600.mp4", r"bad\udcff.mp4")


@pytest.fixture
def named(videos, monkeypatch):
    for name in NAMES:
        try:
            shutil.copy("a.mp4", name)
        except OSError:
            pytest.skip("this file system has no such names")


@pytest.fixture
def program(monkeypatch):
    """Return a function that runs the command line on streams of an encoding."""

    def run(*arguments, encoding="utf-8", errors="strict"):
        streams = {
            name: io.TextIOWrapper(io.BytesIO(), encoding, errors, write_through=True)
            for name in ("stdout", "stderr")
        }
        with monkeypatch.context() as patch:
            for name, stream in streams.items():
                patch.setattr(sys, name, stream)
            patch.setattr(sys, "argv", ["keye-vl-rs", "preprocess", *arguments])
            with pytest.raises(SystemExit) as ended:
                cli.main()
        return ended.value.code, *(stream.buffer.getvalue() for stream in streams.values())

    return run


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1"])
@pytest.mark.usefixtures("named")
def test_what_the_encoding_lacks_is_escaped(encoding, program):
    status, out, err = program(*NAMES, "missing ж.mp4", encoding=encoding)
    assert status == 1
    for name in ESCAPED:
        assert out.decode("ascii").count(name) == 1
    # Columns align with the escaped names.
    rows = [line for line in out.decode("ascii").splitlines() if ".mp4 " in line]
    assert len({line.index("1.20 s") for line in rows}) == 1
    assert err.decode("ascii") == "error: missing \\u0436.mp4: no such file or folder\n"
    assert len(made()) == len(NAMES)
    status, out, _ = program(*NAMES, "--json", encoding=encoding)
    assert status == 0
    assert [json.loads(line)["source"] for line in out.splitlines()] == list(NAMES)


@pytest.mark.usefixtures("named")
def test_what_the_encoding_has_is_shown_as_it_is(program):
    _, out, _ = program(*NAMES)
    for name in (*NAMES[:2], ESCAPED[2]):
        assert out.decode("utf-8").count(name) == 1


@pytest.mark.usefixtures("named")
def test_in_the_c_locale_names_are_the_bytes_that_they_are(program):
    """Streams of the C locale write the bytes of names unchanged, and only ASCII characters."""
    _, out, err = program(*NAMES, "missing ж.mp4", encoding="ascii", errors="surrogateescape")
    assert b"bad\xff.mp4" in out
    assert ESCAPED[0].encode() in out
    assert err == b"error: missing \\u0436.mp4: no such file or folder\n"


def test_usage_that_the_encoding_lacks(program):
    status, _, err = program("a.mp4", "--dtype", "ж", encoding="ascii")
    assert status == 2
    assert b"\\u0436" in err


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_closed_streams(arguments, videos, monkeypatch):
    """As after ``>&- 2>&-`` in a shell."""
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    monkeypatch.setattr(sys, "argv", ["keye-vl-rs", "preprocess", "a.mp4", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    assert made() == ["a.safetensors"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_a_full_output_is_an_error(arguments, videos, monkeypatch, capsys):
    discarded = []
    monkeypatch.setattr(commands, "discard_output", lambda: discarded.append(True))
    monkeypatch.setattr(sys, "argv", ["keye-vl-rs", "preprocess", "a.mp4", *arguments])
    # Unbuffered, so that closing the file has nothing left to write.
    with (
        open("/dev/full", "wb", buffering=0) as device,
        io.TextIOWrapper(device, "utf-8", write_through=True) as full,
        monkeypatch.context() as patch,
    ):
        patch.setattr(sys, "stdout", full)
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said == "error: cannot write to standard output: No space left on device\n"
    assert discarded == [True]
