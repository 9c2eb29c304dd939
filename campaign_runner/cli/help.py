"""The help of a command: a first page without the options that hardly anyone needs, and how each page ends.

A page ends with one example, and the exit statuses that the command can have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click

from campaign_runner.text import plural

STATUSES = {
    0: "done",
    1: "a bug",
    2: "wrong arguments or file",
    3: "some failed",
    4: "some in doubt",
    5: "differs from the record",
    6: "this machine",
    7: "credentials",
    8: "run again later",
    9: "stopped where you asked",
    11: "already running",
    129: "hung up",
    130: "Ctrl-C",
    143: "terminated",
}
"""The table of the README in a few words each."""
_OF_FLEETS = frozenset(("on", "is_now", "is_released"))
"""Options for many machines: a command that has no other rare ones shows the page with them without saying so."""
_WHOLE = "--help-all"
_ANY_COMMAND = (0, 1, 2, 6, 130)


class TwoPages(click.Command):
    """A command with options that are made by `rarely`: `--help` leaves them out, `--help-all` shows everything."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        rare = _rare(self)
        number = len(rare)
        more = click.Option(
            [_WHOLE],
            is_flag=True,
            hidden=_OF_FLEETS.issuperset(option.name for option in rare),
            is_eager=True,
            expose_value=False,
            help=f"Show {plural(number, 'more option')} and exit.",
            callback=_show_all,
        )
        return [*super().get_params(ctx), *([more] if number else [])]


def with_whole_help(command: click.Command) -> click.Command:
    """A command that understands `--help-all`: where `--help` leaves nothing out, both show the same."""
    if not isinstance(command, TwoPages) and not any(_WHOLE in option.opts for option in command.params):
        command.params.append(
            click.Option([_WHOLE], is_flag=True, is_eager=True, expose_value=False, hidden=True, callback=_show_all)
        )
    return command


def rarely(*names: str, **attributes: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A click option that only `--help-all` shows."""
    return click.option(*names, hidden=True, **attributes)


def _rare(command: click.Command) -> list[click.Option]:
    options = (option for option in command.params if isinstance(option, click.Option))
    return [option for option in options if option.hidden and _WHOLE not in option.opts]


def _show_all(ctx: click.Context, param: click.Parameter, is_asked: bool) -> None:
    if not is_asked or ctx.resilient_parsing:
        return
    rare = _rare(ctx.command)
    for option in rare:
        option.hidden = False
    click.echo(ctx.get_help())
    for option in rare:
        option.hidden = True
    ctx.exit()


def statuses(codes: Iterable[int] = tuple(STATUSES)) -> str:
    """`Exit status: 0 done, 1 a bug, …` for these codes; all of them by default."""
    return f"Exit status: {', '.join(f'{code} {STATUSES[code]}' for code in codes)}."


def ending(example: str, *further: int) -> str:
    """The last lines of a command's help; `further` are its exit statuses besides those that any command can have."""
    return f"\b\nExample: campaign-runner {example}\n\n{statuses(sorted({*_ANY_COMMAND, *further}))}"
