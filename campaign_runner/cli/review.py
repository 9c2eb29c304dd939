"""`campaign-runner review`"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import click

from campaign_runner.campaign_file.schema.review import OTHER, REASONS, ReviewRules
from campaign_runner.cli import options
from campaign_runner.cli.console import agree, is_terminal
from campaign_runner.cli.decided import Decided, decided, narrowed, now, parted, reviewer_of, tell_remarks
from campaign_runner.cli.help import TwoPages, ending
from campaign_runner.cli.memory import memory_of
from campaign_runner.cli.review_page import serve, write_mail, written_page
from campaign_runner.cli.target import find, marking
from campaign_runner.errors import UsageError
from campaign_runner.output_folder.folder import DECISIONS
from campaign_runner.report import next_commands
from campaign_runner.review import listing
from campaign_runner.review.decisions import former_names
from campaign_runner.review.marking import foreign_file, table
from campaign_runner.review.marking.new_marks import Marker, MarkRequest, keep_marks
from campaign_runner.review.marks import Mark, Note, Reviewer, Vote, Word
from campaign_runner.text import did_you_mean, first_few, joined, plural, printable

_KEY = re.compile(r"[0-9a-fA-F]{8,64}")
_SHOWN = 20  # new marks that are listed before it is asked


class KeysAfterOptions(TwoPages):
    """`--pick KEY KEY…`: every key that follows belongs to the option before it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        spread: list[str] = []
        option = ""
        for arg in args:
            is_further = bool(option) and bool(_KEY.fullmatch(arg)) and spread[-1] != option
            spread += [option, arg] if is_further else [arg]
            option = arg if arg in ("--pick", "--reject") else option if is_further or spread[-2:-1] == [option] else ""
        return super().parse_args(ctx, spread)


@dataclass(frozen=True, slots=True)
class Given:
    """The verdicts of a command line."""

    pick: tuple[str, ...]
    reject: tuple[str, ...]
    reason: str | None
    note: str | None

    def requests(self, known: Decided) -> list[MarkRequest]:
        """What is said of which image. Raises UsageError."""
        if self.reason is not None and not self.reject:
            raise UsageError("--reason says why something is rejected: give --reject KEY, too")
        _refuse_unknown_reason(self.reason, self.note, known.campaign.review)
        picks = [MarkRequest(_key(key, known), "pick", text=self.note) for key in self.pick]
        rejects = [MarkRequest(_key(key, known), "reject", self.reason, self.note) for key in self.reject]
        if both := {pick.key for pick in picks} & {reject.key for reject in rejects}:
            raise UsageError(f"{min(both)[:8]} is picked and rejected in the same command: say one of them")
        return [*picks, *rejects]


@click.command(cls=KeysAfterOptions, epilog=ending("review spring --pick 3f9c2a1b --as anna", 9))
@click.argument("name", metavar="NAME")
@click.option("--no-open", is_flag=True, help="Do not open the browser; print which file to open.")
@click.option("--page", "is_page", is_flag=True, help="Write the page into the output folder instead of serving it.")
@click.option(
    "--single-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the page with its pictures as one file to mail.",
)
@click.option("--list", "is_listed", is_flag=True, help="List what was decided, row by row.")
@options.as_json
@click.option("--csv", "as_csv", is_flag=True, help="List as a table, with empty columns for verdicts and notes.")
@click.option("--pick", multiple=True, metavar="KEY…", help="Pick these images, by at least 8 digits of their keys.")
@click.option("--reject", multiple=True, metavar="KEY…", help="Reject these: they must not go out.")
@click.option("--reason", metavar="CODE", help=f"Why: {', '.join(REASONS)}, other, or one of the campaign's own.")
@click.option("--note", metavar="TEXT", help="A note with the verdict.")
@click.option(
    "--take",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Read a table back, or decisions that name another campaign.",
)
@click.option("--as", "who", metavar="NAME", help="Who decides; your login name if not given.")
@click.option("--yes", is_flag=True, help="Skip the confirmation of --take.")
@options.only
@options.output
@options.on
@options.in_sandbox
def command(
    name: str,
    no_open: bool,
    is_page: bool,
    single_file: Path | None,
    is_listed: bool,
    as_json: bool,
    as_csv: bool,
    pick: tuple[str, ...],
    reject: tuple[str, ...],
    reason: str | None,
    note: str | None,
    take: Path | None,
    who: str | None,
    yes: bool,
    only: tuple[str, ...],
    output: Path | None,
    on: str | None,
    is_sandbox: bool,
) -> None:
    """Compare the images of a campaign and choose the best of each row.

    Opens a page in your browser, also while a run goes on; every choice is kept at once. There P picks and X rejects,
    Space shows a picture large, V what each channel cuts from it; ? lists every key. With --page, the same page is
    written as `review.html`, which opens with a double click, also from a share: save your marks there as a file and
    put it into the folder `decisions` beside the page. Without the page, --pick and --reject do the same, and --take
    reads the table of --list --csv back.
    """
    if (reason or note) and not (pick or reject):
        raise UsageError("--reason and --note go with a verdict: give --pick KEY or --reject KEY, too")
    target = find(name, output=output, is_sandbox=is_sandbox, on=on)
    if single_file is not None:
        write_mail(target, single_file)
        click.echo(single_file)
        return
    if is_page:
        click.echo(written_page(target))
        return
    if not (is_listed or as_json or as_csv or only or pick or reject or take):
        with marking(target, on) as share:
            serve(target, reviewer_of(who), opens=not no_open, share=share)
        return
    given = Given(pick, reject, reason, note)
    with marking(target, on), decided(target) as known:
        tell_remarks(known.decisions)
        if take is not None:
            _take(known, take, who, yes=yes)
        elif pick or reject:
            marks = _marks(known, given.requests(known), reviewer_of(who))
            _keep(known, marks)
        else:
            _list(known, only, as_json=as_json, as_csv=as_csv)


