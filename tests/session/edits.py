"""What a person does to a campaign file between two runs, and what a machine does in the middle of one."""

from __future__ import annotations

from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.schema import Campaign


def edited(campaign: Campaign, old: str, new: str) -> Campaign:
    """The same file with another text in it."""
    text = campaign.path.read_text(encoding="utf-8")
    assert old in text
    campaign.path.write_text(text.replace(old, new), encoding="utf-8")
    return load(campaign.path)


def copied(campaign: Campaign, name: str) -> Campaign:
    """The same campaign in a file of its own, under another name."""
    text = campaign.path.read_text(encoding="utf-8").replace(f"campaign: {campaign.campaign}\n", f"campaign: {name}\n")
    path = campaign.path.with_name(f"{name}.yaml")
    path.write_text(text, encoding="utf-8")
    return load(path)


async def crash(*_: object) -> None:
    """The process dies here, as far as anybody can tell."""
    raise ZeroDivisionError
