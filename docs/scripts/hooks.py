"""Hooks of mkdocs: pages from the root of the repository, the pages of the API, and checks.

- ``SECURITY.md``, ``CONTRIBUTING.md`` and ``CHANGELOG.md`` become pages, and links lead to them.
- A line ``<!-- api: MODULE -->`` becomes the reference of a module.
- A public name without a docstring, and a built page that would load something from the network,
  fail the build.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

# mkdocs adds this folder to the path only while it imports this file.
sys.path.insert(0, str(Path(__file__).parent))

import network_use
import public_names

ROOT = public_names.ROOT
ROOT_PAGES = ("SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md")
_API = re.compile(r"^<!-- api: ([\w.]+) -->$", re.MULTILINE)
_LINK = re.compile(r"(\]\()([^)\s:]+)(\))")


def on_config(config: Any) -> Any:
    """Fail if a public name is not documented."""
    try:
        problems = public_names.undocumented()
        public_names.grouped_names()
    except public_names.DocumentationError as error:
        raise PluginError(str(error)) from error
    if problems:
        raise PluginError("public names are not documented:\n  " + "\n  ".join(problems))
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the pages from the root of the repository."""
    for name in ROOT_PAGES:
        text = (ROOT / name).read_text("utf-8")
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Rewrite links between the root and ``docs``, and insert references of modules."""
    prefix = "docs/" if page.file.src_uri in ROOT_PAGES else "../"

    def relink(match: re.Match[str]) -> str:
        target = match[2]
        name = target.removeprefix(prefix).partition("#")[0]
        if target.startswith(prefix) and (prefix == "docs/" or name in ROOT_PAGES):
            target = target.removeprefix(prefix)
        return f"{match[1]}{target}{match[3]}"

    return _API.sub(lambda match: _reference(match[1]), _LINK.sub(relink, markdown))


def on_post_build(config: Any) -> None:
    """Fail if a page of the site would load something from the network."""
    found = network_use.find(Path(config.site_dir))
    if found:
        raise PluginError("the site uses the network:\n  " + "\n  ".join(found))


def _reference(path: str) -> str:
    """Return the reference of a module's public names as Markdown for mkdocstrings."""
    if path != public_names.PACKAGE:
        names = [f"::: {path}.{name}" for name in public_names.names_of(path)]
        return "\n\n".join([_introduction(path), *names])
    parts = []
    for title, names in public_names.grouped_names().items():
        parts += [f"## {title}", *(f"::: {path}.{name}" for name in names)]
    return "\n\n".join(parts)


def _introduction(path: str) -> str:
    """Return a module's own docstring, without its members."""
    options = "members: false\n      show_root_heading: false\n      heading_level: 2"
    return f"::: {path}\n    options:\n      {options}"
