"""Draw the charts of the manual from the dated records in ``benches/records``.

    python docs/scripts/charts.py

Each record holds the cases that a run measured; of a case that several have, the latest counts. The
images bring their own background and follow the reader's colour scheme. The same records give the
same bytes, which a test compares with the committed files.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECORDS = ROOT / "benches" / "records"
ASSETS = ROOT / "docs" / "assets"

WIDTH, LABELS, ROW, BAR, MARGIN = 800, 290, 26, 16, 16
STYLE = """
  .back { fill: #ffffff; stroke: #d0d7de; }
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 15px; }
  .small, .axis { font-size: 11px; fill: #59636e; }
  .ours { fill: #1f6feb; }
  .other { fill: #8c959f; }
  .line { stroke: #59636e; stroke-dasharray: 3 3; }
  @media (prefers-color-scheme: dark) {
    .back { fill: #161b22; stroke: #30363d; }
    text { fill: #e6edf3; }
    .small, .axis { fill: #9198a1; }
    .ours { fill: #58a6ff; }
    .other { fill: #6e7681; }
    .line { stroke: #9198a1; }
  }
"""


@dataclass(frozen=True)
class Bar:
    """One bar: its label, its length, the text at its end, and whether it is this package's."""

    label: str
    value: float
    text: str
    ours: bool = True


@dataclass(frozen=True)
class Case:
    """A measured case and the record that it comes from."""

    reference_ms: float
    ours_ms: float
    ratio: float
    date: str


def read_cases() -> tuple[dict[str, Case], str]:
    """Return the latest figures of every case, and the machine of the latest record."""
    cases: dict[str, Case] = {}
    machine = ""
    for path in sorted(RECORDS.glob("*.json")):
        record = json.loads(path.read_text("utf-8"))
        machine = record["machine"]["cpu"].partition(", ")[2]
        for name, case in record["cases"].items():
            cases[name] = Case(**case, date=record["date"])
    return cases, machine


def draw(title: str, bars: list[Bar], note: str, *, marks_one: bool) -> str:
    """Return a chart of horizontal bars as SVG.

    Args:
        title: the first line, also for screen readers.
        bars: from top to bottom.
        note: the last line.
        marks_one: draw a line at 1, the speed of the published code.
    """
    top = 52
    height = top + ROW * len(bars) + 34
    scale = (WIDTH - LABELS - MARGIN - 110) / max(bar.value for bar in bars)
    described = "; ".join(f"{bar.label}: {bar.text}" for bar in bars)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-labelledby="title description">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="description">{escape(described)}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="back" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
        f'<text class="title" x="{MARGIN}" y="30">{escape(title)}</text>',
    ]
    for place, bar in enumerate(bars):
        y = top + ROW * place
        kind = "ours" if bar.ours else "other"
        length = max(1.0, bar.value * scale)
        shape = f'x="{LABELS}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2"'
        parts += [
            f'<text x="{LABELS - 8}" y="{y + 13}" text-anchor="end">{escape(bar.label)}</text>',
            f'<rect class="{kind}" {shape}/>',
            f'<text x="{LABELS + length + 6:.1f}" y="{y + 13}">{escape(bar.text)}</text>',
        ]
    if marks_one:
        x = LABELS + scale
        bottom = top + ROW * len(bars) - 6
        parts.append(f'<line class="line" x1="{x:.1f}" y1="{top - 4}" x2="{x:.1f}" y2="{bottom}"/>')
    parts.append(f'<text class="small" x="{MARGIN}" y="{height - 14}">{escape(note)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def seconds_chart(cases: dict[str, Case], machine: str) -> str:
    """Draw the seconds from a file to tensors, published and ours."""
    chosen = _group(cases, "file_to_tensors")
    bars = []
    for label, case in chosen.items():
        published, ours = case.reference_ms / 1e3, case.ours_ms / 1e3
        bars.append(Bar(f"{label}, published", published, f"{published:.1f} s", ours=False))
        bars.append(Bar("keye-vl-rs", ours, f"{ours:.1f} s ({case.ratio:.1f}x)"))
    return draw("From a video file to tensors", bars, _note(chosen, machine), marks_one=False)


def stages_chart(cases: dict[str, Case], machine: str) -> str:
    """Draw how many times faster the stages are than the published ones."""
    chosen = {
        f"{stage}: {label.removesuffix(', float32')}": case
        for group, stage in (("processor_stage", "processor"), ("slow_fast_stage", "slow/fast"))
        for label, case in _group(cases, group).items()
        if not label.endswith("bfloat16")
    }
    bars = [Bar(name, case.ratio, f"{case.ratio:.0f}x") for name, case in chosen.items()]
    title = "Stages, times faster than the published code"
    return draw(title, bars, _note(chosen, machine), marks_one=True)


def peers_chart(cases: dict[str, Case], machine: str) -> str:
    """Draw how fast other libraries compute the pixels of a video."""
    chosen = _group(cases, "pixels")
    bars = []
    for label, case in chosen.items():
        ours = label.startswith("ours, ")
        name = label.replace("ours, ", "keye-vl-rs, ")
        text = f"{case.ratio:.1f}x" + ("" if ours else ", other bits")
        bars.append(Bar(name, case.ratio, text, ours=ours))
    title = "Pixels of a minute of 720p at fps=2, times faster than the published steps"
    return draw(title, bars, _note(chosen, machine), marks_one=True)


def _group(cases: dict[str, Case], group: str) -> dict[str, Case]:
    """Return the cases of a benchmark by what they measured."""
    return {
        name[len(group) + 1 : -1].replace("-torch.", ", "): case
        for name, case in cases.items()
        if name.startswith(f"{group}[")
    }


def _note(chosen: dict[str, Case], machine: str) -> str:
    dates = " and ".join(sorted({case.date for case in chosen.values()}))
    return f"{dates}; {machine}; results equal to the last bit unless noted"


CHARTS = {
    "speed-files.svg": seconds_chart,
    "speed-stages.svg": stages_chart,
    "speed-peers.svg": peers_chart,
}


def main() -> None:
    """Write all charts."""
    cases, machine = read_cases()
    for name, chart in CHARTS.items():
        (ASSETS / name).write_text(chart(cases, machine), "utf-8")
        print(ASSETS.relative_to(ROOT) / name)


if __name__ == "__main__":
    main()
