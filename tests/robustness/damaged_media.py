"""Read damaged videos and images: each must be read or refused, in time, and leave nothing behind.

    PYTHONPATH=tests/python python tests/robustness/damaged_media.py --files 20000
    PYTHONPATH=tests/python python tests/robustness/damaged_media.py --seconds 60 --first 500000

Each file goes through `preprocess_video`, or through `process_vision_info` of either model, in a
worker process, which is replaced when it dies. A fault is a crash, a call that exceeds its timeout,
an exception that is not one of this package's, or a file or thread that stays open. Files that
cause faults are kept in the folder given with `--keep`.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import itertools
import os
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from damage import Case, case
from support import forked

# The timeout of a call, and the extra seconds after which its process counts as hung.
TIMEOUT_S = 20.0
PATIENCE_S = 60.0
# Maximum number of cases per process.
_BATCH = 1000
# Cases to run before descriptors and threads are counted: the first calls load modules and start
# pools.
_WARM_UP = 40


Read = Callable[[Case, Path], str]


@dataclass
class Report:
    """Collect the outcomes of the files."""

    outcomes: collections.Counter[str] = field(default_factory=collections.Counter)
    faults: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")

    @property
    def count(self) -> int:
        """Return how many files were tried."""
        return self.outcomes.total()

    def __str__(self) -> str:
        """Return one line per outcome."""
        lines = [f"{count:7,}  {outcome}" for outcome, count in self.outcomes.most_common()]
        lines.append(f"{self.count:7,}  files; the slowest took {self.slowest[0]:.2f} s")
        lines += [f"FAULT: {fault}" for fault in self.faults]
        return "\n".join(lines)


def run_case(one: Case, folder: Path) -> str:
    """Read a damaged file and return the outcome; only exceptions of this package are caught."""
    import keye_vl_rs
    from keye_vl_rs import preview
    from keye_vl_rs.errors import KeyeVLError

    path = folder / one.name
    path.write_bytes(one.data)
    way = one.number % 4
    try:
        if one.is_image:
            message = {"type": "image", "image": str(path) if way % 2 else one.data}
            module = preview if way < 2 else keye_vl_rs
            module.process_vision_info([{"role": "user", "content": [message]}])
        elif way < 2:
            inputs = keye_vl_rs.preprocess_video(
                path if way else one.data,
                max_frames=8,
                max_pixels=28 * 28 * 8,
                timeout=TIMEOUT_S,
                on_error="partial" if one.number % 8 < 4 else "raise",
            )
            check_inputs(inputs)
        else:
            message = {"type": "video", "video": str(path), "max_frames": 8}
            module = preview if way == 2 else keye_vl_rs
            module.process_vision_info([{"role": "user", "content": [message]}])
    except KeyeVLError as error:
        if not str(error):
            raise AssertionError("an error without a word") from error
        return type(error).__name__
    return "read"


def check_inputs(inputs: Any) -> None:
    """Check that the parts of a result agree, whatever the video was."""
    patches = int(inputs.video_grid_thw.prod(-1).sum())
    assert len(inputs.pixel_values_videos) == patches, f"{patches} patches are said"
    frames = int(inputs.num_frames.sum())
    assert len(inputs.frame_types) == len(inputs.timestamps) == frames, f"{frames} frames are said"
    assert bool(inputs.pixel_values_videos.isfinite().all()), "not every pixel is finite"


def work(pipe: Any, first: int, count: int, read: Read) -> None:
    """Run cases one after another, and report the start and end of each."""
    warnings.simplefilter("ignore")
    os.environ["KEYE_VL_UTILS_PARALLEL_NUM"] = "1"
    with tempfile.TemporaryDirectory() as folder, quiet():
        before = None
        for number in range(first, first + count):
            pipe.send(("starts", number, "", 0.0))
            one = case(number)
            started = time.monotonic()
            fault = ""
            try:
                outcome = read(one, Path(folder))
            except BaseException as error:
                outcome, fault = "FAULT", f"{one}: {type(error).__name__}: {error}"
            seconds = time.monotonic() - started
            if seconds > TIMEOUT_S + 1:
                fault = fault or f"{one}: took {seconds:.1f} s"
            if number - first == _WARM_UP:
                before = open_things()
            elif before is not None and (after := open_things()) > before:
                fault = fault or f"{one}: (descriptors, threads) grew from {before} to {after}"
                before = after
            pipe.send(("ends", number, fault or outcome, seconds))


def open_things() -> tuple[int, int]:
    """Return how many descriptors and threads this process has."""
    return len(os.listdir("/proc/self/fd")), threading.active_count()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Suppress what libraries print about damage."""
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        yield


