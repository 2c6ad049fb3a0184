"""Check what the site of the manual is made from. ``make docs`` builds it."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import charts
import cost_tables
import keye_vl_rs
import network_use
import public_names
import screenshots
from support.pages import blocks_of, text_of
from support.paths import ROOT

pytestmark = pytest.mark.one_level

IMAGES = sorted((ROOT / "docs" / "assets").glob("*.[sp][vn]g"))


def test_every_page_has_a_place_in_the_navigation():
    listed = set(re.findall(r"[\w-]+\.md", text_of("mkdocs.yml").partition("\nnav:")[2]))
    pages = {page.name for page in (ROOT / "docs").glob("*.md")}
    assert listed - pages == {"SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md"}
    assert pages <= listed


def test_every_public_name_is_described():
    assert public_names.undocumented() == []


def test_the_reference_shows_every_public_name():
    shown = [name for names in public_names.grouped_names().values() for name in names]
    assert sorted(shown) == sorted(set(keye_vl_rs.__all__) - public_names.IN_TEXT)
    assert all(f"`keye_vl_rs.{name}`" in text_of("docs/api.md") for name in public_names.IN_TEXT)
    for page, paths in public_names.PAGES.items():
        assert all(f"<!-- api: {path} -->" in text_of(f"docs/{page}") for path in paths)


def test_a_name_without_a_description_is_found(tmp_path, monkeypatch):
    package = tmp_path / "python" / "keye_vl_rs"
    package.mkdir(parents=True)
    (package / "limits.py").write_text(
        'def described(number):\n    """Return ``number``."""\n\n\n'
        'def bare(number):\n    """Return it."""\n\n\n'
        "class Nothing:\n    def method(self):\n        pass\n"
    )
    (package / "__init__.py").write_text(
        '"""A package."""\nfrom keye_vl_rs.limits import Nothing, bare, described\n'
        '__all__ = ["Nothing", "bare", "described"]\n'
    )
    monkeypatch.setattr(public_names, "ROOT", tmp_path)
    monkeypatch.setattr(public_names, "PAGES", {})
    public_names.load.cache_clear()
    try:
        assert public_names.undocumented() == [
            "keye_vl_rs.limits.Nothing has no docstring",
            "keye_vl_rs.limits.bare: the docstring does not describe the parameter number",
        ]
        (package / "elsewhere.py").write_text('def new():\n    """Return nothing."""\n')
        with (package / "__init__.py").open("a") as file:
            file.write('from keye_vl_rs.elsewhere import new\n__all__ += ["new"]\n')
        public_names.load.cache_clear()
        with pytest.raises(public_names.DocumentationError, match="add its module to GROUPS"):
            public_names.grouped_names()
    finally:
        public_names.load.cache_clear()


def test_charts_are_those_of_the_records():
    cases, machine = charts.read_cases()
    for name, chart in charts.CHARTS.items():
        assert (charts.ASSETS / name).read_text("utf-8") == chart(cases, machine), name


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.name)
def test_images_are_small_and_load_nothing(path):
    assert path.stat().st_size < 128 << 10
    text = path.read_bytes().decode("latin-1")
    assert str(ROOT) not in text
    assert not re.search(r"/(?:home|root|work|tmp|Users)/", text)
    assert list(network_use.find(path.parent)) == []


def test_images_are_used_and_have_descriptions():
    pages = [text_of(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("*.md")]
    used = [image for text in pages for image in re.findall(r"!\[[^\]]+\]\(assets/([^)]+)\)", text)]
    assert {path.name for path in IMAGES} <= set(used)


def test_screenshots_exist_for_each_run():
    assert all((screenshots.ASSETS / name).exists() for name in screenshots.RUNS)


@pytest.mark.parametrize(
    "line",
    [
        '<script src="https://cdn.example/a.js"></script>',
        '<link rel="stylesheet" href="//fonts.example/a.css">',
        '<img src="http://example.org/a.png" alt="">',
        '<p style="background: url(https://example.org/a.png)"></p>',
        "<style>@import 'https://example.org/a.css';</style>",
        '<script>import("https://cdn.example/a.js")</script>',
        '<pre class="mermaid"></pre>',
    ],
)
def test_use_of_the_network_is_found(line, tmp_path):
    page = tmp_path / "index.html"
    page.write_text(f"<body>{line}</body>")
    assert len(network_use.find(tmp_path)) == 1
    page.write_text('<body><a href="https://example.org">a link</a><img src="a.png"></body>')
    assert network_use.find(tmp_path) == []


def test_tables_are_written_between_their_marks(monkeypatch):
    text = "before <!-- rates: begin -->\nold\n<!-- rates: end --> after"
    assert "old" not in cost_tables.replace(text, "rates", "new")
    with pytest.raises(ValueError, match="no marks"):
        cost_tables.replace(text, "options", "new")
    page = text_of("docs/costs.md")
    for name in ("rates", "options", "conditions"):
        cost_tables.replace(page, name, "")


def test_the_table_of_rates(monkeypatch):
    monkeypatch.setattr(cost_tables, "ROUNDS", 1)
    made = cost_tables.rates_table({"clip": cost_tables.SOURCE}, times=True).splitlines()
    assert made[0].count("tokens at") == made[0].count("seconds") == len(cost_tables.RATES)
    assert re.search(r"\| clip \| [\d,]+ \| [\d.]+ s \| [\d,]+ \| [\d.]+ s \| 2,194 \| ", made[2])


def test_languages_of_blocks_are_known_to_the_highlighter():
    pygments = pytest.importorskip("pygments.lexers")
    for page in (ROOT / "docs").glob("*.md"):
        for block in blocks_of(page.relative_to(ROOT).as_posix()):
            pygments.get_lexer_by_name(block.language)


def test_scripts_of_the_site_are_short():
    for path in Path(charts.__file__).parent.glob("*.py"):
        assert len(path.read_text("utf-8").splitlines()) <= 300, path.name


def test_awaitable_forms_are_shown_with_their_arguments():
    shown = public_names.names_of("keye_vl_rs.aio")
    assert shown.keys() == set(keye_vl_rs.aio.__all__)
    for name, function in shown.items():
        signature = inspect.signature(getattr(keye_vl_rs.aio, name))
        assert [one.name for one in function.parameters] == list(signature.parameters)
        assert f"keye_vl_rs.{name}`" in function.docstring.value
