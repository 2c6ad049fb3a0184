"""Read the pages of the documentation: their prose, their blocks of code, and their anchors."""

from __future__ import annotations

import re
from dataclasses import dataclass

from support.paths import ROOT

PAGES = sorted(
    page.relative_to(ROOT).as_posix()
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("tests/*/README.md"))
)
_BLOCK = re.compile(r"^(?P<fence>```)(?P<language>\w*)[^\n]*\n(?P<text>.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """A fenced block of code."""

    language: str
    text: str
    line: int


def text_of(page):
    return (ROOT / page).read_text("utf-8")


def prose_of(page):
    """Return a page without its blocks of code."""
    return _BLOCK.sub("", text_of(page))


def blocks_of(page, *languages):
    """Return the blocks of a page in their order, of some languages or of all."""
    text = text_of(page)
    blocks = [
        Block(found["language"], found["text"], text[: found.start()].count("\n") + 1)
        for found in _BLOCK.finditer(text)
    ]
    return [block for block in blocks if not languages or block.language in languages]


def commands_of(block):
    return [line for line in block.text.splitlines() if line.strip()]


def anchors_of(page):
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}
