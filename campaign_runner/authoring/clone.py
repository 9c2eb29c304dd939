"""A new campaign out of an old one: the same words under another name, some of its vars set again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import unified_diff
from pathlib import Path

from campaign_runner.authoring.new import write_new
from campaign_runner.authoring.splice import replaced
from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.campaign_file.schema.templates import EVERYWHERE
from campaign_runner.campaign_file.syntax.opening import LARGEST_BYTES
from campaign_runner.campaign_file.syntax.source import Loc
from campaign_runner.disk import files
from campaign_runner.disk.regular_files import content_of
from campaign_runner.errors import UsageError
from campaign_runner.text import did_you_mean, joined


def clone(campaign: Campaign, path: Path, settings: Sequence[str]) -> tuple[Campaign, list[str]]:
    """Write `campaign` under the name of `path`, with vars set as `season=spring` or `season.de=Frühling`.

    The answer is the new campaign, and the unified diff of the files. Nothing is ever overwritten. Raises
    UsageError for an unknown var or a file that exists, CampaignFileError where the new file would have problems.
    """
    texts: dict[Loc, str] = {("campaign",): path.stem} | dict(_setting(campaign, each) for each in settings)
    with files.translating(campaign.path):
        content = content_of(campaign.path, LARGEST_BYTES)
    new = replaced(campaign.source, content, texts)
    clone = load(path, new)
    if not write_new(path, new):
        raise UsageError(f"{path} already exists; nothing was written. Choose another name")
    before, after = campaign.text.splitlines(), clone.text.splitlines()
    return clone, list(unified_diff(before, after, str(campaign.path), str(path), lineterm="", n=1))


def _setting(campaign: Campaign, setting: str) -> tuple[Loc, str]:
    """The place of a var's text, and what it is to be. Raises UsageError."""
    name, equals, text = setting.partition("=")
    var, _, key = name.strip().partition(".")
    if not equals or not text.strip():
        raise UsageError(f"--set {setting}: write VAR=TEXT, such as season=spring")
    if var not in campaign.vars:
        there = did_you_mean(var, campaign.vars) or (
            f"; there are {joined(list(campaign.vars))}" if campaign.vars else ""
        )
        raise UsageError(f"--set {setting}: this campaign has no var '{var}'{there}")
    wordings = campaign.vars[var]
    _refuse_key(setting, key, wordings)
    return ("vars", var, key) if key else ("vars", var), text.strip()


def _refuse_key(setting: str, key: str, wordings: Mapping[str, str]) -> None:
    """A var with several wordings is set by market or language, one with a single wording is not."""
    if EVERYWHERE in wordings:
        if key:
            raise UsageError(f"--set {setting}: this var has one text for all markets; leave out .{key}")
    elif key not in wordings:
        var = setting.partition("=")[0].partition(".")[0].strip()
        ways = joined([f"{var}.{each}=…" for each in wordings])
        raise UsageError(f"--set {setting}: this var has a text for each of {joined(list(wordings))}; write {ways}")
