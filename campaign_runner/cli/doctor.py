"""`campaign-runner doctor`"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import click

from campaign_runner.cli import console, options
from campaign_runner.cli.access import adobe
from campaign_runner.cli.environment import Environment
from campaign_runner.cli.help import ending
from campaign_runner.cli.refused import with_last_line
from campaign_runner.cli.target import every_folder, files_here, find
from campaign_runner.errors import CampaignError, CampaignFileError, UsageError
from campaign_runner.find.campaigns import campaigns
from campaign_runner.notify.delivery import Recipients, unusable
from campaign_runner.run.control import Clock
from campaign_runner.run.ending import USAGE, worst
from campaign_runner.run.limits import Limits
from campaign_runner.session.doctor import Check, Doctor, Subject, together
from campaign_runner.session.request import RunRequest
from campaign_runner.text import joined, plural, printable
from campaign_runner.uptime import uptime


@click.command(epilog=ending("doctor spring autumn", 5, 7, 8))
@click.argument("names", nargs=-1, metavar="[NAME…]")
@click.option("--all", "is_all", is_flag=True, help="Check every campaign that `list` shows and that can be run.")
@options.output
@options.as_json
@with_last_line
def command(names: tuple[str, ...], is_all: bool, output: Path | None, as_json: bool) -> int:
    """Check that everything is ready for a run (free).

    Checks the settings, the credentials, the folders, the clock and how many requests are left today; with NAME also
    the campaign file, its record, the disk and the custom model; and the addresses that messages about a run go to, if
    there are any. The exit status is that of the worst problem found.
    """
    if is_all and names:
        raise UsageError("--all is every campaign: leave the names out")
    patients = _every_campaign(output) if is_all else [(name, _patient(name, output)) for name in dict.fromkeys(names)]
    findings = asyncio.run(_examined(patients, as_json=as_json))
    code = worst([finding.code for finding in findings])
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False))
    else:
        console.say(_verdict(findings, code, [name for name, _ in patients]))
    return code


def _verdict(findings: Sequence[Check], code: int, names: Sequence[str]) -> str:
    """The last line, for machines, too: whether a run may begin."""
    wrong = [finding for finding in findings if finding.code]
    if not wrong:
        are = "are" if len(names) > 1 else "is"
        return f"ok: {joined(names) or 'this machine'} {are} ready for a run; exit=0"
    which = dict.fromkeys(f"{finding.name}: {finding.check}" if finding.name else finding.check for finding in wrong)
    return f"attention: {plural(len(wrong), 'check')} not passed ({', '.join(which)}); exit={code}"


async def _examined(patients: Sequence[tuple[str, Subject]], *, as_json: bool) -> list[Check]:
    """What was found: of one campaign in the order of a run; of several what they share first, then each of them."""
    findings = []

    async def examine(doctor: Doctor, name: str | None = None) -> Doctor:
        async for finding in doctor.findings():
            findings.append(replace(finding, name=name))
            _show(findings[-1], as_json=as_json)
        return doctor

    if len(patients) == 1:
        await examine(Doctor(patients[0][1]))
    else:
        accounts = dict.fromkeys(_account_of(patient) for _, patient in patients) or {None: None}
        examined = {name: await examine(Doctor(_machine(name)), name) for name in accounts}
        own = [await examine(Doctor(patient, examined[_account_of(patient)]), name) for name, patient in patients]
        for finding in together([doctor.needs for doctor in own if doctor.needs is not None]):
            findings.append(finding)
            _show(finding, as_json=as_json)
    if (messages := _messages()) is not None:
        findings.append(messages)
        _show(messages, as_json=as_json)
    return findings


def _show(finding: Check, *, as_json: bool) -> None:
    if not as_json:
        of = f"{finding.name}: " if finding.name else ""
        console.say(f"{'attention' if finding.code else 'ok':9} {finding.check:9} {printable(of + finding.message)}")


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


def _machine(account: str | None = None) -> Subject:
    environment = Environment.of_process()
    return Subject(adobe(environment.of_account(account)), environment.rate(), Clock(uptime=uptime))


def _every_campaign(output: Path | None) -> list[tuple[str, Subject]]:
    """Every campaign that can be run: rehearsals, reruns and those without a file cannot."""
    known = campaigns(every_folder(output), files_here(output))
    able = [each for each in known if each.file is not None and not each.kind()]
    if not able:
        raise UsageError("no campaign here, and none ever ran on this machine; a first one: campaign-runner init")
    return [(each.name, _patient(str(each.file), output)) for each in able]


def _patient(name: str, output: Path | None) -> Subject:
    try:
        target = find(name, output=output)
        campaign = target.campaign()
    except CampaignFileError as error:
        return replace(_machine(), wrong=error)
    machine = _machine(campaign.account)
    own = machine.rate.lowered(campaign.quota.per_minute, campaign.quota.per_day)
    return replace(machine, order=RunRequest(campaign, target.folder, own, Limits(concurrency=campaign.concurrency)))


def _account_of(patient: Subject) -> str | None:
    """The account that pays for a campaign; None for the usual one."""
    return patient.order.campaign.account if patient.order is not None else None
