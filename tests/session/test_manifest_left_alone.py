"""The manifest of a finished campaign is composed again only where its own bytes changed, or what it is made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from campaign_runner.output_folder import manifest_writer
from campaign_runner.session import result
from tests.fixtures import Begin
from tests.night import Night


@pytest.fixture
def composed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The manifests that were composed."""
    found: list[Path] = []
    write = manifest_writer.write_manifest

    def noted(path: Path, *arguments: Any, **more: Any) -> bool:
        found.append(path)
        return write(path, *arguments, **more)

    monkeypatch.setattr(result, "write_manifest", noted)
    return found


async def test_it_is_left_alone_where_no_event_came(begin: Begin, composed: list[Path]) -> None:
    night = await begin()
    await night.run(night.campaign(requests=2))
    written = night.folder.manifest.read_bytes(), night.folder.manifest.stat()
    for _ in range(2):
        assert (await night.run()).code == 0
    assert len(composed) == 1
    assert (night.folder.manifest.read_bytes(), night.folder.manifest.stat()) == written


CHANGES: dict[str, Callable[[Night], object]] = {
    "a byte of it": lambda night: night.folder.manifest.write_bytes(
        night.folder.manifest.read_bytes().replace(b'"stored"', b'"failed"', 1)
    ),
    "it is gone": lambda night: night.folder.manifest.unlink(),
    "one more product": lambda night: night.campaign(requests=3),
    "a remark in the campaign": lambda night: night.campaign(requests=2, more="# cheaper than last year\n"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_it_is_written_again_where_anything_changed(
    change: Callable[[Night], object], begin: Begin, composed: list[Path]
) -> None:
    night = await begin()
    await night.run(night.campaign(requests=2))
    change(night)
    assert (await night.run()).code == 0
    assert len(composed) == 2
    assert (await night.run()).states.keys() == {"stored"}
    assert len(composed) == 2


async def test_another_version_composes_it_again(
    begin: Begin, composed: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    night = await begin()
    await night.run(night.campaign(requests=2))
    monkeypatch.setattr(manifest_writer, "__version__", "999.0")
    await night.run()
    assert len(composed) == 2
