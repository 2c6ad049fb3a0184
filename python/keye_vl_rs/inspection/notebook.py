"""Show a report in a notebook."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from keye_vl_rs._util.notebook import bar_html, facts_html
from keye_vl_rs.inspection.page_data import header_facts, report_title
from keye_vl_rs.inspection.report import render_report

if TYPE_CHECKING:
    from keye_vl_rs.inspection.result import VideoInspection

__all__ = ["inspection_html"]

# A notebook stores what it shows, so that larger pages are better saved as files.
_MAX_CHARACTERS = 4 << 20


def inspection_html(inspection: VideoInspection) -> str:
    """Return a summary, and the whole report within a frame if it is not too large."""
    counts = inspection.token_counts
    parts = [
        ("slow frames", counts.slow),
        ("fast frames", counts.fast),
        ("timestamps (estimate)", counts.timestamps),
        ("markers", counts.markers),
    ]
    summary = facts_html(report_title(inspection), header_facts(inspection)) + bar_html(parts)
    page = render_report(inspection)
    if len(page) > _MAX_CHARACTERS:
        return f"{summary}<p>The report is too large for a notebook: save('report.html').</p>"
    return (
        f'{summary}<iframe sandbox="allow-scripts" title="Report on the frames" width="100%" '
        f'height="900" style="border:1px solid #8888" srcdoc="{html.escape(page)}"></iframe>'
    )