def _list(known: Decided, only: Sequence[str], *, as_json: bool, as_csv: bool) -> None:
    axes, wanted = parted(only)
    if wanted:
        known.decisions.refuse_unreadable()
    shown = narrowed(known.decisions, options.recorded(axes, known.campaign), wanted)
    if as_json:
        for piece in chain(listing.json_pieces(shown), "\n"):
            click.echo(piece, nl=False)
    elif as_csv:
        for piece in chain("\ufeff", table.written(shown)):
            click.echo(piece, nl=False)
    else:
        for line in chain(listing.lines(shown), [listing.summary(shown)]):
            click.echo(line)


def _key(start: str, known: Decided) -> str:
    """The whole key of an image. Raises UsageError where none, or several, begin so."""
    if not _KEY.fullmatch(start):
        raise UsageError(f"{start}: give at least 8 of the key's hex digits")
    keys = {image.shot.key for row in known.decisions.rows for image in row.images}
    found = sorted(key for key in keys if key.startswith(start.lower()))
    if len(found) != 1:
        what = "several images of this campaign have keys that begin" if found else "no image of this campaign begins"
        name = next_commands.called(known.target.folder, memory_of(known.target.folder))
        raise UsageError(f"{start}: {what} with that; `{next_commands.typed('find', name)}` lists the keys")
    return found[0]


def _refuse_unknown_reason(reason: str | None, note: str | None, rules: ReviewRules) -> None:
    reasons = (*REASONS, *rules.reasons, OTHER)
    if reason is not None and reason not in reasons:
        near = did_you_mean(reason, reasons) or f"; there are {joined(reasons, most=len(reasons))}"
        raise UsageError(f"--reason {reason}: no reason has this name{near}")
    if reason == OTHER and not note:
        raise UsageError("--reason other: say why with --note")


def _marks(known: Decided, requests: Sequence[MarkRequest], reviewer: Reviewer) -> list[Mark]:
    marker = Marker(known.decisions, reviewer, now(), most_picks=known.campaign.review.most_picks)
    return marker.marks(requests)


def _keep(known: Decided, marks: Sequence[Mark]) -> None:
    if not marks:
        click.echo("nothing changes: all of that is said already")
        return
    file = keep_marks(known.target.folder, known.campaign.campaign, marks, now())
    click.echo(f"{_counted(marks)} by {marks[0].reviewer.id}, in {file}")
    with decided(known.target) as after:
        click.echo(listing.summary(after.decisions))


def _counted(marks: Sequence[Mark]) -> str:
    words: dict[Word | None, str] = {"pick": "pick", "reject": "reject"}
    parts = [plural(sum(mark.word == word for mark in marks), name) for word, name in words.items()]
    others = [
        (sum(isinstance(mark.value, Vote) and mark.word is None for mark in marks), "verdict taken back"),
        (sum(mark.kind == "note" for mark in marks), "note"),
    ]
    parts += [plural(number, what) if what == "note" else f"{number} {what}" for number, what in others if number]
    return ", ".join(part for part in parts if not part.startswith("0 "))


def _take(known: Decided, path: Path, who: str | None, *, yes: bool) -> None:
    if path.suffix.lower() == ".jsonl":
        _take_decisions(known, path, yes=yes)
        return
    marks = _marks(known, table.read(path), reviewer_of(who))
    told = [f"{mark.word or mark.kind:8} {mark.key[:8]} {mark.cell or ''} {_text_of(mark)}" for mark in marks]
    for line in first_few(told, most=_SHOWN):
        click.echo(printable(line))
    if marks:
        _agree(f"{_counted(marks)} by {marks[0].reviewer.id}. Take them?", yes=yes)
    _keep(known, marks)


def _text_of(mark: Mark) -> str:
    return (mark.value.text or "") if isinstance(mark.value, Vote | Note) else ""


def _take_decisions(known: Decided, path: Path, *, yes: bool) -> None:
    campaign, folder = known.campaign.campaign, known.target.folder
    found = foreign_file.looked_at(path, known.decisions)
    if foreign_file.is_there(path, folder, {campaign, *former_names(known.ledger)}, found.file):
        click.echo(f"it is in {DECISIONS}/ and counts already")
        return
    reviewer = found.file.reviewer
    told = f"{plural(found.new, 'new mark')} by {reviewer.id if reviewer else '?'} on images of this campaign"
    told += f", {found.elsewhere:,} on others" if found.elsewhere else ""
    _agree(f"{told}; the file names campaign '{found.campaign}'. Take it for {campaign}?", yes=yes)
    click.echo(f"taken: {foreign_file.take(folder, campaign, found)}")
    with decided(known.target) as after:
        click.echo(listing.summary(after.decisions))


def _agree(question: str, *, yes: bool) -> None:
    """Go on if a person agrees. Raises UsageError where there is no one to ask."""
    if yes:
        return
    if not is_terminal():
        raise UsageError(f"{question} Say so with --yes")
    agree(question)
