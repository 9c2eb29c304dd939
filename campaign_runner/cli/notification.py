"""`run` tells someone who is not there how it ended, once its lock is let go and its output is out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial, wraps
from pathlib import Path
from typing import Any

import click

from campaign_runner.cli import console
from campaign_runner.cli.environment import Environment
from campaign_runner.cli.invocation import invocation
from campaign_runner.cli.observers import Shown, open_log
from campaign_runner.cli.refused import RefusedCommand, when_refused
from campaign_runner.cli.run_options import shown_by
from campaign_runner.cli.target import find
from campaign_runner.errors import CampaignError
from campaign_runner.notify.concerns import CampaignEnd
from campaign_runner.notify.delivery import Recipients, deliver
from campaign_runner.notify.memory import Memory
from campaign_runner.notify.notifier import Notifier, When
from campaign_runner.report.progress import local_now
from campaign_runner.run.ending import BUG, OK
from campaign_runner.session.several import CampaignRun

option = click.option(
    "--notify",
    type=click.Choice([When.ALWAYS.value, When.NEVER.value]),
    help="Send a message after every run, or never (default: when something new needs you).",
)


@dataclass(slots=True)
class Ends:
    """How the campaigns of one command ended, and what the command itself came to: `code`."""

    shown: Shown
    is_sandbox: bool
    when: When
    began: datetime
    campaigns: list[CampaignEnd] = field(default_factory=list)
    code: int = BUG

    def add(self, parts: Iterable[CampaignRun]) -> None:
        """Note how those ended that began, or were refused."""
        for part in parts:
            refused = [part.refusal] if part.refusal is not None else []
            errors = tuple(dict.fromkeys([*refused, *part.ui.control.ending.errors]))
            campaign = part.order.campaign
            if part.report or errors or part.code != OK:
                end = CampaignEnd(campaign.campaign, campaign.path.resolve(), part.code, errors, part.standing)
                self.campaigns.append(end)


def tells_someone(command: Callable[..., int]) -> Callable[..., int]:
    """A command that is given its `ends`, and about which someone is told after everything is printed."""

    @wraps(command)
    def told(**given: Any) -> int:
        ends = _ends_of(given)
        del given["notify"]
        invocation().afterwards.append(partial(_tell, ends))
        try:
            ends.code = command(**given, ends=ends)
        except Exception as error:
            ends.code = error.exit_code if isinstance(error, CampaignError) else BUG
            if not ends.campaigns:
                ends.campaigns += [_refused(name, given["output"], error, ends.code) for name in given["names"]]
            raise
        return ends.code

    when_refused(told, _tell_refusal)
    return told


def _ends_of(given: Mapping[str, Any]) -> Ends:
    return Ends(shown_by(given), bool(given.get("is_sandbox")), When(given.get("notify") or When.NEWS), local_now())


def _tell_refusal(refused: RefusedCommand) -> None:
    """Where the words of the command are not understood, those campaigns are told of that they name."""
    ends, output = _ends_of(refused.given), refused.given.get("output")
    ends.code = refused.why.exit_code
    found = [_refused(name, output, refused.why, ends.code) for name in refused.given.get("names") or ()]
    ends.campaigns += [end for end in found if end.file.is_file()]  # the rest may be a slip, too
    refused.invocation.afterwards.append(partial(_tell, ends))


def _tell(ends: Ends) -> None:
    """Tell someone, if that is wanted; what goes wrong is said, and changes nothing."""
    if ends.when is When.NEVER or (ends.is_sandbox and ends.when is not When.ALWAYS):
        return
    problems = list(_problems_of_telling(ends))
    if not problems:
        return
    if ends.shown.log_file is not None:
        with open_log(ends.shown) as log:
            for problem in problems:
                log.warn(problem)
    for problem in problems if ends.code != OK or not ends.shown.quiet else ():
        console.print_warning(problem)


def _problems_of_telling(ends: Ends) -> Iterator[str]:
    environment = Environment.of_process()
    try:
        addresses = environment.recipients()
    except CampaignError as error:
        yield str(error)
        return
    if addresses is None and ends.when is When.ALWAYS:
        yield (
            "no message was sent: --notify always needs an address in CAMPAIGN_RUNNER_NOTIFY; "
            "`campaign-runner doctor` checks it"
        )
    if addresses is not None:
        memory = None if ends.is_sandbox else Memory(environment.state_folder)
        recipients = Recipients(addresses.reveal(), environment.proxy)
        notifier = Notifier(partial(deliver, recipients), memory, ends.began, local_now, ends.when)
        yield from notifier.tell(ends.campaigns)


def _refused(name: str, output: Path | None, error: Exception, code: int) -> CampaignEnd:
    """The end of what was refused before it was read, by the file it would have been."""
    try:
        file = find(name, output=output, is_sandbox=False).file
    except CampaignError:
        file = None
    return CampaignEnd(Path(name).stem, (file or Path(name)).resolve(), code, (error,))
