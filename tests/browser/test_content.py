"""Test what a report shows, and that nothing in it can run or be loaded."""

from __future__ import annotations

import io
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Error

from keye_vl_rs import inspect_video
from keye_vl_rs.errors import ConcealedDamageWarning
from support.clips import BUNNY, picture
from support.reports import EVIL, EVIL_NAME, wait_until


def screenshot(locator):
    return np.asarray(Image.open(io.BytesIO(locator.screenshot())).convert("RGB")).astype(int)


def test_facts(open_report, report, inspection):
    page = open_report(report)
    text = page.inner_text("header")
    for words in ("bunny_360p.mp4", "640x360", "275 KB, h264", "2 slow and 19 fast", "2,194"):
        assert words in text
    assert page.locator("#work-title").count() == 1
    table = page.inner_text("section.wide table")
    assert f"Packets decoded\t{inspection.counts.decoded}" in table
    assert f"Frames not sampled\t{inspection.total_frames - 21}" in table


def test_the_timeline_has_all_frames(open_report, report, inspection):
    page = open_report(report)
    cells = page.locator("#strip [role=option]")
    assert cells.count() == len(inspection.frame_types)
    for frame, kind in enumerate(inspection.frame_types):
        cell = cells.nth(frame)
        name = "fast" if kind else "slow"
        assert f"{name} {frame}" in cell.inner_text().lower()
        assert f"Frame {frame}, " in cell.get_attribute("aria-label")
        assert cell.get_attribute("aria-label").endswith(name)
        assert cell.locator("img").get_attribute("src").startswith("data:image/jpeg;base64,")
    cells.nth(20).scroll_into_view_if_needed()
    wait_until(page, "document.querySelector('#frame-20 img').naturalWidth > 0")
    assert page.locator("#chart .fast-mark").count() == 19
    # The chosen frame, which is slow, is drawn twice.
    assert page.locator("#chart .slow-mark").count() == 3


def test_slow_and_fast_differ_by_more_than_colour(open_report, report):
    page = open_report(report)
    slow, fast = (
        page.evaluate(
            """name => {
                const cell = document.querySelector(`#strip .cell.${name}`);
                const style = getComputedStyle(cell);
                return [style.borderTopStyle, style.borderTopWidth, cell.offsetWidth];
            }""",
            name,
        )
        for name in ("slow", "fast")
    )
    assert all(one != other for one, other in zip(slow, fast, strict=True))


def test_why_a_frame_is_slow(open_report, report, inspection):
    page = open_report(report)
    for frame in range(len(inspection.frame_types)):
        page.evaluate("frame => chooseFrame(frame)", frame)
        assert page.inner_text("#sentence") == inspection.explain(frame)
        figures = page.locator("#figures figure")
        assert figures.count() == (2 if frame else 1)
        if frame:
            reference = inspection.compared_with[frame]
            assert f"Frame {reference}, " in figures.first.inner_text()
            changed = inspection.changes[frame].count(1)
            label = page.locator("#map").get_attribute("aria-label")
            rows, columns = inspection.patch_grid
            assert label == f"Map of {rows} by {columns} patches: {changed} differ"
            assert f"{changed} of " in page.inner_text("#share")


def test_the_map_marks_the_patches_that_differ(open_report, report, inspection):
    """Compare pictures of the frame with and without the marks."""
    page = open_report(report, reduced_motion="reduce")
    frame = inspection.frame_types.index(0, 1)
    page.evaluate("frame => chooseFrame(frame)", frame)
    picture = page.locator("#figures figure").nth(1).locator(".picture")
    wait_until(page, "[...document.querySelectorAll('#figures img')].every(i => i.complete)")
    marked = screenshot(picture)
    page.get_by_label("Mark the patches that differ").uncheck()
    assert page.locator("#map").count() == 0
    picture = page.locator("#figures figure").nth(1).locator(".picture")
    wait_until(page, "[...document.querySelectorAll('#figures img')].every(i => i.complete)")
    plain = screenshot(picture)
    differs = np.abs(marked - plain).max(axis=2) > 8
    rows, columns = inspection.patch_grid
    height, width = differs.shape
    for patch, change in enumerate(inspection.changes[frame]):
        row, column = divmod(patch, columns)
        # The middle of the patch; its edge is drawn over by its neighbours' outlines.
        y, x = int((row + 0.5) * height / rows), int((column + 0.5) * width / columns)
        assert differs[y - 2 : y + 3, x - 2 : x + 3].mean() == pytest.approx(change, abs=0.35)


def test_texts_of_strangers_are_only_shown(open_report, evil):
    page = open_report(evil)
    assert page.title().startswith("Slow and fast frames: ")
    assert page.text_content("h1").endswith(EVIL_NAME)
    assert page.locator("script").count() == 2
    assert page.locator("header img").count() == 0
    page.locator("summary").click()
    assert EVIL in page.locator(".tags").text_content()


@pytest.fixture
def server():
    """Return the address of a server, and the list of the requests that it got."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}/", requests
        listening.shutdown()


def test_the_policy_forbids_what_the_page_does_not_need(browser, report, server):
    """Scripts and addresses that got into the page all the same would do nothing."""
    address, requests = server
    page = browser.new_page()
    page.goto(report.as_uri())
    page.evaluate(
        """address => {
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            const image = document.createElement("img");
            image.src = `${address}image.png`;
            const frame = document.createElement("iframe");
            frame.src = address;
            document.body.append(script, image, frame);
        }""",
        address,
    )
    sent = "address => fetch(address).then(() => 'sent', () => 'refused')"
    assert page.evaluate(sent, address) == "refused"
    assert page.evaluate("window.ran") is None
    assert requests == []
    # The server is there: it is asked if the page itself is left for it.
    with suppress(Error):
        page.goto(address)
    assert requests[0] == "/"
    page.close()


def test_a_notebook_shows_the_report(browser, inspection, folder):
    path = folder / "notebook.html"
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8>{inspection._repr_html_()}", "utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    frame = page.frame_locator("iframe")
    assert frame.locator("#sentence").inner_text() == inspection.explain(7)
    assert frame.locator("#strip [role=option]").count() == 21
    page.close()


def test_other_videos(open_report, folder):
    """Reports on one frame, on black frames, on a list, and on damage open too."""
    frames = [Image.fromarray(picture(160, 320, 9 * (i // 2))) for i in range(6)]
    data = bytearray(BUNNY.read_bytes())
    at = data.index(b"mdat") + 90_000
    data[at : at + 4000] = bytes(4000)
    with pytest.warns(ConcealedDamageWarning):
        damaged = inspect_video(bytes(data), on_error="conceal", fps=25)
    for number, found in enumerate(
        (
            inspect_video(BUNNY, num_frames=1),
            inspect_video([Image.new("RGB", (160, 120))] * 3, fps=1),
            inspect_video(frames, fps=1),
            inspect_video(frames, fps=1, thumbnails=False),
            damaged,
        )
    ):
        page = open_report(found.save(folder / f"other-{number}.html"))
        assert page.locator("#strip .cell").count() == min(len(found.frame_types), 120)
        last = len(found.frame_types) - 1
        page.evaluate("frame => chooseFrame(frame)", last)
        assert page.inner_text("#sentence") == found.explain(last)
    assert damaged.damage.reason in page.inner_text("header .warning")
    page.evaluate("frame => chooseFrame(frame)", damaged.damage.frames[0])
    assert "damaged" in page.locator("[aria-selected=true]").inner_text()
