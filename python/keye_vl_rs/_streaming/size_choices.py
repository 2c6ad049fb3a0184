"""Track the sizes that frames can still get while the number of slow frames is unknown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from keye_vl_rs._slow_fast.sizes import SLOW, Size

__all__ = ["SizeChoices", "Window"]

Pair = tuple[Size, Size]


@dataclass(frozen=True)
class Window:
    """Name the runs ``first`` to ``last`` of equal sizes: those that are possible, or likely."""

    first: int
    last: int

    @property
    def decided(self) -> bool:
        """Return whether only one pair of sizes is left."""
        return self.first == self.last


@dataclass(frozen=True)
class SizeChoices:
    """List the sizes of slow and fast frames for each number of slow frames.

    Attributes:
        frames: the number of frames of the video.
        runs: each pair of sizes (slow, fast), by rising number of slow frames.
        run_of: for each number of slow frames from 0 on, the index of its pair in ``runs``.
    """

    frames: int
    runs: list[Pair]
    run_of: list[int]

    @classmethod
    def of(cls, frames: int, plan: Callable[[int], Pair]) -> SizeChoices:
        """Compute the sizes for every possible number of slow frames.

        Args:
            frames: the number of frames of the video.
            plan: returns the sizes for a number of slow frames, which is at least one.
        """
        runs: list[Pair] = []
        run_of = [0]
        for slow_frames in range(1, frames + 1):
            pair = plan(slow_frames)
            if not runs or runs[-1] != pair:
                runs.append(pair)
            run_of.append(len(runs) - 1)
        return cls(frames, runs, run_of)

    def possible(self, slow: int, seen: int) -> Window:
        """Return the runs that are possible if ``slow`` of the first ``seen`` frames are slow."""
        return Window(self.run_of[slow], self.run_of[slow + self.frames - seen])

    def likely(self, slow: int, seen: int, spread: float) -> Window:
        """Return the runs that follow if the share of slow frames stays about what it is.

        Args:
            slow: slow frames so far.
            seen: frames so far.
            spread: by how much of itself the share may change, 0 to 1.
        """
        rate = slow / max(seen, 1)
        rest = self.frames - seen
        few = slow + int(rest * rate * (1 - spread))
        many = slow + int(rest * min(1.0, rate * (1 + spread)) + 0.999)
        return Window(self.run_of[few], self.run_of[min(many, slow + rest)])

    def sizes(self, kind: int, window: Window) -> list[Size]:
        """Return the distinct sizes of slow or of fast frames within a window."""
        which = 0 if kind == SLOW else 1
        runs = self.runs[window.first : window.last + 1]
        return list(dict.fromkeys(pair[which] for pair in runs))
