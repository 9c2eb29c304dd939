"""The modules of the page as one classic script: from disk, browsers load no modules.

A module may import names of modules beside it, and export functions, classes and constants; nothing else is needed.
"""

from __future__ import annotations

import re
from functools import cache
from graphlib import TopologicalSorter
from importlib.resources import files as resources

MAIN = "main.js"
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([a-z_]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=async function |function |class |const )", re.MULTILINE)


def part(name: str) -> str:
    """The text of one file of the page."""
    return resources("campaign_runner.review.page").joinpath("parts", name).read_text(encoding="utf-8")


@cache
def joined_script(main: str = MAIN) -> str:
    """`main` and all that it imports, each once and after what it needs, in a scope of their own."""
    needs: dict[str, list[str]] = {}
    waiting = [main]
    while waiting:
        name = waiting.pop()
        if name not in needs:
            needs[name] = _IMPORT.findall(part(name))
            waiting += needs[name]
    bodies = (f"// {name}\n{_plain(part(name))}" for name in TopologicalSorter(needs).static_order())
    return f'(() => {{\n"use strict";\n{"".join(bodies)}}})();\n'


def _plain(module: str) -> str:
    return _EXPORT.sub("", _IMPORT.sub("", module))