def run(
    first: int,
    count: int,
    seconds: float,
    jobs: int,
    *,
    keep: Path | None = None,
    patience: float = PATIENCE_S,
    read: Read = run_case,
) -> Report:
    """Try files until a number or a time is reached, in several processes.

    Args:
        first: the number of the first case.
        count: maximum number of cases.
        seconds: maximum time.
        jobs: number of concurrent processes.
        keep: a folder for files that cause faults.
        patience: seconds without a report after which a process is killed, which is a fault.
        read: the function to run on each case; other processes must be able to import it.
    """
    report = Report()
    lock = threading.Lock()
    batch = max(1, min(_BATCH, -(-count // jobs)))
    numbers = itertools.count(first, batch)
    ends = time.monotonic() + seconds

    def note(number: int, text: str, seconds: float) -> None:
        with lock:
            _note(report, number, text, seconds, keep)

    def supervise() -> None:
        while time.monotonic() < ends:
            with lock:
                start = next(numbers)
            stop = min(start + batch, first + count)
            while start < stop and time.monotonic() < ends:
                start = _batch(start, stop, ends, patience, read, note)
            if stop >= first + count:
                return

    threads = [threading.Thread(target=supervise) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return report


def _batch(
    start: int, stop: int, ends: float, patience: float, read: Read, note: Callable[..., None]
) -> int:
    """Run cases in a new process until all are done or it dies; return the next number."""
    mine, theirs = forked.context().Pipe()
    process = forked.start(work, theirs, start, stop - start, read)
    theirs.close()
    number, begun = start, False
    try:
        while number < stop and time.monotonic() < ends:
            # A process takes a while to start.
            if not mine.poll(patience if begun else PATIENCE_S):
                note(number, f"{case(number)}: no end within {patience:g} s", patience)
                return number + 1
            what, number, text, seconds = mine.recv()
            begun = True
            if what == "ends":
                note(number, text, seconds)
                number += 1
        return number
    except EOFError:
        process.join()
        note(number, f"{case(number)}: the process ended with {process.exitcode}", 0.0)
        return number + 1
    finally:
        process.kill()
        process.join()


def _note(report: Report, number: int, text: str, seconds: float, keep: Path | None) -> None:
    is_fault = text.startswith("case ")
    report.outcomes["FAULT" if is_fault else text] += 1
    report.slowest = max(report.slowest, (seconds, f"case {number}"))
    if is_fault:
        report.faults.append(text)
        print(text, flush=True)
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            one = case(number)
            (keep / f"{number}-{one.name}").write_bytes(one.data)
    elif report.count % 1000 == 0:
        print(f"{report.count:,} files", flush=True)


def main() -> int:
    """Run the program; return 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10**9, help="how many at most")
    parser.add_argument("--seconds", type=float, default=1e9, help="how long at most")
    parser.add_argument("--first", type=int, default=0, help="the number of the first case")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--keep", type=Path, help="a folder for the files of faults")
    options = parser.parse_args()
    if options.files == 10**9 and options.seconds == 1e9:
        parser.error("say --files or --seconds")
    report = run(options.first, options.files, options.seconds, options.jobs, keep=options.keep)
    print(report)
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
