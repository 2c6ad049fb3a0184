"""Test widths, colours, the keyboard, labels and long videos."""

from __future__ import annotations

from itertools import pairwise

import pytest

from keye_vl_rs._sampling.rules import VideoRules
from keye_vl_rs.inspection import inspect_video
from keye_vl_rs.inspection.collector import Collector
from support.clips import BUNNY
from support.core import noise
from support.reports import wait_until

WIDTHS = (360, 414, 768, 1080, 1280, 1600)
# The contrast that the guidelines on accessibility (WCAG 2, level AA) ask for.
CONTRAST = 4.5
CONTRASTS = """() => {
    const channel = (byte) => byte <= 10 ? byte / 3294.6 : ((byte / 255 + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
    const ground = (element) => {
        for (let one = element; one; one = one.parentElement) {
            const color = numbers(getComputedStyle(one).backgroundColor);
            if (color.length < 4 || color[3] === 1) return color;
        }
        return [255, 255, 255];
    };
    const texts = "h1, h2, p, dt, dd, th, td, label, button, li, .badge, .cell span, #chart text";
    return [...document.querySelectorAll(texts)]
        .filter((one) => one.textContent.trim() && !one.disabled && one.getClientRects().length)
        .map((one) => {
            const style = getComputedStyle(one);
            const color = one.closest("#chart") ? style.fill : style.color;
            const pair = [light(numbers(color)), light(ground(one))].sort((a, b) => b - a);
            return [one.textContent.trim().slice(0, 40), (pair[0] + 0.05) / (pair[1] + 0.05)];
        });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_does_not_scroll_sideways(open_report, report, evil, width, scheme):
    for path in (report, evil):
        page = open_report(path, width=width, color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        sections = page.locator("section")
        for index in range(sections.count()):
            box = sections.nth(index).bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        chart = page.locator("#chart svg").bounding_box()
        assert chart["width"] > 0.6 * min(width, 700)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_labels_of_the_chart_do_not_overlap(open_report, report, long_report, width):
    for path in (report, long_report):
        page = open_report(path, width=width)
        boxes = page.evaluate(
            """() => [...document.querySelectorAll("#chart text")]
                .filter((one) => one.textContent.startsWith("frame"))
                .map((one) => one.getBoundingClientRect())
                .map((box) => [box.left, box.right])"""
        )
        assert len(boxes) >= 2
        assert all(end < start for (_, end), (start, _) in pairwise(boxes))


def test_the_chart_follows_the_width(open_report, report):
    page = open_report(report, width=1600)
    before = page.locator("#chart svg").bounding_box()["width"]
    page.set_viewport_size({"width": 400, "height": 800})
    wait_until(page, f"document.querySelector('#chart svg').clientWidth < {before} - 100")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_are_readable(open_report, report, scheme):
    page = open_report(report, color_scheme=scheme)
    found = page.evaluate(CONTRASTS)
    assert len(found) > 60
    assert [one for one in found if one[1] < CONTRAST] == []
    color = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(one) for one in color[4:-1].split(","))
    assert (brightness < 120) == (scheme == "dark")


def chosen(page):
    found = page.locator("#strip [aria-selected=true]")
    assert found.count() == 1
    assert page.locator("#strip").get_attribute("aria-activedescendant") == found.get_attribute(
        "id"
    )
    return int(found.get_attribute("data-frame"))


def test_keys_move_from_frame_to_frame(open_report, report, inspection):
    page = open_report(report)
    assert chosen(page) == 7
    page.locator("#strip").focus()
    for key, frame in (
        ("ArrowRight", 8),
        ("ArrowDown", 9),
        ("ArrowLeft", 8),
        ("ArrowUp", 7),
        ("Home", 0),
        ("ArrowLeft", 0),
        ("PageDown", 10),
        ("End", 20),
        ("ArrowRight", 20),
        ("PageUp", 10),
    ):
        page.keyboard.press(key)
        assert chosen(page) == frame
        assert page.inner_text("#sentence") == inspection.explain(frame)
    # The strip scrolls so far that the frame is seen.
    page.keyboard.press("End")
    wait_until(
        page,
        """() => {
            const cell = document.getElementById("frame-20").getBoundingClientRect();
            const strip = document.getElementById("strip").getBoundingClientRect();
            return cell.left >= strip.left && cell.right <= strip.right + 1;
        }""",
    )


def test_keys_work_without_focus_and_not_within_controls(open_report, report):
    page = open_report(report)
    page.keyboard.press("ArrowRight")
    assert chosen(page) == 8
    page.get_by_label("Threshold, as a number").focus()
    page.keyboard.press("ArrowLeft")
    assert chosen(page) == 8


def test_everything_is_reached_by_tab_and_seen(open_report, report):
    page = open_report(report)
    reached = {}
    for _ in range(40):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            """() => {
                const element = document.activeElement;
                return [element.id || element.tagName, getComputedStyle(element).outlineWidth];
            }"""
        )
        reached.setdefault(name, outline)
    wanted = {
        *("strip", "previous-slow", "previous", "next", "show-changes", "threshold"),
        *("threshold-number", "budget", "budget-number", "reset"),
    }
    assert wanted <= set(reached)
    assert {reached[name] for name in wanted} == {"3px"}


def test_buttons_move_between_slow_frames(open_report, report):
    page = open_report(report)
    assert page.get_by_role("button", name="Next slow frame").is_disabled()
    page.get_by_role("button", name="Previous slow frame").click()
    assert chosen(page) == 0
    assert page.locator("#previous").is_disabled()
    page.get_by_role("button", name="Next frame").click()
    assert chosen(page) == 1
    page.get_by_role("button", name="Next slow frame").click()
    assert chosen(page) == 7


def test_a_click_chooses_a_frame(open_report, report):
    page = open_report(report)
    page.locator("#frame-3").click()
    assert chosen(page) == 3
    width = page.locator("#chart").bounding_box()["width"]
    page.locator("#chart").click(position={"x": width - 20, "y": 60})
    assert chosen(page) == 20


def test_screen_readers_get_names_and_news(open_report, report):
    page = open_report(report)
    assert page.get_by_role("listbox", name="Sampled frames").count() == 1
    assert page.get_by_role("option", name="Frame 7, 1.8 s, slow").count() == 1
    assert page.get_by_role("slider", name="Threshold").count() == 1
    assert page.get_by_role("slider", name="Budget of all frames").count() == 1
    assert page.get_by_role("checkbox", name="Mark the patches that differ").count() == 1
    assert page.get_by_role("img", name="Similarity of 21 frames").count() == 1
    assert page.get_by_role("img", name="slow frames 598, fast frames 1596").count() == 1
    assert page.get_by_role("status").inner_text().startswith("Threshold 0.9 and 65,536 tokens")
    assert page.locator("#sentence").get_attribute("aria-live") == "polite"
    headings = page.locator("h1, h2").all_inner_texts()
    assert len(headings) == 6
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("input, button, select")].filter(
            (one) => !one.labels?.length && !one.ariaLabel && !one.textContent.trim()).length"""
    )
    assert unnamed == 0
    # No picture without a text, but for those of frames that their label describes.
    assert page.locator("#figures img:not([alt])").count() == 0


