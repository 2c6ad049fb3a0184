"""Write small pieces of HTML for notebooks: a table of facts, and a bar of shares."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping

__all__ = ["bar_html", "facts_html"]

# Readable on light and dark backgrounds, and told apart by their patterns too.
_FILLS = (
    "#c2571a",
    "repeating-linear-gradient(45deg,#2f6fb3 0 6px,#5b94cf 6px 9px)",
    "repeating-linear-gradient(90deg,#777 0 3px,#aaa 3px 6px)",
    "#8a63b8",
)


def facts_html(title: str, facts: Mapping[str, str]) -> str:
    """Return a table of facts, by their names; all texts are escaped."""
    rows = "".join(
        f'<tr><th style="text-align:left;padding-right:1em">{html.escape(name)}</th>'
        f'<td style="text-align:left">{html.escape(value)}</td></tr>'
        for name, value in facts.items()
    )
    return f"<table><caption>{html.escape(title)}</caption>{rows}</table>"


def bar_html(parts: Iterable[tuple[str, int]]) -> str:
    """Return a bar with a segment for each (name, number), and its legend."""
    shown = [(name, count, fill) for (name, count), fill in zip(parts, _FILLS, strict=False)]
    total = sum(count for _, count, _ in shown) or 1
    label = ", ".join(f"{name} {count:,}" for name, count, _ in shown)
    segments = "".join(
        f'<div title="{html.escape(name)}: {count:,}" '
        f'style="width:{100 * count / total:.3f}%;background:{fill}"></div>'
        for name, count, fill in shown
        if count
    )
    keys = "".join(
        f'<span style="margin-right:1em"><span style="display:inline-block;width:1em;height:.8em;'
        f'background:{fill}"></span> {html.escape(name)}: {count:,}</span>'
        for name, count, fill in shown
    )
    return (
        f'<div role="img" aria-label="{html.escape(label)}" style="display:flex;height:1.1em;'
        f'max-width:36em;border:1px solid #8888">{segments}</div><div>{keys}</div>'
    )
