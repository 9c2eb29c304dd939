"""`campaign-runner doctor`"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from campaign_runner.cli import console, options
from campaign_runner.cli.access import adobe
from campaign_runner.cli.environment import Environment
from campaign_runner.cli.help import ending
from campaign_runner.cli.target import find
from campaign_runner.errors import CampaignError, CampaignFileError
from campaign_runner.notify.delivery import Recipients, unusable
from campaign_runner.run.control import Clock
from campaign_runner.run.ending import USAGE, worst
from campaign_runner.run.limits import Limits
from campaign_runner.session.doctor import Check, Doctor, Subject
from campaign_runner.session.request import RunRequest
from campaign_runner.text import plural, printable
from campaign_runner.uptime import uptime


@click.command(epilog=ending("doctor spring", 5, 7, 8))
@click.argument("name", metavar="[NAME]", required=False)
@options.output
@options.as_json
def command(name: str | None, output: Path | None, as_json: bool) -> int:
    """Check that everything is ready for a run (free).

    Checks the settings, the credentials, the folders, the clock and how many requests are left today; with NAME also
    the campaign file, its record, the disk and the custom model; and the addresses that messages about a run go to, if
    there are any. The exit status is that of the worst problem found.
    """
    findings = asyncio.run(_examined(_patient(name, output), as_json=as_json))
    code = worst([finding.code for finding in findings])
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False))
    else:
        console.say(_verdict(findings, code, name))
    return code


def _verdict(findings: Sequence[Check], code: int, name: str | None) -> str:
    """The last line, for machines, too: whether a run may begin."""
    wrong = [finding.check for finding in findings if finding.code]
    if not wrong:
        return f"ok: {name or 'this machine'} is ready for a run; exit=0"
    return f"attention: {plural(len(wrong), 'check')} not passed ({', '.join(dict.fromkeys(wrong))}); exit={code}"


async def _examined(patient: Subject, *, as_json: bool) -> list[Check]:
    findings = []
    async for finding in Doctor(patient).findings():
        findings.append(finding)
        _show(finding, as_json=as_json)
    if (messages := _messages()) is not None:
        findings.append(messages)
        _show(messages, as_json=as_json)
    return findings


def _show(finding: Check, *, as_json: bool) -> None:
    if not as_json:
        console.say(f"{'attention' if finding.code else 'ok':9} {finding.check:9} {printable(finding.message)}")


def _messages() -> Check | None:
    """Whether a message about how a run ended could be sent; None where none is wanted."""
    environment = Environment.of_process()
    try:
        addresses = environment.recipients()
    except CampaignError as error:
        return Check("notify", str(error), error.exit_code)
    if addresses is None:
        return None
    why = unusable(Recipients(addresses.reveal(), environment.proxy))
    if why is None:
        return Check("notify", "the addresses of CAMPAIGN_RUNNER_NOTIFY can be used; nothing was sent there")
    return Check("notify", f"a message could not be sent: {why}", USAGE)


def _patient(name: str | None, output: Path | None) -> Subject:
    environment = Environment.of_process()
    rate = environment.rate()
    if name is None:
        return Subject(adobe(environment), rate, Clock(uptime=uptime))
    try:
        target = find(name, output=output)
        campaign = target.campaign()
    except CampaignFileError as error:
        return Subject(adobe(environment), rate, Clock(uptime=uptime), wrong=error)
    own = rate.lowered(campaign.quota.per_minute, campaign.quota.per_day)
    order = RunRequest(campaign, target.folder, own, Limits(concurrency=campaign.concurrency))
    return Subject(adobe(environment.of_account(campaign.account)), rate, Clock(uptime=uptime), order)
