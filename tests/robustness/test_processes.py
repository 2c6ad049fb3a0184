"""Test child processes of every kind after the parent has used the library, and thread limits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from loading import Videos, load
from support.clips import Clip

# Workers that are not forked import torch themselves, so there are fewer of them.
WORKERS = {"fork": 4, "forkserver": 2, "spawn": 2}
ITEMS = 200


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    clips = [Clip(f"{n}.mp4", width=96, height=64, count=20 + 5 * n) for n in range(3)]
    return [str(clip.write(folder)) for clip in clips]


@pytest.fixture
def two_threads(monkeypatch):
    """Give the parent a thread pool, which a fork does not inherit."""
    monkeypatch.setenv("KEYE_VL_UTILS_PARALLEL_NUM", "2")


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
@pytest.mark.usefixtures("two_threads")
def test_a_data_loader_with_workers(method, paths):
    expected = {(n % 3, n % 2): load(paths[n % 3], n)["tensor"] for n in range(6)}
    loader = torch.utils.data.DataLoader(
        Videos(paths, ITEMS),
        batch_size=None,
        num_workers=WORKERS[method],
        multiprocessing_context=method,
        timeout=120,
    )
    numbers = []
    for item in loader:
        number = item["number"]
        numbers.append(number)
        assert torch.equal(item["tensor"], expected[number % 3, number % 2]), number
    assert numbers == list(range(ITEMS))
    # The parent still works too.
    assert torch.equal(load(paths[0], 1)["tensor"], expected[0, 1])


THREADS = "from keye_vl_rs import _core; print(_core.thread_count())"


def threads_in(command, **options):
    environment = {
        key: value
        for key, value in os.environ.items()
        if key not in ("KEYE_VL_UTILS_PARALLEL_NUM", "OMP_NUM_THREADS")
    }
    return int(subprocess.check_output([*command], env=environment, text=True, **options))


# Moves the process into the cgroup given as argument. Prints 0 if that is refused, or if the kernel
# reports another cgroup, as in a container that sees only some of them.
MOVED = f"""
import os, pathlib, sys
group = pathlib.Path(sys.argv[1])
try:
    (group / "cgroup.procs").write_text("0")
except OSError:
    print(0)
    sys.exit()
if f"/{{group.name}}\\n" not in pathlib.Path("/proc/self/cgroup").read_text():
    print(0)
    sys.exit()
{THREADS}
"""


def test_a_cgroup_quota_limits_threads():
    """A quota of one core on a machine with more gives one thread."""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("this process has one core")
    group = _make_group(100_000)
    try:
        threads = threads_in([sys.executable, "-c", MOVED, str(group)])
    finally:
        group.rmdir()
    if not threads:
        pytest.skip("a process cannot be put into a cgroup here")
    assert threads == 1
    assert threads_in([sys.executable, "-c", THREADS]) == len(os.sched_getaffinity(0))


def _make_group(quota):
    """Create a cgroup with a quota in microseconds per 100,000, or skip the test."""
    first, second = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")
    is_first = first.is_dir()
    group = (first if is_first else second) / f"keye-vl-rs-{os.getpid()}"
    try:
        group.mkdir()
        if is_first:
            (group / "cpu.cfs_period_us").write_text("100000")
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (group / "cpu.max").write_text(f"{quota} 100000")
    except OSError as error:
        if group.is_dir():
            group.rmdir()
        pytest.skip(f"no cgroup can be made here: {error}")
    return group


def test_affinity_limits_threads():
    one = min(os.sched_getaffinity(0))
    script = f"import os; os.sched_setaffinity(0, [{one}]); {THREADS}"
    assert threads_in([sys.executable, "-c", script]) == 1


@pytest.mark.usefixtures("two_threads")
def test_the_number_of_threads_changes_between_calls(paths, monkeypatch):
    expected = load(paths[0], 1)["tensor"]
    for threads in ("1", "3", "2", "1", "7", "", "none"):
        monkeypatch.setenv("KEYE_VL_UTILS_PARALLEL_NUM", threads)
        assert torch.equal(load(paths[0], 1)["tensor"], expected)
