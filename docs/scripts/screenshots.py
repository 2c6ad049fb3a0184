"""Make the screenshots of the manual from real runs: the command line, and a report on frames.

    python docs/scripts/screenshots.py

Programs run in a temporary folder with a copy of the bundled clip. Terminals become SVG images that
load nothing: they use the reader's own monospaced font. The report becomes a PNG image that a
headless Chromium takes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from io import BytesIO, StringIO
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "docs" / "assets"
CLIP = ROOT / "tests" / "media" / "bunny_360p.mp4"
COLUMNS = 100
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WINDOW = {"width": 1200, "height": 1000}
COLOURS = 128
# What is run, by the name of its image.
RUNS = {
    "cli-help.svg": ["--help"],
    "cli-probe.svg": ["probe", "bunny_360p.mp4", "--fps", "4"],
    "cli-preprocess.svg": [
        "preprocess", "bunny_360p.mp4", "--fps", "4", "--output", "demo-out",
    ],
}  # fmt: skip
# As rich's own, without the fonts that it would load from a CDN.
FORMAT = re.sub(r"@font-face\s*\{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
    "Fira Code, monospace", "ui-monospace, monospace"
)


def run(arguments: list[str], folder: Path) -> str:
    """Run the command line in a folder, and return what it shows, with its colours."""
    environment = {
        **os.environ,
        "COLUMNS": str(COLUMNS),
        "TERMINAL_WIDTH": str(COLUMNS),
        "FORCE_COLOR": "1",
        "TERM": "xterm-256color",
        "PYTHONPATH": str(ROOT / "python"),
    }
    program = "from keye_vl_rs.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.argv[0] = 'keye-vl-rs'; {program}", *arguments],
        cwd=folder,
        env=environment,
        # Bars of progress, which overwrite each other, go to the standard error.
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def draw(command: str, output: str, name: str) -> str:
    """Return a picture of a terminal that shows a command and its output."""
    shown = Text.from_ansi(output.strip("\n"))
    # Tables take the width that they need, as in a terminal that is wide enough.
    width = max(COLUMNS, *(line.cell_len for line in shown.split()))
    console = Console(record=True, width=width, file=StringIO(), legacy_windows=False)
    console.print(Text(f"$ {command}", style="bold"))
    console.print(shown)
    svg = console.export_svg(
        title="keye-vl-rs", code_format=FORMAT, unique_id=name.removesuffix(".svg")
    )
    if "url(http" in svg or str(ROOT) in svg or str(Path.home()) + "/" in svg:
        raise ValueError(f"{name} would load something, or shows a path of this machine")
    return svg


def photograph(report: Path) -> None:
    """Write a picture of a report as Chromium shows it, in few colours."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if chromium is None:
        raise SystemExit("no Chromium: install it, or set CHROMIUM to its path")
    with sync_playwright() as playwright:
        # The sandbox needs rights that containers lack; the page is our own.
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=chromium, args=options)
        page = browser.new_page(viewport=WINDOW)
        page.goto(report.as_uri())
        picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
        browser.close()
    target = ASSETS / "inspect.png"
    picture.quantize(COLOURS).save(target, optimize=True)
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size / 1024:.0f} KiB")


def main() -> None:
    """Make all screenshots."""
    ASSETS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(CLIP, folder)
        for image, arguments in RUNS.items():
            svg = draw(" ".join(["keye-vl-rs", *arguments]), run(arguments, folder), image)
            # One final newline, and none at the ends of lines.
            text = "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"
            (ASSETS / image).write_text(text, "utf-8")
            print(f"{(ASSETS / image).relative_to(ROOT)}: {len(text) / 1024:.0f} KiB")
        run(["inspect", CLIP.name, "--fps", "4", "-o", "report.html"], folder)
        photograph(folder / "report.html")


if __name__ == "__main__":
    main()
