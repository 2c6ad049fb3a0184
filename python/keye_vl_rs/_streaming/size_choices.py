"""Which sizes frames can still get, while it is open how many of them are slow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from keye_vl_rs._slow_fast.sizes import PATCH_SIZE, SLOW, Size

__all__ = ["SizeChoices", "Window"]

Pair = tuple[Size, Size]


@dataclass(frozen=True)
class Window:
    """Runs ``first`` to ``last`` of equal sizes: those that are still possible, or likely."""

    first: int
    last: int

    @property
    def decided(self) -> bool:
        """Whether the sizes are known."""
        return self.first == self.last


@dataclass(frozen=True)
class SizeChoices:
    """The sizes of slow and fast frames for each number of slow frames.

    Attributes:
        frames: of the video.
        runs: each pair of sizes (slow, fast), in the order in which numbers of slow frames lead to
            them.
        run_of: for each number of slow frames from 0 on, the place of its pair in ``runs``.
    """

    frames: int
    runs: list[Pair]
    run_of: list[int]

    @classmethod
    def of(cls, frames: int, plan: Callable[[int], Pair]) -> SizeChoices:
        """``plan`` gives the sizes if so many frames are slow; one at least is."""
        runs: list[Pair] = []
        run_of = [0]
        for slow_frames in range(1, frames + 1):
            pair = plan(slow_frames)
            if not runs or runs[-1] != pair:
                runs.append(pair)
            run_of.append(len(runs) - 1)
        return cls(frames, runs, run_of)

    def possible(self, slow: int, seen: int) -> Window:
        """What can come out after ``slow`` slow frames among the ``seen`` first."""
        return Window(self.run_of[slow], self.run_of[slow + self.frames - seen])

    def likely(self, slow: int, seen: int, spread: float) -> Window:
        """What comes out if the rest has slow frames as often, give or take a share ``spread``."""
        rate = slow / max(seen, 1)
        rest = self.frames - seen
        few = slow + int(rest * rate * (1 - spread))
        many = slow + int(rest * min(1.0, rate * (1 + spread)) + 0.999)
        return Window(self.run_of[few], self.run_of[min(many, slow + rest)])

    def sizes(self, kind: int, window: Window) -> list[Size]:
        """The different sizes of frames of a kind within a window."""
        place = 0 if kind == SLOW else 1
        runs = self.runs[window.first : window.last + 1]
        return list(dict.fromkeys(pair[place] for pair in runs))


def patches(size: Size) -> int:
    """Of a frame of a size."""
    return size[0] * size[1] // PATCH_SIZE**2
