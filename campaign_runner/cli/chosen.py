"""What a `run` is given: every file loaded; or, where one has problems, the folders in which paid images wait.

A person mends the file in the morning; what is paid for need not wait at the service until then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.cli import options
from campaign_runner.cli.environment import Environment
from campaign_runner.cli.run_options import RunFlags
from campaign_runner.cli.target import Target, find, folder_of
from campaign_runner.errors import CampaignError, CampaignFileError, UsageError
from campaign_runner.output_folder.folder import Folder
from campaign_runner.output_folder.registry import RunRegistry
from campaign_runner.plan.selection import EVERYTHING, Selection
from campaign_runner.report import next_commands
from campaign_runner.session.last_text import recalled, waiting
from campaign_runner.session.several import held_back


@dataclass(frozen=True, slots=True)
class Choice:
    """One campaign of a command; `forbidden` says why nothing may be bought for it."""

    campaign: Campaign
    folder: Folder
    only: Selection = EVERYTHING
    forbidden: CampaignError | None = None


@dataclass(slots=True)
class _Given:
    """What one name stands for: a choice, or why there is none and the target it has all the same."""

    name: str
    choice: Choice | None = None
    target: Target | None = None
    wrong: CampaignError | None = None


def chosen(names: Sequence[str], flags: RunFlags) -> tuple[list[Choice], list[CampaignError]]:
    """The campaigns of a command, each once; and what is wrong with its files: then all of them only fetch.

    Raises the first of that, CampaignFileError or UsageError, where nothing that is paid for waits.
    """
    given = [_given(name, flags) for name in names]
    wrong = list({str(each.wrong): each.wrong for each in given if each.wrong is not None}.values())
    if not wrong:
        return _each_once([each.choice for each in given if each.choice is not None]), []
    error = held_back([each.name for each in given if each.wrong is not None])
    fetching = [] if flags.is_sandbox else [found for each in given if (found := _fetching(each, error)) is not None]
    if not fetching:
        raise wrong[0]
    return _each_once(fetching), wrong


def _given(name: str, flags: RunFlags) -> _Given:
    given = _Given(name)
    try:
        given.target = find(name, output=flags.output, is_sandbox=flags.is_sandbox)
        campaign = given.target.campaign()
        if given.target.folder.is_sandbox and not flags.is_sandbox:
            raise _rehearsed(name, given.target.folder, campaign, flags)
        folder = folder_of(campaign, flags.output, is_sandbox=flags.is_sandbox)
        choice = Choice(campaign, folder, options.selection(flags.only, campaign))
        if not (flags.is_sandbox or flags.start_over or folder.has_journal):
            _refuse_left_behind(given, choice)
        given.choice = choice
    except (CampaignFileError, UsageError) as error:
        given.wrong = error
    return given


def _rehearsed(name: str, folder: Folder, campaign: Campaign, flags: RunFlags) -> UsageError:
    """Whoever names a rehearsal may not want to buy."""
    again = next_commands.run(campaign.path, folder)
    buying = next_commands.run(campaign.path, folder_of(campaign, flags.output, is_sandbox=False))
    return UsageError(f"{name} is a rehearsal; nothing was sent. To rehearse again: `{again}`; to buy: `{buying}`")


def _refuse_left_behind(given: _Given, choice: Choice) -> None:
    """Where the campaign's file ran under another name, and paid images wait there: they are what is fetched.

    Raises UsageError then; where nothing waits the run itself says what it thinks of that.
    """
    file, memory = choice.campaign.path, RunRegistry(Environment.of_process().state_folder)
    known = memory.last_folder(file)
    if known is not None and waiting(Folder(known)):
        given.target = Target(Folder(known), file)
        memory.refuse_elsewhere(file, choice.folder.path)


def _fetching(given: _Given, held: UsageError) -> Choice | None:
    """What is to be fetched for a name while nothing may be bought; None where nothing waits."""
    if given.choice is not None:
        return replace(given.choice, forbidden=held) if waiting(given.choice.folder) else None
    if given.target is None or not waiting(folder := given.target.folder):
        return None
    with folder.ledger() as ledger:
        return Choice(recalled(folder, ledger, given.target.file), folder, forbidden=given.wrong)


def _each_once(choices: list[Choice]) -> list[Choice]:
    return list({choice.campaign.path.resolve(): choice for choice in choices}.values())
