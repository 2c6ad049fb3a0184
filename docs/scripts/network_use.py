"""Find what a built site would load from the network.

    python docs/scripts/network_use.py build/site

Links that a reader follows are allowed; scripts, styles, fonts, images and frames are not.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

# Elements that load something when a page is opened, with the attributes that say what.
LOADING = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),
    "img": ("src", "srcset"),
    "input": ("src",),
    "link": ("href",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}
# Relations of <link> that load nothing.
INERT = {"canonical", "next", "prev", "license", "author"}
_REMOTE = re.compile(r"(?:https?:|wss?:)?//[\w.-]", re.IGNORECASE)
_IN_STYLE = re.compile(r"""(?:url\(\s*|@import\s+)["']?((?:https?:)?//[^"')\s;]+)""", re.IGNORECASE)
_IN_SCRIPT = re.compile(r"""["'`](https?://[^"'`\s]+\.js|https?://unpkg\.com[^"'`\s]*)["'`]""")
# What the theme's script loads only for elements that no page may have (see below), and for
# browsers without ResizeObserver, which came before 2020.
_ON_DEMAND = ("https://unpkg.com/mermaid", "https://unpkg.com/resize-observer-polyfill")


class _Page(HTMLParser):
    """Collect what a page, or an SVG image, loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Check the attributes of an element."""
        values = {name: value or "" for name, value in attrs}
        self._inside = tag if tag in ("style", "script") else ""
        if "mermaid" in values.get("class", "").split():
            self.found.append("a mermaid diagram, whose program the theme loads from a CDN")
        if tag == "link" and values.get("rel") in INERT:
            return
        for name in LOADING.get(tag, ()):
            if _REMOTE.match(values.get(name, "")):
                self.found.append(f"<{tag} {name}={values[name]!r}>")
        self.found += _IN_STYLE.findall(values.get("style", ""))

    def handle_data(self, data: str) -> None:
        """Check the text of styles and scripts."""
        if self._inside == "style":
            self.found += _IN_STYLE.findall(data)
        elif self._inside == "script":
            self.found += _in_script(data)

    def handle_endtag(self, tag: str) -> None:
        """Leave an element."""
        self._inside = ""


def _in_script(text: str) -> list[str]:
    return [url for url in _IN_SCRIPT.findall(text) if not url.startswith(_ON_DEMAND)]


def find(site: Path) -> list[str]:
    """Return a line for each thing that a file of the site would load from the network."""
    return [
        f"{path.relative_to(site)}: {what}"
        for path in sorted(site.rglob("*"))
        for what in _in(path)
    ]


def _in(path: Path) -> Iterator[str]:
    if path.suffix in (".html", ".svg"):
        page = _Page()
        page.feed(path.read_text("utf-8"))
        yield from page.found
    elif path.suffix == ".css":
        yield from _IN_STYLE.findall(path.read_text("utf-8"))
    elif path.suffix == ".js":
        yield from _in_script(path.read_text("utf-8"))


if __name__ == "__main__":
    lines = find(Path(sys.argv[1]))
    print("\n".join(lines))
    sys.exit(bool(lines))
