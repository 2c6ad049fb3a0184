"""Files that hold results: where they go."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keye_vl_rs._encoded_sources import is_encoded
from keye_vl_rs._sources import describe_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["BadInput", "Job", "plan_jobs"]

SUFFIX = ".safetensors"
# What is taken for a video in a folder; a file that is named is always tried.
VIDEO_SUFFIXES = (
    *(".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4"),
    *(".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv"),
)


@dataclass(frozen=True)
class Job:
    """A video, and the file that its tensors go to."""

    source: str
    target: Path


@dataclass(frozen=True)
class BadInput:
    """Something on the command line that holds no video, and what is wrong with it."""

    given: str
    reason: str


def plan_jobs(inputs: Sequence[str], output: Path | None) -> tuple[list[Job], list[BadInput]]:
    """What to do for files, folders and addresses, and what is wrong with some of them.

    A folder stands for every video in it and below; a video that is named twice is done once.
    Results go beside their videos, or below ``output``, where a folder keeps its inner structure;
    videos whose results would have one name keep their suffixes in it, and get numbers if that is
    not enough. ``output`` may name the file itself where there is one video.
    """
    found: dict[str, tuple[str, Path]] = {}
    bad: list[BadInput] = []
    for given in inputs:
        path, shown = Path(given), describe_source(given)
        if is_encoded(given):
            bad.append(BadInput(shown, f"{shown}: expected a file, a folder or an address"))
        elif "://" in given:
            name = Path(given.partition("?")[0]).name or "video"
            found.setdefault(given, (given, Path(name)))
        elif os.path.isdir(path):
            videos = sorted(_videos_below(path))
            for video in videos:
                below = video if output is None else video.relative_to(path)
                found.setdefault(os.path.realpath(video), (str(video), below))
            if not videos:
                suffixes = " ".join(VIDEO_SUFFIXES)
                bad.append(BadInput(shown, f"{shown}: holds no video (no file in {suffixes})"))
        elif os.path.exists(path):
            below = path if output is None else Path(path.name)
            found.setdefault(os.path.realpath(path), (given, below))
        else:
            bad.append(BadInput(shown, f"{shown}: no such file or folder"))
    videos_found = list(found.values())
    if output is not None and output.suffix == SUFFIX and not output.is_dir():
        if len(videos_found) > 1:
            reason = f"{output}: expected a folder for the results of {len(videos_found)} videos"
            return [], [*bad, BadInput(str(output), reason)]
        return [Job(source, output) for source, _ in videos_found], bad
    folder = output or Path()
    return [Job(source, folder / target) for source, target in _named(videos_found)], bad


def _videos_below(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if path.suffix.lower() in VIDEO_SUFFIXES and not name.startswith("."):
                yield path


def _named(found: Sequence[tuple[str, Path]]) -> Iterator[tuple[str, Path]]:
    """Each source with a name for its result that no other has."""
    uses = Counter(path.with_suffix(SUFFIX) for _, path in found)
    taken: set[Path] = set()
    for source, path in found:
        short = path.with_suffix(SUFFIX)
        numbered = (path.with_name(f"{path.name}-{i}{SUFFIX}") for i in itertools.count(2))
        names = itertools.chain([path.with_name(path.name + SUFFIX)], numbered)
        if uses[short] == 1:
            names = itertools.chain([short], names)
        target = next(name for name in names if name not in taken)
        taken.add(target)
        yield source, target
