"""Write the report as one HTML page, from the template in ``page``.

The page must not run what a stranger has written into a file's name or metadata. Texts are escaped;
data are JSON in an element that is not a script, in which no character can end it; and the page's
policy allows the scripts and styles of the template alone, by their digests, and no request.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from keye_vl_rs._core import __version__
from keye_vl_rs.inspection.page_data import header_facts, page_data, report_title, work_facts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keye_vl_rs.inspection.result import VideoInspection

__all__ = ["render_report"]

# In this order: later ones use earlier ones.
_SCRIPTS = ("sizes.js", "what_if.js", "explain.js", "chart.js", "strip.js", "detail.js", "page.js")
# What could end the element that holds the data, or a line of a script.
_UNSAFE = {ord(one): f"\\u{ord(one):04x}" for one in "<>&\u2028\u2029"}


def render_report(inspection: VideoInspection) -> str:
    """Return the report as an HTML page that needs no other file and no network."""
    style = _template("page.css")
    script = "\n".join(_template(name) for name in _SCRIPTS)
    tags = inspection.facts.tags if inspection.facts is not None else ()
    values = {
        "policy": _policy(style, script),
        "version": html.escape(__version__),
        "title": html.escape(report_title(inspection)),
        "style": style,
        "script": script,
        "data": _json(page_data(inspection)),
        "facts": _pairs(header_facts(inspection).items()),
        "tags": _tags(tags),
        "work": _rows(work_facts(inspection)),
        "damage": _damage(inspection),
    }
    page = re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], _template("page.html"))
    # Undecodable bytes of file names are lone surrogates, which no encoding of a page has.
    return page.encode("utf-8", "backslashreplace").decode()


@cache
def _template(name: str) -> str:
    return (files("keye_vl_rs.inspection") / "page" / name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    """Return the page's content security policy: nothing is loaded, and nothing else runs."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; "
        f"script-src '{_digest(script)}'; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _json(value: Any) -> str:
    """Return JSON that can stand within any element of a page."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).translate(_UNSAFE)


def _pairs(facts: Iterable[tuple[str, str]]) -> str:
    return "\n".join(
        f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>"
        for name, value in facts
    )


def _tags(tags: Iterable[tuple[str, str]]) -> str:
    pairs = _pairs(tags)
    if not pairs:
        return ""
    return (
        "<details><summary>File metadata</summary>\n"
        f'<dl class="facts tags">\n{pairs}\n</dl></details>'
    )


def _rows(rows: Iterable[tuple[str, str, str]]) -> str:
    return "\n".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td class="number">{html.escape(value)}</td>'
        f"<td>{html.escape(meaning)}</td></tr>"
        for name, value, meaning in rows
    )


def _damage(inspection: VideoInspection) -> str:
    if inspection.damage is None:
        return ""
    return f'<p class="warning" role="note">Damaged: {html.escape(inspection.damage.reason)}</p>'
