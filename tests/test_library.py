"""The library's front door: names that resolve when they are used, and the README's example as it stands."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

import campaign_runner
from campaign_runner import Credentials, Folder, Secret, Settings
from campaign_runner.sandbox import settings as sandbox
from campaign_runner.sandbox.serve import serving
from campaign_runner.sandbox.server import Sandbox
from tests.campaigns import written

ROOT = Path(__file__).parents[1]
(EXAMPLE,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.S)
Make = Callable[[Path, Folder, Settings], Coroutine[Any, Any, dict[str, int]]]


@pytest.fixture
def make() -> Make:
    """The example of the README, as it stands."""
    names: dict[str, Any] = {}
    exec(compile(EXAMPLE, "README.md", "exec"), names)
    found: Make = names["make"]
    return found


async def test_the_example_makes_a_campaign_and_buys_nothing_twice(make: Make, tmp_path: Path) -> None:
    file, folder = written(tmp_path), Folder(tmp_path / "output" / "almond")
    service = Sandbox(sandbox.Settings(job_seconds=0.0, plain_pictures=True))
    async with serving(service) as origin:
        settings = Settings(origin, origin, Credentials("me", Secret("canary")))
        assert (await make(file, folder, settings))["stored"] == 4
        assert (await make(file, folder, settings))["stored"] == 4
    assert len(service.ledger.charged) == 4 and set(service.ledger.charged.values()) == {1}
    assert len(list(folder.images.rglob("*.jpg"))) == 4


def test_the_example_is_some_fifteen_lines() -> None:
    assert len([line for line in EXAMPLE.splitlines() if line.strip()]) <= 16


@pytest.mark.parametrize("name", campaign_runner.__all__)
def test_every_name_is_there_and_says_what_it_promises(name: str) -> None:
    found = getattr(campaign_runner, name)
    assert found.__name__ == name and found.__doc__


def test_type_checkers_see_the_names_that_are_there() -> None:
    tree = ast.parse((ROOT / "campaign_runner" / "__init__.py").read_text(encoding="utf-8"))
    (seen,) = [node for node in tree.body if isinstance(node, ast.If)]
    imported = {f"{node.module}.{alias.name}" for node in seen.body for alias in getattr(node, "names", ())}  # type: ignore[attr-defined]
    homes = {f"campaign_runner.{home}.{name}" for home, names in campaign_runner._HOMES.items() for name in names}
    assert imported == homes
    assert sorted(name.rpartition(".")[2] for name in homes) == sorted(campaign_runner.__all__)
    assert set(dir(campaign_runner)) == {*campaign_runner.__all__, "__version__"}


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Planner'"):
        _ = campaign_runner.Planner


def test_importing_the_package_imports_nothing() -> None:
    code = "import sys; before = set(sys.modules); import campaign_runner; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    heavy = {"aiohttp", "pydantic", "yaml", "PIL", "click", "tqdm", "asyncio"}
    assert not heavy & {name.partition(".")[0] for name in done.stdout.split()}


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "campaign_runner" / "py.typed").exists()


def test_openpyxl_is_loaded_only_where_a_workbook_is_read() -> None:
    code = (
        "import sys, campaign_runner.campaign_file.loader, campaign_runner.cli.export; print('openpyxl' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "False"
