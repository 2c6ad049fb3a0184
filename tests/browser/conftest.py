"""Open reports in a real browser: headless Chromium, driven by playwright."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from keye_vl_rs import inspect_video
from support.clips import BUNNY
from support.reports import write_evil_clip

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium():
    """Return the path of the browser; a missing one fails, so that no run passes without it."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    assert found, "no Chromium: install it, or set CHROMIUM to its path"
    return found


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        # The sandbox needs rights that containers lack; the pages are our own.
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        launched = playwright.chromium.launch(executable_path=chromium(), args=options)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="session")
def inspection():
    return inspect_video(BUNNY, fps=4)


@pytest.fixture(scope="session")
def report(inspection, folder):
    return inspection.save(folder / "report.html")


@pytest.fixture(scope="session")
def evil(folder):
    """Return the report on a clip with scripts in its name and metadata."""
    return inspect_video(write_evil_clip(folder)).save(folder / "evil.html")


class Opened:
    """Open a page, and record its requests, errors and dialogs."""

    def __init__(self, browser, path: Path, **options):
        viewport = {"width": options.pop("width", 1280), "height": options.pop("height", 900)}
        self.context = browser.new_context(viewport=viewport, **options)
        self.page = self.context.new_page()
        self.requests, self.errors, self.dialogs = [], [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: self.errors.append(message.text))
        self.page.on("dialog", self._dismiss)
        self.page.goto(path.as_uri())

    def _dismiss(self, dialog):
        self.dialogs.append(dialog.message)
        dialog.dismiss()


@pytest.fixture
def open_report(browser):
    """Return a function that opens a report; nothing may fail in it, and nothing be requested."""
    opened = []

    def run(path, **options):
        opened.append(Opened(browser, path, **options))
        return opened[-1].page

    yield run
    for one in opened:
        requests = [url for url in one.requests if not url.startswith("data:")]
        one.context.close()
        assert len(requests) == 1
        assert requests[0].startswith("file:///")
        assert (one.errors, one.dialogs) == ([], [])
