"""Open the built manual in a real browser, as files: what it loads, and whether search works."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import pytest
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from support.paths import ROOT


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True)
    return folder


@pytest.fixture
def open_page(browser, site):
    """Return a function that opens a page; nothing outside the site may be loaded."""
    opened, requests, errors = [], [], []

    def run(name, **options):
        context = browser.new_context(**options)
        opened.append(context)
        page = context.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto((site / name).as_uri())
        return page

    yield run
    for context in opened:
        context.close()
    assert requests
    assert [url for url in requests if not url.startswith((site.as_uri(), "data:"))] == []
    assert errors == []


def test_every_page_loads_only_files_of_the_site(open_page, site):
    # The page for what is not found is for servers: it cannot know how deep it is.
    names = sorted(path.name for path in site.glob("*.html") if path.name != "404.html")
    assert len(names) > 20
    page = open_page(names[0])
    for name in names[1:]:
        page.goto((site / name).as_uri())
        assert page.locator("h1").count() >= 1


def test_search_works_in_pages_that_are_opened_as_files(open_page):
    page = open_page("index.html")
    query = page.locator("[data-md-component=search-query]")
    found = page.locator(".md-search-result__item a", has_text="Troubleshooting").first
    # The page looks at the text when a key is released, and what it has missed while it was loading
    # is lost, so release a key again. The search itself takes a second or two.
    query.fill("ConcealedDamageWarning", force=True)
    for seconds in (2, 4, 8, 16, 32):
        query.dispatch_event("keyup")
        with contextlib.suppress(PlaywrightTimeoutError):
            found.wait_for(state="attached", timeout=seconds * 1000)
            return
    pytest.fail("the search finds nothing")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_pages_fit_the_window(open_page, scheme, width):
    options = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    page = open_page("costs.html", **options)
    used = page.evaluate("document.body.dataset.mdColorScheme")
    assert used == {"light": "default", "dark": "slate"}[scheme]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