def test_nothing_moves_for_those_who_asked_for_that(open_report, report):
    page = open_report(report, reduced_motion="reduce")
    assert (
        page.evaluate("getComputedStyle(document.querySelector('#strip')).scrollBehavior") == "auto"
    )
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.part')).transitionDuration")
        == "0s"
    )


@pytest.fixture(scope="module")
def long_report(folder):
    """Return the report on as many frames as a ten-hour video gets, of the worst kind: noise."""
    from dataclasses import replace

    rules = VideoRules()
    count = int(rules.total_pixels / rules.min_pixels)
    some = noise(90, 90, 160, 3).repeat(4, axis=1).repeat(4, axis=2)
    collector = Collector((360, 640), count, 0.9, rules, thumbnails=True)
    for frame in range(count):
        collector.add(None, some[frame * 7 % 90])
    found = collector.collected()
    similarities = [
        next((pair.similarity for pair in pairs if pair.reference == reference), None)
        for pairs, reference in zip(found.comparisons, found.compared_with, strict=True)
    ]
    inspection = replace(
        inspect_video(BUNNY, num_frames=2),
        name="ten hours.mp4",
        frame_indices=tuple(range(count)),
        timestamps=tuple(26.3 * frame for frame in range(count)),
        frame_types=tuple(int(one is not None and one >= 0.9) for one in similarities),
        similarities=tuple(similarities),
        compared_with=found.compared_with,
        comparisons=found.comparisons,
        changes=found.changes,
        thresholds=found.thresholds,
        thumbnails=found.thumbnails,
    )
    return inspection.save(folder / "long.html")


def test_a_report_of_ten_hours_is_small_and_opens_soon(browser, long_report):
    assert long_report.stat().st_size < 20_000_000
    page = browser.new_page()
    # Seconds of work, not of waiting for a busy machine.
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(long_report.as_uri())
    metrics = session.send("Performance.getMetrics")["metrics"]
    seconds = {one["name"]: one["value"] for one in metrics}
    assert 0 < seconds["TaskDuration"] < 3
    assert "have a thumbnail" in page.inner_text("#thinned")
    page.close()


def test_long_videos_come_in_pages(open_report, long_report):
    page = open_report(long_report, width=400)
    assert page.locator("#strip .cell").count() == 120
    page.get_by_role("button", name="Later frames").click()
    assert page.inner_text("#page-text") == "Frames 120 to 239 of 1365"
    assert "0:52:36" in page.locator("#frame-120").inner_text()
    page.locator("#strip").focus()
    page.keyboard.press("End")
    assert chosen(page) == 1364
    assert page.get_by_role("button", name="Later frames").is_disabled()
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
