"""Turn pytest-benchmark's JSON into a table, a chart and a dated record, next to the previous one.

    python benches/python/report.py build/bench.json [--save]

``--save`` keeps the record and the chart in benches/records.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

RECORDS = Path(__file__).resolve().parents[1] / "records"
# A ratio that fell by more than this is flagged; between runs on one machine they vary by less.
NOISE = 0.15
# The tests whose cases the chart shows, with a title and a colour.
GROUPS = {
    "file_to_tensors": ("file to tensors", "#013a63"),
    "processor_stage": ("processor stage", "#2a6f97"),
    "operator_in_the_published_processor": ("operator in the published processor", "#468faf"),
    "slow_fast_stage": ("slow/fast stage", "#61a5c2"),
    "images": ("images", "#468faf"),
    "pixels": ("pixels, 720p", "#2a6f97"),
}
PEER = "#b0b7bf"


def read_record(path: Path) -> dict:
    """Return a run's date and machine and, for each case, the times and the ratio."""
    run = json.loads(path.read_text())
    cases = {
        row["name"].removeprefix("test_"): {
            "reference_ms": round(row["extra_info"]["reference_s"] * 1e3, 3),
            "ours_ms": round(row["stats"]["median"] * 1e3, 3),
            "ratio": round(row["extra_info"]["ratio"], 3),
        }
        for row in run["benchmarks"]
        if "ratio" in row["extra_info"]
    }
    megabytes = {
        row["name"].removeprefix("test_"): round(row["extra_info"]["megabytes"])
        for row in run["benchmarks"]
        if "megabytes" in row["extra_info"]
    }
    return {
        "date": run["datetime"][:10],
        "machine": run["machine_info"]["keye_vl_rs"],
        "cases": cases,
        "megabytes": megabytes,
    }


def kept_records() -> dict | None:
    """Return the latest recorded figures of every case, and the date of the latest record."""
    records = [json.loads(path.read_text()) for path in sorted(RECORDS.glob("*.json"))]
    if not records:
        return None
    newest = records[-1]
    return {
        **newest,
        "dates": sorted({record["date"] for record in records}),
        "cases": {name: case for record in records for name, case in record["cases"].items()},
    }


def print_table(record: dict, before: dict | None) -> None:
    """Print every case with its ratio and the previous ratio."""
    machine = record["machine"]
    print(f"\n{record['date']}: {machine['cpu']}, transformers {machine['transformers']}")
    print("medians of runs in turn; equality asserted first; ratio = reference / ours\n")
    print(f"{'case':<62}{'reference':>13}{'ours':>12}{'ratio':>9}{'before':>9}")
    fallen = []
    for name, case in record["cases"].items():
        old = (before or {"cases": {}})["cases"].get(name)
        print(
            f"{name:<62}{case['reference_ms']:>10,.1f} ms{case['ours_ms']:>9,.1f} ms"
            f"{case['ratio']:>8.2f}x" + (f"{old['ratio']:>8.2f}x" if old else f"{'-':>9}")
        )
        if old and case["ratio"] < old["ratio"] * (1 - NOISE):
            fallen.append(f"{name}: {old['ratio']:.2f}x -> {case['ratio']:.2f}x")
    for name, megabytes in record["megabytes"].items():
        print(f"{name:<62}{megabytes:>10,} MB above imports and result")
    if before:
        print(f"\ncompared with the record of {before['date']}:", "; ".join(fallen) or "none fell")


def draw_chart(record: dict, path: Path) -> None:
    """Draw the ratios to the published code as bars, with those of other libraries."""
    bars = []
    for prefix, (title, colour) in GROUPS.items():
        for name, case in record["cases"].items():
            if name.startswith(f"{prefix}["):
                label = name[len(prefix) + 1 : -1].replace("torch.", "")
                is_peer = prefix == "pixels" and not label.startswith("ours")
                bars.append((f"{title}: {label}", case["ratio"], PEER if is_peer else colour))
    figure, axes = plt.subplots(figsize=(9, 0.32 * len(bars) + 1.2))
    labels, ratios, shades = zip(*reversed(bars), strict=True)
    drawn = axes.barh(labels, ratios, color=shades)
    axes.bar_label(drawn, [f"{ratio:.1f}x" for ratio in ratios], padding=3, fontsize=8)
    axes.axvline(1, color="#555", linewidth=0.8)
    axes.set_xlim(0, max(ratios) * 1.1)
    axes.set_xlabel("times faster than the published Python path (bit-identical unless a peer)")
    machine = record["machine"]
    dates = " and ".join(record.get("dates", [record["date"]]))
    conditions = f"{machine['threads']} threads each side, {machine['simd']}, {dates}"
    axes.set_title(f"keye-vl-rs: {conditions}", fontsize=10)
    axes.tick_params(axis="y", labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    print(f"chart: {path}")


def main() -> None:
    """Report on a run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="what --benchmark-json wrote")
    parser.add_argument("--save", action="store_true", help="keep record and chart")
    options = parser.parse_args()
    record = read_record(options.run)
    print_table(record, kept_records())
    draw_chart(record, options.run.with_suffix(".png"))
    if options.save:
        RECORDS.mkdir(exist_ok=True)
        kept = RECORDS / f"{record['date']}-{record['machine']['simd']}.json"
        kept.write_text(json.dumps(record, indent=1) + "\n")
        draw_chart(kept_records() or record, RECORDS / "latest.png")


if __name__ == "__main__":
    main()
