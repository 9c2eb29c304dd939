"""What a person names: a campaign file, its output folder, its manifest, or just its name."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.campaign_file.syntax.opening import is_campaign
from campaign_runner.cli.environment import Environment
from campaign_runner.cli.not_found import YAML, is_campaign_file, nothing_named
from campaign_runner.disk.litter import is_litter
from campaign_runner.disk.regular_files import is_folder, is_there
from campaign_runner.errors import CampaignError, CampaignFileError, UsageError
from campaign_runner.find.folders import folders_in
from campaign_runner.journal.ledger import Ledger
from campaign_runner.journal.tables import FILE
from campaign_runner.model import REHEARSAL
from campaign_runner.output_folder.folder import DECISIONS, MADE_AGAIN, Folder, home_of, usual_files
from campaign_runner.output_folder.registry import RunRegistry
from campaign_runner.problem import Problem
from campaign_runner.report.next_commands import typed
from campaign_runner.session.last_text import Recalled, folders_of, recalled
from campaign_runner.text import nearest, plural, printable

ON_FLEET = "campaign_runner.cli.on_fleet"
"""Loaded only where a command is given `--on`."""


@dataclass(frozen=True, slots=True)
class Target:
    """A campaign file and its output folder; `file` is None where it is gone, `wrong` why it cannot be loaded.

    `is_rerun`: the folder has the images of a rerun, which was made of a manifest.
    """

    folder: Folder
    file: Path | None
    loaded: Campaign | None = None
    wrong: CampaignFileError | None = None
    is_rerun: bool = False

    def recalled(self, ledger: Ledger) -> Recalled:
        """The campaign as it is in its file; where that cannot be loaded, as in the last run of its folder.

        Raises UsageError, CampaignFileError where that was not a run of a campaign file, IntegrityError.
        """
        try:
            return Recalled(self.campaign())
        except (CampaignFileError, UsageError) as wrong:
            if ledger.meta(MADE_AGAIN) is not None:
                raise
            return Recalled(recalled(self.folder, ledger, self.file), wrong)

    def campaign(self) -> Campaign:
        """The campaign as it is in its file. Raises CampaignFileError, UsageError."""
        if self.loaded is not None:
            return self.loaded
        if self.wrong is not None:
            raise self.wrong
        if self.is_rerun:
            how = typed("status", str(self.folder.path))
            raise UsageError(f"{self.folder.path} has the images of a rerun, and no campaign file: see `{how}`")
        if self.file is None:
            with self.folder.ledger() as ledger:
                raise self.folder.without_file(ledger)
        return load(self.file)


def find(name: str, *, output: Path | None = None, is_sandbox: bool = False, on: str | None = None) -> Target:
    """What `name` means. `output` is where output folders are, if not in their usual place; `on` the fleet, if that.

    Files of decisions that cannot be read are named on stderr, whatever the command does. Raises UsageError where
    nothing answers to the name, CampaignFileError where a campaign file is wrong that never ran.
    """
    if on is not None:
        refuse_beside(on, output, is_sandbox=is_sandbox)
        found: Target = importlib.import_module(ON_FLEET).find(name)
    else:
        found = _found(name, output, is_sandbox=is_sandbox)
    _tell_unreadable(found.folder)
    return found


def refuse_beside(on: str, output: Path | None, *, is_sandbox: bool) -> None:
    """A fleet has no folders here, and buys for real. Raises UsageError."""
    if output is not None or is_sandbox:
        other = "--sandbox" if is_sandbox else "--output"
        raise UsageError(
            f"--on {on} and {other} do not go together; "
            "`campaign-runner fleet export NAME` makes a folder of a campaign"
        )


@contextmanager
def marking(target: Target, on: str | None) -> Iterator[Callable[[], None] | None]:
    """What people decide within the block is known on all machines that share the record, at its end.

    It yields what makes known at once what was decided so far; None where there are no other machines.
    """
    if on is None:
        yield None
        return
    share = partial(importlib.import_module(ON_FLEET).share_marks, target.folder)
    try:
        yield share
    finally:
        share()


@contextmanager
def delivering(target: Target, on: str | None) -> Iterator[None]:
    """What is delivered within the block is known on all machines that share the record."""
    try:
        yield
    finally:
        if on is not None:
            importlib.import_module(ON_FLEET).share_deliveries(target.folder)


def _tell_unreadable(folder: Folder) -> None:
    if not (folder.path / DECISIONS).exists():
        return
    from campaign_runner.review.decisions import former_names
    from campaign_runner.review.decisions_folder import gather

    try:
        with folder.ledger(is_running=False) as ledger:
            names = {ledger.meta("campaign") or folder.path.name, *former_names(ledger)}
    except CampaignError:  # the command itself says what is wrong with the journal
        names = {folder.path.name}
    for problem in gather(folder, names).problems:
        click.echo("\n".join(map(printable, str(problem).split("\n"))), err=True)


def _found(name: str, output: Path | None, *, is_sandbox: bool) -> Target:
    path = Path(name)
    if is_campaign_file(path):
        return _of_file(path, output, is_sandbox=is_sandbox)
    if path.name == "manifest.json" and is_there(path):
        return _of_folder(path.parent)
    if is_there(path / FILE):
        return _of_folder(path)
    for candidate in usual_files(name):
        if is_there(candidate):
            return _of_file(candidate, output, is_sandbox=is_sandbox)
    folder = (output or Path("output")) / _folder_name(name, is_sandbox=is_sandbox)
    if is_there(folder / FILE):
        return _of_folder(folder)
    if (place := _remembered(name, output, is_sandbox=is_sandbox)) is not None:
        return _of_folder(place)
    beside = [file for file in files_here(output) if file.stem == name and is_campaign(file)]
    if len(beside) == 1:  # it never ran, but lies beside one that did
        return _of_file(beside[0], output, is_sandbox=is_sandbox)
    raise UsageError(nothing_named(name, output))


def _remembered(name: str, output: Path | None, *, is_sandbox: bool) -> Path | None:
    """The output folder of a campaign that ran on this machine, wherever that is.

    Raises UsageError where several have this name.
    """
    if output is not None or Path(name).name != name:
        return None
    memory = RunRegistry(Environment.of_process().state_folder)
    found = memory.named(_folder_name(name, is_sandbox=is_sandbox))
    if len(found) > 1:
        places = " or ".join(map(str, found))
        raise UsageError(f"{plural(len(found), 'campaign')} here are called '{name}': give the output folder, {places}")
    return found[0] if found else None


def locate(name: str, *, output: Path | None = None, is_sandbox: bool = False, on: str | None = None) -> Folder:
    """The output folder that `name` means, also where its journal or its campaign file is damaged or gone.

    With `on`, the copy of its record, with the manifest that lies beside its images.

    Raises UsageError where nothing answers to it, CampaignFileError where a campaign file is wrong.
    """
    if on is not None:
        refuse_beside(on, output, is_sandbox=is_sandbox)
        folder: Folder = importlib.import_module(ON_FLEET).locate(name)
    else:
        folder = _located(name, output, is_sandbox=is_sandbox)
    _tell_unreadable(folder)
    return folder


def _located(name: str, output: Path | None, *, is_sandbox: bool) -> Folder:
    path = Path(name)
    if path.name == "manifest.json":
        return Folder(path.parent.resolve())
    if is_folder(path):
        return Folder(path.resolve())
    usual = (output or Path("output")) / _folder_name(name, is_sandbox=is_sandbox)
    if not is_campaign_file(path) and is_folder(usual):
        return Folder(usual.resolve())
    if not any(map(is_there, usual_files(name))):
        place = _remembered(name, output, is_sandbox=is_sandbox)  # not opened: its journal may be damaged
        if place is not None:
            return Folder(place)
    return _found(name, output, is_sandbox=is_sandbox).folder


def folder_of(campaign: Campaign, output: Path | None, *, is_sandbox: bool) -> Folder:
    """The output folder of a campaign: always absolute."""
    home = (output or home_of(campaign.path)).resolve()
    return Folder(home / _folder_name(campaign.campaign, is_sandbox=is_sandbox))


def _folder_name(campaign: str, *, is_sandbox: bool) -> str:
    return f"{campaign.removesuffix(REHEARSAL)}{REHEARSAL}" if is_sandbox else campaign


def every_folder(
    output: Path | None, warn: Callable[[str], None] | None = None, *, on: str | None = None
) -> list[Folder]:
    """The output folders that have a record: beside the campaigns, of `--output`, and of every earlier run.

    With `on`, the copies of all records there.

    Those that cannot be read are told to `warn` and left out; without it they are among them.
    """
    if on is not None:
        copies: list[Folder] = importlib.import_module(ON_FLEET).every_folder()
        return copies
    here = [home_of(Path("campaigns") / "any.yaml"), home_of(Path("any.yaml"))]
    remembered = [folder.parent for folder in RunRegistry(Environment.of_process().state_folder).folders()]
    return folders_in([output] if output is not None else [*here, *remembered], warn)


def files_here(output: Path | None) -> list[Path]:
    """The YAML files that may be campaigns: those here and beside every campaign that ever ran; none of `--output`."""
    if output is not None:
        return []
    ran = [file.parent for file in RunRegistry(Environment.of_process().state_folder).files()]
    places = dict.fromkeys([*(usual.parent.resolve() for usual in usual_files("any")), *ran])
    found = (file for place in places for suffix in YAML for file in sorted(place.glob(f"*{suffix}")))
    return [file for file in found if not is_litter(file.name)]


def known_folders(output: Path | None, *, on: str | None = None) -> list[Folder]:
    """The output folders that have a record, see `every_folder`. Raises UsageError where there is none."""
    folders = every_folder(output, lambda told: click.echo(printable(told), err=True), on=on)
    if not folders:
        raise UsageError("no output folder found: nothing was run yet, or name the folder with --output")
    return folders


def _of_file(file: Path, output: Path | None, *, is_sandbox: bool) -> Target:
    try:
        campaign = load(file)
    except CampaignFileError as wrong:
        folders = ran_into(file, output, is_sandbox=is_sandbox)
        if not folders:
            raise _nearer(file, wrong, output) from None
        return Target(folders[0], file, wrong=wrong)
    return Target(folder_of(campaign, output, is_sandbox=is_sandbox), file, campaign)


def _nearer(file: Path, wrong: CampaignFileError, output: Path | None) -> CampaignFileError:
    """The same about a file that is not there and has none like it beside it, with one of this machine's like it."""
    known = {each.stem: each for each in files_here(output)} if not is_there(file) and wrong.problems[0].advice else {}
    near = nearest(file.stem, known)
    if not near:
        return wrong
    return CampaignFileError([Problem(file, 1, 1, f"file not found; did you mean '{known[near]}'?")])


def ran_into(file: Path, output: Path | None, *, is_sandbox: bool) -> list[Folder]:
    """The output folders whose journal names `file`, below `output` or in their usual place, the likeliest first."""
    if output is not None:
        return folders_of(file, None, [output], is_sandbox=is_sandbox)
    remembered = None if is_sandbox else RunRegistry(Environment.of_process().state_folder).last_folder(file)
    return folders_of(file, remembered, [home_of(file)], is_sandbox=is_sandbox)


def _of_folder(path: Path) -> Target:
    folder = Folder(path.resolve())
    with Ledger(folder.path) as ledger:
        return Target(folder, folder.campaign_file(ledger), is_rerun=ledger.meta(MADE_AGAIN) is not None)
