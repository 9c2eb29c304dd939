"""What a person probably meant by a command line that is not understood: a line below the error."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

import click

from campaign_runner.channels.table import known_channels
from campaign_runner.cli.not_found import known_names
from campaign_runner.plan.selection import AXES
from campaign_runner.text import did_you_mean, joined, nearest

_DASH = re.compile("[\u2010-\u2015\u2212][\u2010-\u2015\u2212-]*(?=[A-Za-z])")
"""Hyphens that a word processor made into a dash, in front of an option."""
_OPENING = "“”„‟«»‘‚"
_CAMPAIGNS = ("name", "names", "files", "what")
"""How the arguments are called that take the name of a campaign."""
_FOLDER_OF_FLEETS = "It works on a folder: `campaign-runner fleet export NAME` makes one of a campaign"


def show(error: click.ClickException, typed: Sequence[str]) -> None:
    """Print why a command line is not understood, and below it what it may have meant."""
    hints = [*_hints(error, typed), *of_words(typed)]
    if isinstance(error, click.NoSuchOption):
        error = click.UsageError(f"No such option '{error.option_name}'{_near_options(error)}", error.ctx)
    error.show()
    for line in hints:
        click.echo(line, err=True)


def of_words(typed: Sequence[str]) -> Iterator[str]:
    """What is wrong with the signs of a command line, whatever came of it."""
    if dashed := next((word.partition("=")[0] for word in typed if _DASH.match(word)), ""):
        yield (
            f"An option begins with two hyphens: {_DASH.sub('--', dashed, count=1)}, not {dashed}. "
            "Mail and word processors turn hyphens into a dash"
        )
    if any(word[:1] in _OPENING and word[-1:] not in _OPENING for word in typed if word):
        yield '“ ” „ ‘ are not quotation marks here: put a text with spaces between straight ones, as in "oak table"'

    if loose := next(filter(None, map(_loose, typed, typed[1:], typed[2:])), ""):
        yield f"If '{loose}' is meant for --only: write commas without spaces, and a name with a space in quotes"


def _loose(option: str, value: str, behind: str) -> str:
    """The word behind the value of `--only` that may be a part of it: it names no campaign and no file."""
    if option != "--only" or "=" not in value or behind.startswith("-") or set(behind) & set("./\\="):
        return ""
    return behind if value.endswith(",") or behind not in known_names(None) else ""


def _near_options(error: click.NoSuchOption) -> str:
    """A question after the options of the command that begin so, or after one that is called nearly so."""
    if error.ctx is None:
        return ""
    names = [name for param in error.ctx.command.get_params(error.ctx) for name in (*param.opts, *param.secondary_opts)]
    return did_you_mean(f"--{error.option_name.lstrip('-')}", [name for name in names if name.startswith("--")])


def _hints(error: click.ClickException, typed: Sequence[str]) -> Iterator[str]:
    match error:
        case click.NoSuchOption(ctx=ctx) if ctx is not None:
            yield from _about_option(error.option_name, ctx, typed)
        case click.BadParameter(param=param) if param is not None and not isinstance(error, click.MissingParameter):
            yield from _about_value(param, error.ctx, typed)
        case click.MissingParameter(ctx=ctx, param=param) if ctx is not None and param is not None:
            yield from _about_argument(param, ctx)
        case _:
            pass


def _about_option(option: str, ctx: click.Context, typed: Sequence[str]) -> Iterator[str]:
    """What another option means here. `--product tea` is an axis of `--only`; a channel is the campaign's matter."""
    bare, value = option.lstrip("-").removesuffix("s"), _value_of(option, typed)
    takes = {name for param in ctx.command.get_params(ctx) for name in param.opts}
    if option == "--on":
        yield _FOLDER_OF_FLEETS
    elif option == "--sandbox" and ctx.parent is not None:
        names = [name for name in _commands(ctx.parent) if option in _options(ctx.parent, name)]
        yield f"What the sandbox makes costs nothing. These commands take --sandbox: {', '.join(names)}"
    elif ctx.parent is None and set(typed) & set(_commands(ctx)):
        yield "Options come behind the command, as in: campaign-runner run --sandbox FILE"
    elif bare == "channel":
        named = nearest(value, known_channels()) or "instagram-story"
        yield f"A campaign names its channels in its file, `channels: [{named}]`; `campaign-runner channels` lists all"
    elif bare in AXES and "--only" in takes:
        shown = shlex.quote(value) if value and bare != "key" else "…"  # what is called a key may be a secret
        yield f"Write --only {bare}={shown}"
    elif single := next((word for word in typed if re.fullmatch(f"{option}[a-z-]{{2,}}", word)), ""):
        yield from [f"An option begins with two hyphens: -{single}, not {single}"] if f"-{single}" in takes else []


def _commands(ctx: click.Context) -> list[str]:
    return ctx.command.list_commands(ctx) if isinstance(ctx.command, click.Group) else []


def _options(ctx: click.Context, name: str) -> set[str]:
    """The options of a command of a group."""
    command = ctx.command.get_command(ctx, name) if isinstance(ctx.command, click.Group) else None
    return set() if command is None else {option for param in command.params for option in param.opts}


def _value_of(option: str, typed: Sequence[str]) -> str:
    """What was typed behind an option."""
    for word, behind in zip(typed, [*typed[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name == option:
            return value if equals else behind if not behind.startswith("-") else ""
    return ""


def _about_value(param: click.Parameter, ctx: click.Context | None, typed: Sequence[str]) -> Iterator[str]:
    """What a value may be, where it is one of a few words."""
    kind = param.type
    if isinstance(kind, click.Choice):
        near = (nearest(word, kind.choices) for word in typed if word not in kind.choices)
        yield from [f"Did you mean '{meant}'?" for meant in near if meant][:1]
    if isinstance(param, click.Argument) and ctx is not None:
        yield from _example(ctx)


def _example(ctx: click.Context) -> Iterator[str]:
    """The example of the command's help."""
    if example := (ctx.command.epilog or "").partition("\n\n")[0].removeprefix("\b\n"):
        yield example


def _about_argument(param: click.Parameter, ctx: click.Context) -> Iterator[str]:
    """The example of the command's help, and the campaigns that could be named."""
    yield from _example(ctx)
    if param.name in _CAMPAIGNS:
        names = sorted(known_names(None))
        known = f"Campaigns: {joined(names)}" if names else "There is no campaign here yet"
        more = "`campaign-runner list` shows how each stands" if names else "`campaign-runner init` writes one"
        yield f"{known}; {more}"
