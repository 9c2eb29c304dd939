"""What becomes of a command line whose words are not understood: its last line, its log, and who is told.

A command in a crontab with a slip in it began, as far as anyone knows: its log has to say that it was refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click

from campaign_runner.cli import console
from campaign_runner.cli.invocation import Invocation
from campaign_runner.errors import CampaignError, UsageError
from campaign_runner.run.ending import worst

_WHEN_REFUSED = "when_refused"


@dataclass(frozen=True, slots=True)
class RefusedCommand:
    """A command that was not begun: `given` are its options and names as far as they were understood, `why` the rest.

    `line` is its last line.
    """

    invocation: Invocation
    given: Mapping[str, Any]
    why: CampaignError
    line: str


Heeded = Callable[[RefusedCommand], None]


def when_refused(command: Callable[..., Any], heed: Heeded) -> None:
    """Mark what click is given to call: its last line on stdout is for machines however it ends; `heed` does more.

    A command that wraps another does what that one does first.
    """
    earlier = getattr(command, _WHEN_REFUSED, ())
    setattr(command, _WHEN_REFUSED, (*earlier, heed))


def with_last_line(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command whose last line on stdout is for machines, also where it is refused; with --json its answer is JSON."""

    @wraps(command)
    def ended(**given: Any) -> Any:
        try:
            return command(**given)
        except CampaignError as refusal:
            if not given.get("as_json"):
                console.say(f"attention exit={refusal.exit_code}")
            raise

    when_refused(ended, lambda refused: None)
    return ended


def for_each(names: Sequence[str], work: Callable[[str], int], *, as_json: bool) -> int:
    """Do the same for several campaigns: what one of them is refused for is told, and keeps no other from its answer.

    The exit status is that of the worst. Raises what `work` raises where only one is named.
    """
    if len(names) == 1:
        return work(names[0])
    codes, is_refused = [], False
    for name in names:
        try:
            codes.append(work(name))
        except CampaignError as refusal:
            console.print_error(refusal)
            codes.append(refusal.exit_code)
            is_refused = True
    code = worst(codes)
    if is_refused and not as_json:
        console.say(f"attention exit={code}")
    return code


def tell_refusal(error: click.UsageError) -> None:
    """Say that the words of a command were not understood: on stdout, and wherever its command says that it ends."""
    context = error.ctx
    heeded = getattr(context.command.callback, _WHEN_REFUSED, ()) if context is not None else ()
    called = context.find_object(Invocation) if context is not None else None
    if context is None or called is None or not heeded:
        return
    given = _as_far_as_understood(context.command, called.typed[1:])
    refused = RefusedCommand(called, given, UsageError(error.format_message()), f"attention exit={error.exit_code}")
    if not given.get("as_json"):
        console.say(refused.line)
    for heed in heeded:
        heed(refused)


def _as_far_as_understood(command: click.Command, words: tuple[str, ...]) -> Mapping[str, Any]:
    """The options and names among `words`; what is not understood is left out."""
    lenient: dict[str, Any] = {"ignore_unknown_options": True, "allow_extra_args": True}
    with command.make_context(command.name, [*words], resilient_parsing=True, **lenient) as context:
        return context.params
