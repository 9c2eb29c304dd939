"""`campaign-runner channels`"""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from campaign_runner.channels.channel import Channel
from campaign_runner.channels.table import known_channels
from campaign_runner.cli import options
from campaign_runner.cli.help import ending
from campaign_runner.errors import UsageError
from campaign_runner.text import did_you_mean, followed, plain


@click.command(epilog=ending("channels linkedin"))
@click.argument("word", required=False)
@options.as_json
def command(word: str | None, as_json: bool) -> None:
    """List the channels that pictures can be delivered to.

    Shows pixels, weight, how sure the figures are, and formats. WORD shows only the channels whose id contains it, with
    the page that each figure comes from. A campaign names its channels in `channels`. Figures of grade C were found in
    one place only: check them before booking.
    """
    known = known_channels()
    shown = [channel for channel in known.values() if word is None or plain(word) in channel.id]
    if not shown:
        told = f"there is no channel '{word}'{did_you_mean(word or '', known)}"
        raise UsageError(followed(told, "see: campaign-runner channels", ";"))
    if as_json:
        click.echo(json.dumps([asdict(channel) for channel in shown], ensure_ascii=False, indent=2))
        return
    for channel in shown:
        click.echo(_line(channel))
        for further in _details(channel) if word is not None else ():
            click.echo(f"  {further}")


def _line(channel: Channel) -> str:
    formats = ", ".join(channel.formats)
    return f"{channel.id:24} {channel.size!s:>10} {channel.max_kb or 0:>7,} kB  {channel.grade}  {formats}"


def _details(channel: Channel) -> list[str]:
    safe = channel.safe
    edges = f"top {safe.top}, right {safe.right}, bottom {safe.bottom}, left {safe.left} px"
    found = [f"for         {channel.use}", f"keep clear  {edges}"]
    if channel.source:
        found.append(f"source      {channel.source}")
    age = f"; date of the page: {channel.page_date}" if channel.page_date else ""
    found.append(f"seen        {channel.seen}{age}")
    return [*found, f"note        {channel.note}"] if channel.note else found
