"""Commands as they are typed."""

import pytest

from campaign_runner.deliver.cuts import cutting
from tests.cli.conftest import ask

__all__ = ["ask"]


@pytest.fixture(autouse=True)
def cut_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """To start two processes takes ten times as long as to cut the few small pictures of a test."""
    monkeypatch.setattr(cutting, "FEW", 100)
