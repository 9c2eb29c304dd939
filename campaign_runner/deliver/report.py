"""What a delivery did, in words: what was made, what waits, what was left out and why, what left the target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from campaign_runner.deliver.arrangement import Place, named
from campaign_runner.deliver.request import DeliveryResult
from campaign_runner.model import Size
from campaign_runner.report import next_commands
from campaign_runner.report.next_commands import display_path
from campaign_runner.text import joined, plural, printable

_LISTED = 8
CONTENT_CREDENTIALS = (
    "a cut cannot keep the Content Credentials of its original; each file says that it is AI-generated, "
    "and the originals keep theirs"
)


def lines(campaign: str, result: DeliveryResult, *, called: str, is_dry: bool = False) -> Iterator[str]:
    """The report; `called` is what a command calls the campaign. The last line is for machines."""
    if is_dry:
        planned = plural(len(result.planned), "file")
        yield f"{campaign}   {planned} would be made, {result.unchanged:,} are there already"
        yield from (f"  {name}" for name in result.planned)
    else:
        made = f"{plural(len(result.made), 'file')} made, {result.unchanged:,} unchanged"
        yield f"{campaign}   {made}   {display_path(result.target)}"
    for part in (_waiting(result), _left_out(result), _moved(result, is_dry=is_dry), _noted(result)):
        yield from map(printable, part)
    if result.waiting and not result.made and not result.unchanged:
        yield f"  {'next':11}to pick images: {next_commands.review(called)}"
        yield f"  {'':11}to deliver every stored one: {next_commands.deliver(called, '--all')}"
    if result.is_first and result.made:
        yield f"  {'note':11}{CONTENT_CREDENTIALS}"
    yield _figures(result, is_dry=is_dry)


def _figures(result: DeliveryResult, *, is_dry: bool) -> str:
    """The line for machines."""
    figures = {
        "made": len(result.planned) if is_dry else len(result.made),
        "unchanged": result.unchanged,
        "replaced": len(result.replaced),
        "withdrawn": len(result.gone),
        "waiting": sum(len(each.rows) for each in result.waiting),
        "left_out": len(result.left_out),
    }
    told = " ".join(f"{name}={number}" for name, number in figures.items())
    return f"{'ok' if result.exit_code == 0 else 'attention'} {told} exit={result.exit_code}"


def _waiting(result: DeliveryResult) -> Iterator[str]:
    """The channels that wait for images of the same size in the same rows, together."""
    found: dict[tuple[Size, tuple[Place, ...]], list[str]] = {}
    for each in result.waiting:
        found.setdefault((each.size, each.rows), []).append(each.channel.id)
    for (size, rows), channels in found.items():
        have = f"{plural(len(rows), 'row')} {'has' if len(rows) == 1 else 'have'}"
        yield f"  {'waiting':11}{have} no chosen image of {size}: {joined([named(row) for row in rows], most=4)}"
        yield f"  {'':11}for {joined(channels, most=6)}"


def _left_out(result: DeliveryResult) -> Iterator[str]:
    reasons = Counter((each.channel, each.reason) for each in result.left_out)
    for (channel, reason), number in list(reasons.items())[:_LISTED]:
        places = [named(each.place) for each in result.left_out if (each.channel, each.reason) == (channel, reason)]
        yield f"  {'left out':11}{plural(number, 'file')} of {channel}: {reason} ({joined(places, most=4)})"
    if len(reasons) > _LISTED:
        yield f"  {'left out':11}and {plural(len(reasons) - _LISTED, 'more reason')}"
    yield from _listed("original", result.damaged)


def _moved(result: DeliveryResult, *, is_dry: bool) -> Iterator[str]:
    """What left the target."""
    if result.replaced:
        names = joined([file.file for file in result.replaced], most=4)
        yield f"  {'replaced':11}{plural(len(result.replaced), 'file')} moved to {result.old}/: {names}"
    if result.gone:
        word = "would be moved" if is_dry else "moved"
        names = joined([file.file for file in result.gone], most=4)
        yield f"  {'withdrawn':11}{plural(len(result.gone), 'file')} {word} to {result.old}/: {names}"


def _noted(result: DeliveryResult) -> Iterator[str]:
    """Late marks, other remarks, and the zip files."""
    yield from _listed("late", result.late)
    if result.disputed:
        keys = joined(result.disputed)
        yield f"  {'focus':11}people disagree about {keys}; the final or latest word was taken"
    for name in result.archives:
        yield f"  {'zip':11}{name}"
    for name in result.stale_archives:
        yield f"  {'zip':11}{name} contained other files and was removed; --zip makes it again"


def _listed(word: str, sentences: Sequence[str]) -> Iterator[str]:
    """The first of many lines of a kind, and how many more there are."""
    yield from (f"  {word:11}{sentence}" for sentence in sentences[:_LISTED])
    if len(sentences) > _LISTED:
        yield f"  {word:11}and {len(sentences) - _LISTED:,} more"
