"""Campaigns from a few lines: what a test does not say is a small good campaign."""

from pathlib import Path
from typing import Protocol

import pytest

from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.errors import CampaignFileError

_LINES = {
    "campaign": "autumn",
    "model": "image4_standard",
    "products": "{candle: almond candle, soap: almond soap}",
    "prompts": '{hero: "{product.name} on an oak table"}',
    "sizes": "[square]",
    "seeds": "[66080, 82683]",
}


class Write(Protocol):
    """Writes a campaign file; each keyword is a line, None leaves one out."""

    def __call__(self, **lines: str | None) -> Path: ...


class Load(Protocol):
    """A loaded campaign, by the lines that matter."""

    def __call__(self, **lines: str | None) -> Campaign: ...


class Messages(Protocol):
    """The messages of a campaign's problems, by the lines that matter; empty if it loads."""

    def __call__(self, **lines: str | None) -> list[str]: ...


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(**lines: str | None) -> Path:
        path = tmp_path / "autumn.yaml"
        kept = {**_LINES, **lines}
        text = "".join(f"{key}: {value}\n" for key, value in kept.items() if value is not None)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def campaign(write: Write) -> Load:
    return lambda **lines: load(write(**lines))


@pytest.fixture
def messages(write: Write) -> Messages:
    def messages(**lines: str | None) -> list[str]:
        try:
            load(write(**lines))
        except CampaignFileError as error:
            return [problem.message for problem in error.problems]
        return []

    return messages
