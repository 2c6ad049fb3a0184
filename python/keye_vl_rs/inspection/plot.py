"""Draw the report as a picture, with matplotlib."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

from keye_vl_rs._core import __version__
from keye_vl_rs._slow_fast.sizes import FAST, SLOW
from keye_vl_rs._util.shorten import shorten
from keye_vl_rs.errors import InvalidArgumentError
from keye_vl_rs.inspection.page_data import header_facts, report_title

if TYPE_CHECKING:
    from keye_vl_rs.inspection.result import VideoInspection

__all__ = ["draw_png"]

_SLOW, _FAST, _TEXT, _MARK = "#b4470f", "#1f62a8", "#8a8792", "#7b4fb0"
# Thumbnails in the picture: of slow frames, evenly thinned.
_MAX_THUMBNAILS = 8


def draw_png(inspection: VideoInspection) -> bytes:
    """Return a PNG file with the curve of similarity, thumbnails, and the tokens as a bar.

    Raises:
        InvalidArgumentError: matplotlib is missing.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InvalidArgumentError(
            "a report in .png needs matplotlib: pip install 'keye-vl-rs[plot]', or write .html"
        ) from error
    # Without pyplot, which would choose a backend for the whole process.
    figure = Figure(figsize=(12, 7.6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(_plain(report_title(inspection)), x=0.01, ha="left", weight="bold")
    parts: Any = figure.subfigures(3, 1, height_ratios=(1.5, 3.2, 1.3))
    pictures, curve, bar = parts
    _draw_thumbnails(pictures, inspection)
    _draw_curve(curve.subplots(), inspection)
    _draw_bar(bar.subplots(), inspection)
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": f"keye-vl-rs {__version__}"})
    return file.getvalue()


def _draw_thumbnails(figure: Any, inspection: VideoInspection) -> None:
    from PIL import Image

    facts = "\n".join(f"{name}: {_plain(text)}" for name, text in header_facts(inspection).items())
    numbers = [
        number
        for number, image in enumerate(inspection.thumbnails)
        if image is not None and inspection.frame_types[number] == SLOW
    ]
    step = max(1, math.ceil(len(numbers) / _MAX_THUMBNAILS))
    shown = numbers[::step]
    grid = figure.add_gridspec(1, len(shown) + 3)
    text = figure.add_subplot(grid[0, :3])
    text.axis("off")
    text.text(0, 1, facts, va="top", fontsize=8, wrap=True)
    for place, number in enumerate(shown):
        axes = figure.add_subplot(grid[0, place + 3])
        axes.imshow(Image.open(io.BytesIO(inspection.thumbnails[number] or b"")))
        axes.set_title(f"slow {number}", fontsize=8, color=_SLOW)
        axes.set(xticks=[], yticks=[])
        for side in axes.spines.values():
            side.set(color=_SLOW, linewidth=2.5)


def _draw_curve(axes: Any, inspection: VideoInspection) -> None:
    shares = [1.0 if one is None or math.isnan(one) else one for one in inspection.similarities]
    axes.plot(shares, color="#999999", linewidth=1, zorder=1)
    for kind, label, style in (
        (SLOW, "slow", {"marker": "D", "color": _SLOW, "s": 42}),
        (FAST, "fast", {"marker": "o", "facecolors": "white", "edgecolors": _FAST, "s": 26}),
    ):
        numbers = [one for one, found in enumerate(inspection.frame_types) if found == kind]
        axes.scatter(numbers, [shares[one] for one in numbers], label=label, zorder=2, **style)
    threshold = inspection.options.min_frame_similarity
    if math.isfinite(threshold):
        axes.axhline(threshold, color="black", linestyle="--", label=f"threshold {threshold:g}")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_ylim(min(0.78, *shares, max(threshold, 0.0)) - 0.02, 1.03)
    axes.set(xlabel="sampled frame", ylabel="patches like the last slow frame")
    axes.legend(loc="lower left", fontsize=8)
    axes.grid(alpha=0.25)


def _draw_bar(axes: Any, inspection: VideoInspection) -> None:
    counts = inspection.token_counts
    start = 0
    for name, count, color, hatch in (
        ("slow frames", counts.slow, _SLOW, ""),
        ("fast frames", counts.fast, _FAST, "//"),
        ("timestamps, about", counts.timestamps, _TEXT, "||"),
        ("markers", counts.markers, _MARK, ".."),
    ):
        label = f"{name}: {count:,}"
        axes.barh(0, count, left=start, color=color, hatch=hatch, edgecolor="white", label=label)
        start += count
    axes.set(yticks=[], xlabel="tokens", xlim=(0, start))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.45), ncols=4, fontsize=8, frameon=False)


def _plain(text: str) -> str:
    """Return text that matplotlib draws as it is: a pair of dollars would begin a formula."""
    printable = "".join(one if one.isprintable() else "?" for one in shorten(text))
    return printable.encode("utf-8", "replace").decode().replace("$", r"\$")
