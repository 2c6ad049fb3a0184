"""Test the command line as a separate program."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import keye_vl_rs
from support.cli import NAMES, copy_videos, leftovers, load, made

pytestmark = pytest.mark.one_level

WRONG_LEVEL = {"KEYE_VL_RS_SIMD": "sse9"}
NO_UNICODE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
# Arguments and environment variables, by the subject of a test below.
PROGRAMS = {
    "json": (["preprocess", "a.mp4", "missing.mp4", "--json"], {}),
    "name": (["preprocess", b"bad\xff.mp4", "a.mp4"], {}),
    "locale": (["preprocess", "視頻.mp4", "missing é.mp4"], NO_UNICODE),
    "reader": (["preprocess", "a.mp4", "deep", "--json"], {}),
    "level": (["preprocess", "a.mp4", "other/a.mp4"], WRONG_LEVEL),
    "level, help": (["--help"], WRONG_LEVEL),
    "level, version": (["--version"], WRONG_LEVEL),
}
# Additional videos in the folders of these programs.
NAMED = {"name": b"bad\xff.mp4", "locale": "視頻.mp4".encode()}


def start(folder, arguments, environment, stdout):
    program = [sys.executable, "-c", "from keye_vl_rs.cli import main; main()"]
    return subprocess.Popen(
        [*program, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        errors="backslashreplace",
    )


@pytest.fixture(scope="module")
def programs(clip, tmp_path_factory):
    """Start all programs at once, each in its own folder, since each imports torch for seconds."""
    # A pipe that nobody reads, as after ``| head -1``.
    read, unread = os.pipe()
    os.close(read)
    with contextlib.ExitStack() as stack:
        started = {}
        for name, (arguments, environment) in PROGRAMS.items():
            folder = tmp_path_factory.mktemp("program")
            copy_videos(clip, folder)
            if name in NAMED:
                try:
                    shutil.copy(clip, os.path.join(os.fsencode(folder), NAMED[name]))
                except OSError:
                    continue
            stdout = unread if name == "reader" else subprocess.PIPE
            program = stack.enter_context(start(folder, arguments, environment, stdout))
            stack.callback(program.kill)
            started[name] = folder, program
        os.close(unread)
        yield started


@pytest.fixture
def result_of(programs, monkeypatch):
    """Return a function that changes to a program's folder and returns its result."""

    def finish(name):
        if name not in programs:
            pytest.skip("this file system has no such names")
        folder, program = programs[name]
        monkeypatch.chdir(folder)
        stdout, stderr = program.communicate(timeout=100)
        return subprocess.CompletedProcess(program.args, program.returncode, stdout, stderr)

    return finish


def test_a_name_that_is_not_unicode(result_of):
    done = result_of("name")
    assert "Traceback" not in done.stderr
    assert Path("a.safetensors").exists()
    assert done.returncode == 0
    assert os.path.exists(b"bad\xff.safetensors")
    assert sorted(load("a.safetensors")[0]) == NAMES
    assert leftovers() == []


def test_as_a_program(result_of):
    done = result_of("json")
    assert done.returncode == 1
    sources = {json.loads(line)["source"] for line in done.stdout.splitlines()}
    assert sources == {"a.mp4", "missing.mp4"}
    assert done.stderr == "error: missing.mp4: no such file or folder\n"


def test_the_script_is_installed():
    script = Path(sys.executable).with_name("keye-vl-rs")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"keye-vl-rs {keye_vl_rs.__version__}")


def test_a_locale_without_unicode(result_of):
    done = result_of("locale")
    assert "Traceback" not in done.stderr
    assert done.returncode == 1
    assert made() == ["視頻.safetensors"]


def test_a_reader_that_goes_away(result_of):
    """As ``| head -1`` does."""
    done = result_of("reader")
    assert "Traceback" not in done.stderr
    assert leftovers() == []


def test_a_wrong_level_is_one_error_for_all_videos(result_of):
    done = result_of("level")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.count('KEYE_VL_RS_SIMD is "sse9"') == 1
    assert result_of("level, help").returncode == 0


def test_the_version_with_a_wrong_level_is_no_traceback(result_of):
    done = result_of("level, version")
    assert "Traceback" not in done.stderr
