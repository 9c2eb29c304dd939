"""The command line: one file a command, loaded only when it is asked for, so that `--help` is quick.

Every error leaves as one clear sentence and the exit status of the README's table; a bug leaves a
redacted trace in the state folder. No traceback reaches a user.
"""

from __future__ import annotations

import errno
import gc
import importlib
import shlex
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import click

from campaign_runner.cli.console import output_failure, print_error
from campaign_runner.cli.help import statuses, with_whole_help
from campaign_runner.cli.invocation import Invocation
from campaign_runner.errors import CampaignError, UsageError
from campaign_runner.text import did_you_mean
from campaign_runner.version import __version__

COMMANDS = {
    "Write": {
        "login": "Keep your Adobe credentials on this machine.",
        "init": "Write a first campaign file, ready to run.",
        "check": "Check campaign files and show every problem.",
        "plan": "Preview a campaign: images, cost and time.",
        "clone": "Copy a campaign to a new name.",
        "export": "Write the products of a campaign to an Excel workbook.",
        "models": "List your custom models, newest first, each with the two lines to paste.",
        "schema": "Print the JSON Schema of campaign files and of what is recorded.",
    },
    "Make": {
        "run": "Generate the missing images and download finished ones.",
        "rerun": "Generate the images of a manifest again and compare them.",
    },
    "Look": {
        "list": "List the campaigns of this machine: how each stands, and when it last ran.",
        "status": "Show progress, even during a run.",
        "find": "Find an image: its file, its prompt, its state and what to do next.",
        "review": "Compare the images of a campaign and choose the best of each row.",
    },
    "Decide": {
        "resolve": "Decide what to do about failed or uncertain images.",
        "retake": "Add a new version of one image to the campaign and show its cost.",
        "reroll": "Add new seeds for every row whose images were all rejected, and show their cost.",
        "keep": "Keep existing images after a wording change (free).",
        "prune": "Move images the campaign no longer uses to `removed/`.",
        "cancel": "Cancel requests that Adobe is still working on.",
    },
    "Deliver": {
        "channels": "List the channels that pictures can be delivered to.",
        "deliver": "Cut the chosen images to every channel, named and labelled.",
    },
    "Check": {
        "verify": "Check that every stored image is still there and unchanged.",
        "doctor": "Check that everything is ready for a run (free).",
    },
    "Try": {
        "sandbox": "Start a practice server that behaves like Firefly.",
    },
}
UNLISTED = ("fleet", "worker")
"""Commands for many machines, which the first page of the help leaves out."""

_COLLECTED_AFTER = 10_000, 20, 20
"""New objects before the young ones are looked through, and how often that before older ones are; Python's are 700."""
_SLIPS = "campaign_runner.cli.slips"
"""Loaded only where something is not understood."""


def collect_seldom() -> None:
    """What was imported stays, and is not looked through again; what a command makes is, now and then.

    A job leaves one object behind that only such a look finds.
    """
    gc.freeze()
    gc.set_threshold(*_COLLECTED_AFTER)
    gc.enable()


class Commands(click.Group):
    """The commands, grouped by what they are for; each is imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for commands in COMMANDS.values() for name in commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in (*self.list_commands(ctx), *UNLISTED):
            return None
        command: click.Command = importlib.import_module(f"campaign_runner.cli.{cmd_name}").command
        if not gc.isenabled():  # as at the beginning of the process
            collect_seldom()
        return with_whole_help(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        is_command = args[0] in known or args[0] in UNLISTED
        if not args[0].startswith("-") and not is_command:  # click would guess only among commands that are loaded
            ctx.fail(f"there is no command '{args[0]}'{did_you_mean(args[0], known) or _instead_of(args[0])}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for purpose, commands in COMMANDS.items():
            with formatter.section(purpose):
                formatter.write_dl([*commands.items()])  # here `list` is a command, once it was called

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_paragraph()
        formatter.write_text(statuses())


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="campaign-runner")
def commands() -> None:
    """Generate campaign images with Adobe Firefly in bulk. You never pay twice and never lose an image you paid for."""


with_whole_help(commands)


def _instead_of(word: str) -> str:
    """What to type where a file stands in the place of the command, or the word help."""
    if word == "help":
        return ": `campaign-runner --help` lists the commands, `campaign-runner COMMAND --help` explains one"
    if not word.lower().endswith((".yaml", ".yml", ".json")):
        return ""
    file = shlex.quote(str(Path(word).absolute()))
    return f": say first what to do with the file, as in `campaign-runner check {file}`"


def run_command(arguments: Sequence[str]) -> int:
    """Run one command; the answer is the process's exit status."""
    called = Invocation(tuple(arguments))
    status = _heeded(partial(_called, called), called.typed)
    if called.afterwards:
        signals = importlib.import_module("campaign_runner.cli.signals")
        with signals.as_ctrl_c():
            for work in called.afterwards:
                _heeded(work)
    return status


def _called(invocation: Invocation) -> int:
    status = commands.main([*invocation.typed], prog_name="campaign-runner", standalone_mode=False, obj=invocation)
    return status if isinstance(status, int) and status else _told()


def _heeded(work: Callable[[], int | None], typed: Sequence[str] = ()) -> int:
    """The exit status of some work; what it raises is told to a person, with what `typed` may have meant."""
    try:
        return work() or 0
    except click.ClickException as error:
        importlib.import_module(_SLIPS).show(error, typed)
        if isinstance(error, click.UsageError):
            from campaign_runner.cli.refused import tell_refusal  # `--help` is quick without

            tell_refusal(error)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt) as error:
        is_at_work = isinstance(error, KeyboardInterrupt) or isinstance(error.__cause__, KeyboardInterrupt)
        told = "stopped; to go on, run the same command again" if is_at_work else "\ncancelled; nothing was changed"
        click.echo(told, err=True)
        return 130
    except CampaignError as error:
        print_error(error)
        if isinstance(error, UsageError):
            for line in importlib.import_module(_SLIPS).of_words(typed):
                click.echo(line, err=True)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - the process's boundary
        if (refusal := _refusal(error)) is not None:
            print_error(refusal)
            return refusal.exit_code
        return _report_bug(error)


def _refusal(error: Exception) -> CampaignError | None:
    """What to say of a name that is none on any disk, wherever it was about to be looked for; None of a bug."""
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        name = str(error.filename)
        return UsageError(f"'{name[:40]}…' has {len(name):,} characters: no file or folder has such a name")
    if isinstance(error, RuntimeError) and str(error).startswith("Symlink loop"):  # what Python's paths say of one
        return UsageError("a symbolic link that is named here leads back to itself: name the file or folder itself")
    return None


def _told() -> int:
    """The exit status of a command that went well: 0, if what it had to tell arrived."""
    error = output_failure()
    if error is None:
        return 0
    print_error(error)
    return error.exit_code


def _report_bug(error: Exception) -> int:
    """Keep a redacted trace where a person finds it, and say where."""
    trace = importlib.import_module("campaign_runner.cli.trace")
    click.echo(f"campaign-runner: a bug ({type(error).__name__}); a redacted trace is in {trace.keep(error)}", err=True)
    return 1
