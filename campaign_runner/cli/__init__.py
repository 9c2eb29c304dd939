"""The command line: one file a command, loaded only when it is asked for, so that `--help` is quick.

Every error leaves as one clear sentence and the exit status of the README's table; a bug leaves a
redacted trace in the state folder. No traceback reaches a user.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence

import click

from campaign_runner.cli.console import output_failure, print_error
from campaign_runner.errors import CampaignError
from campaign_runner.version import __version__

COMMANDS = {
    "Write": {
        "init": "Write a campaign file that runs, and its schema for your editor.",
        "check": "Show every problem of campaign files.",
        "plan": "Show what a campaign would make, buy and take.",
        "clone": "Write the same campaign under a new name.",
        "models": "Show the custom models of this account, each with the two lines to paste.",
        "schema": "Print the JSON Schema of the campaign file, or of the manifest.",
    },
    "Make": {
        "run": "Make what is due and fetch what is paid for.",
        "rerun": "Make the images of a manifest again, and compare.",
    },
    "Keep": {
        "status": "Show what the record says now, also while a run goes on.",
        "verify": "Hold every image against the record: present, size, digest.",
        "resolve": "Decide what becomes of images in doubt and of failed ones.",
        "cancel": "Cancel accepted jobs that are still being made.",
        "find": "Find an image: where it is, how it was made, what became of it, what to do next.",
        "retake": "Write another take of one image into its campaign file, and show what it would buy.",
        "doctor": "Find out, free of charge, what would keep a run from working.",
        "keep": "Let stored images stand for changed words: free, and recorded.",
        "prune": "Move images that are no longer in the campaign aside.",
    },
    "Try": {
        "sandbox": "Serve a Firefly-compatible sandbox on this machine.",
    },
}
EXIT_STATUSES = """
Exit status: 0 done, 1 a bug, 2 arguments or campaign, 3 some failed, 4 some in doubt,
5 differs from the record, 6 this machine, 7 credentials, 8 run again later, 9 stopped
where you asked, 11 another run holds the folder, 129 130 143 signals.
"""


class Commands(click.Group):
    """The commands, grouped by what they are for; each is imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for commands in COMMANDS.values() for name in commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"campaign_runner.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for purpose, commands in COMMANDS.items():
            with formatter.section(purpose):
                formatter.write_dl(list(commands.items()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write(EXIT_STATUSES)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="campaign-runner")
def commands() -> None:
    """Batch images from Adobe Firefly: nothing paid for twice, nothing paid for lost."""


def run_command(arguments: Sequence[str]) -> int:
    """Run one command; the answer is the process's exit status."""
    try:
        status = commands.main(list(arguments), prog_name="campaign-runner", standalone_mode=False)
        return status if isinstance(status, int) and status else _told()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped; nothing is under way", err=True)
        return 130
    except CampaignError as error:
        print_error(error)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - the process's boundary
        return _report_bug(error)


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
